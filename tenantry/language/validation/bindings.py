"""Whether what is given to a task or a workflow is what it takes, name by name and type by type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import UNSET

from tenantry.language.codes import Code
from tenantry.language.documents.spans import pointer_tokens
from tenantry.language.findings import Severity
from tenantry.language.schemas.structure import expansion, inline
from tenantry.language.schemas.subtyping import Refuted, Unknown
from tenantry.language.schemas.untyped import is_untyped
from tenantry.language.templates.parser import texts
from tenantry.language.validation.kinds import kinds_of
from tenantry.language.values import Json, dump_json, pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from msgspec import UnsetType

    from tenantry.language.documents.report import Report
    from tenantry.language.schemas.subtyping import Comparisons

_NOTES: Final = frozenset(("title", "description", "default", "examples", "$schema", "$comment"))
_BY_ITEM: Final = _NOTES | {"type", "items"}
_BY_NAME: Final = _NOTES | {"type", "properties", "required", "additionalProperties"}
_SHOWN: Final = 60


class Binding(NamedTuple):
    """One input on its way to what takes it.

    Attributes:
        consumer: what takes it, for people.
        value: the input as written.
        given: the schema of what that gives, made by `infer`.
        taken: the schema it has to satisfy, in which `check` finds no problem.
        pointer: of the input in the document.
    """

    consumer: str
    value: Json
    given: Any
    taken: Any
    pointer: str


class Place(NamedTuple):
    """A part of an input: its JSON pointer in the document, its name for people, and the way there."""

    pointer: str
    name: str = "input"
    path: tuple[str | int, ...] = ()

    def entry(self, key: str | int) -> Place:
        """The place of a field or an item."""
        member = f"[{key}]" if isinstance(key, int) else f".{key}"
        return Place(self.pointer + pointer_token(key), self.name + member, (*self.path, key))


def check_binding(binding: Binding, report: Report, comparisons: Comparisons) -> None:
    """Reports where an input does not fit."""
    _Check(binding, report, comparisons).run()


class _Check:
    """Takes apart what the author wrote out, so that findings stand at their entries; compares the rest."""

    def __init__(self, binding: Binding, report: Report, comparisons: Comparisons) -> None:
        self._binding = binding
        self._comparisons = comparisons
        self._consumer = binding.consumer
        self._report = report

    def run(self) -> None:
        value, given, taken, place = (*self._binding[1:4], Place(self._binding.pointer))
        written_out = inline(taken, taken)
        if written_out is not taken and expansion(taken).recursions:
            self._compare(value, given, taken, place)
        else:
            self._check(value, given, written_out, place)

    def _check(self, value: Json, given: Any, taken: Any, place: Place) -> None:
        if is_untyped(given) and isinstance(value, dict | list):
            self._undecided(place, "it is too large")
        elif isinstance(value, dict) and _is_only(taken, "object", _BY_NAME):
            self._check_fields(value, given["properties"], taken, place)
        elif isinstance(value, list) and value and _is_only(taken, "array", _BY_ITEM):
            for index, child in enumerate(value):
                item = given["prefixItems"][index]
                self._check(child, item, taken.get("items", True), place.entry(index))
        else:
            self._compare(value, given, taken, place)

    def _check_fields(self, value: dict[str, Json], given: Any, taken: Any, place: Place) -> None:
        declared: dict[str, Any] = taken.get("properties", {})
        others = taken.get("additionalProperties", True)
        for name in taken.get("required", ()):
            if name not in value:
                message = f"{place.entry(name).name} is missing, and is required by {self._consumer}"
                self._report.add(
                    Code.MISSING_INPUT, message, place.pointer, counterexample=self._counterexample()
                )
        free = [name for name in declared if name not in value]
        for key, child in value.items():
            if key in declared:
                self._check(child, given[key], declared[key], place.entry(key))
            else:
                self._check_name(key, free, others, place.entry(key))
                self._check(child, given[key], others or True, place.entry(key))

    def _check_name(self, name: str, known: Iterable[str], others: Any, place: Place) -> None:
        """A field nobody declared: refused by some tasks, and suspicious where it nearly is another one."""
        is_refused = others is False
        if not is_refused and not (others is True and self._report.nearest(name, known)):
            return
        self._report.add(
            Code.UNKNOWN_INPUT,
            f"{place.name} is not declared by {self._consumer}",
            place.pointer,
            at_key=True,
            meant=(name, known),
            severity=Severity.ERROR if is_refused else Severity.WARNING,
            counterexample=self._counterexample() if is_refused else UNSET,
        )

    def _compare(self, value: Json, given: Any, taken: Any, place: Place) -> None:
        verdict = self._comparisons.compare(given, taken)
        if isinstance(verdict, Refuted):
            is_literal = not any("{{" in text for _, text in texts(value))
            hint = "" if is_literal else _hint(verdict.counterexample, given, taken)
            self._refuse(verdict, place, hint, is_literal=is_literal)
        elif isinstance(verdict, Unknown):
            self._undecided(place, verdict.reason)

    def _undecided(self, place: Place, reason: str) -> None:
        message = f"whether {self._consumer} takes every {place.name} is not known: {reason}"
        self._report.add(Code.UNDECIDED, message, place.pointer, severity=Severity.WARNING)

    def _refuse(self, verdict: Refuted, place: Place, hint: str, *, is_literal: bool) -> None:
        at = _inner(place, verdict.counterexample, verdict.pointer)
        if is_literal:
            message = f"{self._consumer} does not take this {at.name}: {verdict.message}"
        else:
            where = "" if at.name == place.name else f" at {at.name}"
            message = (
                f"{place.name} may be {_shown(verdict.counterexample)}, which {self._consumer} does not "
                f"take{where}: {verdict.message}"
            )
        self._report.add(
            Code.TYPE_MISMATCH,
            message,
            place.pointer,
            suggestion=hint,
            counterexample=self._counterexample(place.path, verdict.counterexample),
        )

    def _counterexample(
        self, path: tuple[str | int, ...] = (), value: Json | UnsetType = UNSET
    ) -> Json | UnsetType:
        """A whole input that is refused: if a value is given, one that holds it at the path."""
        given = self._binding.given if value is UNSET else _with(self._binding.given, path, value)
        verdict = self._comparisons.compare(given, self._binding.taken)
        return verdict.counterexample if isinstance(verdict, Refuted) else value


def _inner(place: Place, value: Any, pointer: str) -> Place:
    """The place of a part of a value that stands at a place."""
    for token in pointer_tokens(pointer):
        key = int(token) if isinstance(value, list) else token
        place, value = place.entry(key), value[key]
    return place


def _with(given: Any, path: tuple[str | int, ...], value: Json | UnsetType) -> Any:
    """The schema of what the author wrote out, where the value at a path is this one."""
    if not path:
        return {"const": value}
    key, *rest = path
    if isinstance(key, str):
        fields = given["properties"]
        return {**given, "properties": {**fields, key: _with(fields[key], tuple(rest), value)}}
    items = list(given["prefixItems"])
    items[key] = _with(items[key], tuple(rest), value)
    return {**given, "prefixItems": items}


def _hint(value: Json, given: Any, taken: Any) -> str:
    is_null = value is None and "null" in kinds_of(given) - kinds_of(taken)
    return "give a default with ??" if is_null else ""


def _is_only(schema: Any, container: str, keywords: frozenset[str]) -> bool:
    """Whether a schema says nothing of an object or array but what each entry is: each stands alone."""
    if not isinstance(schema, dict) or not schema.keys() <= keywords:
        return False
    return bool(schema.get("type", container) == container)


def _shown(value: Json) -> str:
    text = dump_json(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
