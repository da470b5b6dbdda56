"""The secrets a task or a step declares, and what it does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.codes import Code
from tenantry.language.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.documents.model import SecretUse
    from tenantry.language.documents.report import Report
    from tenantry.language.templates.model import Reference


class SecretUses:
    """The secrets of one task or step, or of a workflow, which declares none. Remembers which are used."""

    def __init__(self, owner: str, declared: tuple[SecretUse, ...], pointer: str, report: Report) -> None:
        """Nothing is used yet.

        Args:
            owner: what the task or step is called.
            declared: its secrets.
            pointer: of these.
            report: takes what is wrong.
        """
        self._owner = owner
        self._declared = declared
        self._pointer = pointer
        self._report = report
        self._used: set[str] = set()

    def use(self, reference: Reference, place: str) -> None:
        """Reports a reference to a secret, at a place where it may stand, that is not declared."""
        name = str(reference.path[0])
        self._used.add(name)
        known = [use.name for use in self._declared]
        if name not in known:
            self._report.add(
                Code.SECRET_NOT_DECLARED,
                f"{self._owner} does not declare the secret {name}",
                place,
                offset=reference.offset,
                suggestion=f"declare it in the secrets of {self._owner}",
                meant=(name, known) if known else None,
            )

    def use_inside(self, secrets: frozenset[SecretUse], reference: Reference, place: str) -> None:
        """Reports a reference to something with secrets in it that are not declared."""
        self._used.update(use.name for use in secrets)
        missing = secrets.difference(self._declared)
        if missing:
            self._report.add(
                Code.SECRET_NOT_DECLARED,
                f"{reference.path_text} holds {named(missing)}, which {self._owner} does not declare",
                place,
                offset=reference.offset,
                suggestion=f"declare it in the secrets of {self._owner}, or read something else",
            )

    def leak(self, reference: Reference, place: str, what: str, hint: str) -> None:
        """Reports a reference to a secret where none may stand. It counts as used: one mistake is enough."""
        name = str(reference.path[0])
        self._used.add(name)
        self._leak(f"the secret {name}", place, what, hint, reference.offset)

    def leak_inside(
        self, secrets: frozenset[SecretUse], reference: Reference, place: str, what: str, hint: str
    ) -> None:
        """Reports a reference to something with secrets in it, where none may come."""
        self._used.update(use.name for use in secrets)
        self._leak(f"{named(secrets)} in {reference.path_text}", place, what, hint, reference.offset)

    def _leak(self, name: str, place: str, what: str, hint: str, offset: int) -> None:
        message = f"{name} must not reach {what}"
        self._report.add(Code.SECRET_LEAK, message, place, offset=offset, suggestion=hint)

    def check_declarations(self) -> None:
        """Reports what is declared twice, and, once all uses are told, what is not used."""
        names: set[str] = set()
        for index, use in enumerate(self._declared):
            place = f"{self._pointer}/{index}"
            if use.name in names:
                message = f"another secret of {self._owner} is called {use.name}"
                hint = "leave it out, or give it a name of its own"
                self._report.add(Code.DUPLICATE_SECRET, message, f"{place}/name", suggestion=hint)
            elif use.name not in self._used:
                message = f"{self._owner} declares the secret {use.name} and does not use it"
                self._report.add(
                    Code.UNUSED_SECRET, message, place, suggestion="leave it out", severity=Severity.WARNING
                )
            names.add(use.name)


def named(secrets: Iterable[SecretUse]) -> str:
    """Secrets as they are named in a sentence."""
    *others, last = sorted({use.name for use in secrets})
    return f"the secrets {', '.join(others)} and {last}" if others else f"the secret {last}"
