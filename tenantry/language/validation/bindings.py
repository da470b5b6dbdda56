"""Whether what a step gives its task is what the task takes, name by name and type by type."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenantry.language.codes import Code
from tenantry.language.documents.spans import pointer_tokens
from tenantry.language.findings import Severity
from tenantry.language.schemas import MismatchKind, mismatches
from tenantry.language.schemas.structure import inline
from tenantry.language.validation.kinds import kinds_of
from tenantry.language.values import Json, pointer_token, type_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.documents.report import Report

_NOTES: Final = frozenset(("title", "description", "default", "examples", "$schema", "$comment"))
_BOUNDS: Final = frozenset(("minLength", "maxLength", "pattern", "format", "minimum", "maximum"))
_BY_TYPE: Final = _NOTES | _BOUNDS | {"type"}  # bounds are not compared with what says nothing of them
_BY_VALUE: Final = _NOTES | {"type", "enum"}
_BY_ITEM: Final = _NOTES | {"type", "items"}
_BY_NAME: Final = _NOTES | {"type", "properties", "required", "additionalProperties"}


class Place(NamedTuple):
    """A part of a step's input: its JSON pointer in the document, and its name for people."""

    pointer: str
    name: str = "input"

    def entry(self, key: str | int) -> Place:
        """The place of a field or an item."""
        member = f"[{key}]" if isinstance(key, int) else f".{key}"
        return Place(self.pointer + pointer_token(key), self.name + member)


def check_binding(*, task: str, value: Json, given: Any, taken: Any, pointer: str, report: Report) -> None:
    """Reports where a step's input does not fit its task.

    Args:
        task: its name.
        value: the input as written.
        given: the schema of what that gives, made by `infer`.
        taken: the task's input schema, in which `check` finds no problem.
        pointer: of the input in the document.
        report: takes the findings.
    """
    _Binding(task, report).check(value, given, inline(taken, taken), Place(pointer))


class _Binding:
    """Takes apart what the author wrote out, so that findings stand at their entries; compares the rest."""

    def __init__(self, task: str, report: Report) -> None:
        self._task = task
        self._report = report

    def check(self, value: Json, given: Any, taken: Any, place: Place) -> None:
        if isinstance(value, dict) and _is_only(taken, "object", _BY_NAME):
            self._check_fields(value, given["properties"], taken, place)
        elif isinstance(value, list) and value and _is_only(taken, "array", _BY_ITEM):
            for index, child in enumerate(value):
                item = given["items"]["anyOf"][index]
                self.check(child, item, taken.get("items", True), place.entry(index))
        elif not _plainly_fits(given, taken):
            self._compare(given, taken, place)

    def _check_fields(self, value: dict[str, Json], given: Any, taken: Any, place: Place) -> None:
        declared: dict[str, Any] = taken.get("properties", {})
        others = taken.get("additionalProperties", True)
        for name in taken.get("required", ()):
            if name not in value:
                self._missing(place.entry(name).name, "is missing, and is required", place)
        free = [name for name in declared if name not in value]
        for key, child in value.items():
            if key in declared:
                self.check(child, given[key], declared[key], place.entry(key))
            else:
                self._check_name(key, free, others, place.entry(key))
                self.check(child, given[key], others or True, place.entry(key))

    def _check_name(self, name: str, known: Iterable[str], others: Any, place: Place) -> None:
        """A field nobody declared: refused by some tasks, and suspicious where it nearly is another one."""
        if others is False:
            self._undeclared(name, known, place, Severity.ERROR)
        elif others is True and self._report.nearest(name, known):
            self._undeclared(name, known, place, Severity.WARNING)

    def _compare(self, given: Any, taken: Any, place: Place) -> None:
        for mismatch in mismatches(given, taken):
            name = reduce(Place.entry, pointer_tokens(mismatch.pointer), place).name
            match mismatch.kind:
                case MismatchKind.MISSING:
                    self._missing(name, mismatch.message, place)
                case MismatchKind.UNKNOWN:
                    self._undeclared(name, (), place._replace(name=name), Severity.ERROR)
                case MismatchKind.VALUE:
                    self._mismatch(f"{self._task} does not take this {name}: {mismatch.message}", place)
                case _:
                    hint = _null_hint(given, taken) if name == place.name else ""
                    self._mismatch(f"{name} {mismatch.message} by {self._task}", place, hint)

    def _mismatch(self, message: str, place: Place, hint: str = "") -> None:
        self._report.add(Code.TYPE_MISMATCH, message, place.pointer, suggestion=hint)

    def _missing(self, name: str, message: str, place: Place) -> None:
        self._report.add(Code.MISSING_INPUT, f"{name} {message} by {self._task}", place.pointer)

    def _undeclared(self, name: str, known: Iterable[str], place: Place, severity: Severity) -> None:
        self._report.add(
            Code.UNKNOWN_INPUT,
            f"{place.name} is not declared by {self._task}",
            place.pointer,
            at_key=True,
            meant=(name, known),
            severity=severity,
        )


def _null_hint(given: Any, taken: Any) -> str:
    if "null" in kinds_of(given) - kinds_of(taken):
        return "a step that is skipped gives null, as may a schema; give a default with ??"
    return ""


def _is_only(schema: Any, container: str, keywords: frozenset[str]) -> bool:
    """Whether a schema says nothing of an object or array but what each entry is: each stands alone."""
    if not isinstance(schema, dict) or not schema.keys() <= keywords:
        return False
    return bool(schema.get("type", container) == container)


def _plainly_fits(given: Any, taken: Any) -> bool:
    """Whether one look is enough, as it mostly is: comparing schemas costs fifty times that."""
    if not isinstance(taken, dict) or not isinstance(given, dict):
        return taken is True
    if given.keys() == {"anyOf"}:
        return all(_plainly_fits(member, taken) for member in given["anyOf"])
    if given.keys() == {"type"}:
        return taken.keys() <= _BY_TYPE and taken.get("type", given["type"]) == given["type"]
    if given.keys() == {"const"}:
        return _plainly_takes(taken, given["const"])
    return not taken.keys() - _NOTES


def _plainly_takes(taken: dict[str, Any], literal: Json) -> bool:
    kind = type_name(literal)
    if not taken.keys() <= _BY_VALUE or taken.get("type", kind) != kind:
        return False
    return "enum" not in taken or (isinstance(literal, str) and literal in taken["enum"])
