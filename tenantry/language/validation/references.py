"""Whether a reference leads somewhere, and what is known of the value there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.schemas.lookup import Missing, lookup
from tenantry.language.templates.model import Reference
from tenantry.language.validation.kinds import nullable, with_default
from tenantry.language.validation.readable import ANYTHING, Output, Readable

if TYPE_CHECKING:
    from tenantry.language.documents.report import Report

_TEXT: Final = {"type": "string"}


class References:
    """Checks the references of one text, such as a step's input, and remembers them.

    Attributes:
        report: takes what is wrong.
        found: every reference so far, with the pointer of the string it stands in.
    """

    def __init__(self, readable: Readable, report: Report) -> None:
        self._readable = readable
        self.report = report
        self.found: list[tuple[str, Reference]] = []

    def schema_of(self, reference: Reference, pointer: str, *, ready_for_null: bool) -> Any:
        """The schema of what a reference gives; what is wrong with it is reported.

        Args:
            reference: stands in a string of the document.
            pointer: of that string.
            ready_for_null: the reader says itself what happens when a task was skipped.
        """
        self.found.append((pointer, reference))
        schema = _Check(self._readable, self.report, reference, pointer).run(ready_for_null=ready_for_null)
        return schema if reference.default is msgspec.UNSET else with_default(schema, reference.default)


class _Check:
    def __init__(self, readable: Readable, report: Report, reference: Reference, pointer: str) -> None:
        self._readable = readable
        self._report = report
        self._reference = reference
        self._pointer = pointer
        self._has_default = reference.default is not msgspec.UNSET

    def run(self, *, ready_for_null: bool) -> Any:
        reference = self._reference
        if reference.root == "secrets":
            self._add(
                Code.SECRET_NOT_DECLARED,
                f"the secret {reference.path[0]} is not declared",
                "secrets cannot be declared yet; leave it out",
            )
        elif reference.root not in self._readable.roots:
            self._not_readable()
        elif reference.root == "input":
            return self._follow(self._readable.input, "input", reference.path)
        elif reference.root == "tasks":
            return self._task(ready_for_null=ready_for_null)
        else:
            return _TEXT
        return ANYTHING

    def _not_readable(self) -> None:
        root = self._reference.root
        seen = ", ".join(sorted(self._readable.roots))
        hint = "let the step that uses the task give it in its input"
        self._add(Code.NOT_READABLE_HERE, f"{root} cannot be read here, only {seen}", hint)

    def _task(self, *, ready_for_null: bool) -> Any:
        step, what, *path = self._reference.path
        output = self._readable.steps.get(str(step))
        if output is None:
            self._report.add(
                Code.UNKNOWN_STEP,
                f"tasks.{step} does not exist",
                self._pointer,
                offset=self._reference.offset,
                meant=(str(step), self._readable.steps),
            )
            return ANYTHING
        if what == "status":
            return _TEXT
        schema = self._follow(output.schema, f"tasks.{step}.output", tuple(path))
        return self._skippable(str(step), output, schema, path, ready_for_null=ready_for_null)

    def _skippable(
        self, step: str, output: Output, schema: Any, path: list[str | int], *, ready_for_null: bool
    ) -> Any:
        if not output.skippable or self._has_default or ready_for_null:
            return schema
        if not path:
            return nullable(schema)
        self._add(
            Code.MAY_BE_SKIPPED,
            f"tasks.{step} may be skipped by its condition, and its output is then null",
            f"give a default with ??, or a condition that asks for tasks.{step}.status",
        )
        return schema

    def _follow(self, schema: Any, owner: str, path: tuple[str | int, ...]) -> Any:
        found = lookup(schema, path)
        if isinstance(found, Missing):
            self._missing(found, owner, path)
            return ANYTHING
        if found.optional and not self._has_default:
            self._add(
                Code.MAY_BE_MISSING,
                f"{self._reference.path_text} may be missing, because its schema does not require it",
                "give a default with ??, or require it in the schema",
                Severity.WARNING,
            )
        return found.schema

    def _missing(self, missing: Missing, owner: str, path: tuple[str | int, ...]) -> None:
        name = path[missing.at]
        holder = Reference(root=owner, path=path[: missing.at]).path_text
        if not self._has_default:
            what = f"item [{name}]" if isinstance(name, int) else f'field "{name}"'
            self._report.add(
                Code.UNKNOWN_PATH,
                f"{holder} has no {what}",
                self._pointer,
                offset=self._reference.offset,
                meant=(str(name), missing.known),
            )
        elif near := self._report.nearest(str(name), missing.known):
            self._add(
                Code.UNKNOWN_PATH,
                f'{holder} declares no field "{name}", so this may always give the default',
                f'did you mean "{near}"?',
                Severity.WARNING,
            )

    def _add(self, code: Code, message: str, suggestion: str, severity: Severity = Severity.ERROR) -> None:
        self._report.add(
            code,
            message,
            self._pointer,
            offset=self._reference.offset,
            suggestion=suggestion,
            severity=severity,
        )
