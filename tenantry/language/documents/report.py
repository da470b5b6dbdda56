"""Collecting the findings about one document: here they get positions, nearest names, and a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from tenantry.language.codes import Code
from tenantry.language.documents.edits import rename_key, rename_value, rename_within
from tenantry.language.documents.nearest import did_you_mean, nearest
from tenantry.language.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from msgspec import UnsetType

    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Edit
    from tenantry.language.values import Json

MAX_FINDINGS: Final = 100
MAX_COMPARED: Final = 20_000  # at up to 50 microseconds each

_MAX_MESSAGE: Final = 400


class Report:
    """The findings about a document so far. From the hundred and first on they are only counted."""

    def __init__(self, document: Document, findings: Iterable[Finding] = ()) -> None:
        self.document = document
        self._findings = list(findings)
        self._left_out = 0
        self._compared = 0
        self._made_up: tuple[str, ...] = ()
        self._made_up_names: frozenset[str] = frozenset()
        self._told: set[tuple[str | int | None, ...]] = set()
        self._refuses = any(finding.severity is Severity.ERROR for finding in self._findings)

    def add(
        self,
        code: Code,
        message: str,
        pointer: str,
        *,
        offset: int | None = None,
        at_key: bool = False,
        suggestion: str = "",
        meant: tuple[str, Iterable[str]] | None = None,
        edit: Edit | None = None,
        severity: Severity = Severity.ERROR,
        counterexample: Json | UnsetType = UNSET,
        details: str = "",
    ) -> None:
        """Adds a finding, unless it is there: what several parts of a document take is judged for each.

        Args:
            code: of the finding.
            message: one sentence.
            pointer: JSON pointer of what it is about.
            offset: the character of the string at the pointer that it is about.
            at_key: it is about the key rather than the value.
            suggestion: what to do.
            meant: a name that does not exist and those that do; the nearest becomes the suggestion, and the
                edit where it is certain.
            edit: the suggestion carried out.
            severity: whether it refuses the document.
            counterexample: a value that shows what is wrong.
            details: more lines about it, such as a table.
        """
        if self._is_made_up(pointer) or self._is_told(code, pointer, offset, message):
            return
        self._refuses |= severity is Severity.ERROR
        if len(self._findings) >= MAX_FINDINGS:
            self._left_out += 1
            return
        document = self.document
        place = document.locate_key(pointer) if at_key else document.locate(pointer, offset)
        if meant is not None:
            name, known = meant[0], tuple(other for other in meant[1] if other not in self._made_up_names)
            near = self.nearest(name, known)
            suggestion = did_you_mean(near, known)
            edit = self._rename(pointer, offset, name, near, at_key=at_key) if near else None
        finding = Finding(
            code=code,
            message=shortened(message),
            severity=severity,
            source=document.source,
            document=document.label,
            pointer=pointer,
            position=place,
            suggestion=suggestion,
            edit=edit,
            counterexample=counterexample,
            details=details,
        )
        self._findings.append(finding)

    def disregard(self, made_up: Mapping[str, Any]) -> None:
        """From now on takes no findings about values the author did not write, nor their names for meant.

        Args:
            made_up: the values, by JSON pointer.
        """
        self._made_up = tuple(made_up)
        self._made_up_names = frozenset(value for value in made_up.values() if isinstance(value, str))

    def leave_out(self, count: int) -> None:
        """Counts errors that nobody has looked into."""
        self._refuses |= count > 0
        self._left_out += count

    def nearest(self, name: str, known: Iterable[str]) -> str | None:
        """The known name most like `name`, until no more findings are listed or names compared."""
        if len(self._findings) >= MAX_FINDINGS:
            return None
        names = tuple(known)
        self._compared += len(names)
        return nearest(name, names) if self._compared <= MAX_COMPARED else None

    def _rename(self, pointer: str, offset: int | None, name: str, near: str, *, at_key: bool) -> Edit | None:
        if at_key:
            return rename_key(self.document, pointer, name, near)
        if offset is not None:
            return rename_within(self.document, pointer, offset, name, near)
        return rename_value(self.document, pointer, name, near)

    @property
    def has_errors(self) -> bool:
        """Whether a finding so far refuses the document."""
        return self._refuses

    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the text."""
        ordered = sorted(self._findings, key=_place)
        if self._left_out:
            ordered.append(self._too_many())
        return tuple(ordered)

    def _is_made_up(self, pointer: str) -> bool:
        return any(pointer == place or pointer.startswith(f"{place}/") for place in self._made_up)

    def _is_told(self, *finding: str | int | None) -> bool:
        told = finding in self._told
        self._told.add(finding)
        return told

    def _too_many(self) -> Finding:
        return Finding(
            code=Code.TOO_MANY_FINDINGS,
            message=f"{self._left_out} more findings are not listed",
            source=self.document.source,
            document=self.document.label,
            severity=Severity.ERROR if self._refuses else Severity.WARNING,
            suggestion="mend these first",
        )


def shortened(message: str) -> str:
    """A message, cut when an author's name in it is out of all proportion."""
    return message if len(message) <= _MAX_MESSAGE else f"{message[: _MAX_MESSAGE - 1]}…"


def _place(finding: Finding) -> tuple[int, int]:
    position = finding.position
    return (position.line, position.column) if position else (0, 0)
