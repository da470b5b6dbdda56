"""Whether what one schema gives is what another takes, property by property. Validation compares steps so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenantry.language.schemas.shapes import Shape, shapes_of
from tenantry.language.schemas.structure import inline
from tenantry.language.schemas.types import types_of
from tenantry.language.schemas.validators import compile_checked
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_STEPS: Final = 2_000


class MismatchKind(StrEnum):
    """In which way two schemas do not fit."""

    TYPE = "type"
    VALUE = "value"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Mismatch(NamedTuple):
    """One place where what is given is not what is taken.

    Attributes:
        pointer: JSON pointer into the value; `/0` stands for any item of an array.
        message: what is given and what is taken, to be read after the name of the place.
        kind: a wrong type, a value that is not taken, a required field that is missing or may be, or a field
            that is not taken.
    """

    pointer: str
    message: str
    kind: MismatchKind


def mismatches(source: Any, target: Any) -> tuple[Mismatch, ...]:
    """Where values of the source do not satisfy the target. `check` finds no problem in either schema.

    Sound, not complete: some value of the source runs into each mismatch, provided that the source has a
    value of every type it lists. What says nothing of a place, and keywords that interact, give no mismatch.
    """
    return tuple(dict.fromkeys(_Comparer().compare(inline(source, source), inline(target, target), "")))


@dataclass(slots=True)
class _Comparer:
    """Compares schemas without references, up to a number of steps."""

    steps: int = _MAX_STEPS

    def compare(self, source: Any, target: Any, pointer: str) -> Iterator[Mismatch]:
        """Compares two subschemas of the same value."""
        for shape in shapes_of(source):
            self.steps -= 1
            if self.steps < 0:
                return
            if shape.values is not None:
                yield from _compare_values(source, shape.values, target, pointer)
            elif shape.types != frozenset():
                yield from self._compare_shape(shape, target, pointer)

    def _compare_shape(self, shape: Shape, target: Any, pointer: str) -> Iterator[Mismatch]:
        given, taken = shape.types, types_of(target, target)
        if given is not None and taken is not None and given - taken:
            refused = given - taken
            if shape.is_plain or refused == given:
                yield _type_mismatch(refused, given, taken, pointer)
            if refused == given:
                return
        if shape.is_plain:
            yield from self._compare_parts(shape, target, pointer)

    def _compare_parts(self, shape: Shape, target: Any, pointer: str) -> Iterator[Mismatch]:
        if not isinstance(target, dict):
            return
        for member in target.get("allOf", ()):
            yield from self._compare_parts(shape, member, pointer)
        if shape.types is None or "object" in shape.types:
            yield from _compare_required(shape, target, pointer)
            yield from self._compare_fields(shape, target, pointer)
        if shape.items is not None and "items" in target and "prefixItems" not in target:
            yield from self.compare(shape.items, target["items"], pointer + "/0")

    def _compare_fields(self, shape: Shape, target: dict[str, Any], pointer: str) -> Iterator[Mismatch]:
        taken = target.get("properties", {})
        others = True if "patternProperties" in target else target.get("additionalProperties", True)
        for name, schema in (shape.properties or {}).items():
            place = pointer + pointer_token(name)
            if name in taken:
                yield from self.compare(schema, taken[name], place)
            elif others is False and schema is not False:
                known = f"; what is taken is {', '.join(sorted(taken))}" if taken else ""
                yield Mismatch(place, f"is not taken{known}", MismatchKind.UNKNOWN)
            else:
                yield from self.compare(schema, others, place)


def _compare_required(shape: Shape, target: dict[str, Any], pointer: str) -> Iterator[Mismatch]:
    if shape.properties is None:
        return
    for name in target.get("required", ()):
        if name not in shape.required:
            message = "may be missing" if name in shape.properties else "is missing"
            yield Mismatch(pointer + pointer_token(name), f"{message}, and is required", MismatchKind.MISSING)


def _compare_values(source: Any, values: tuple[Any, ...], target: Any, pointer: str) -> Iterator[Mismatch]:
    """Judges listed values one by one: the first that the source gives and the target does not take."""
    given, taken = compile_checked(source), compile_checked(target)
    for value in values:
        if given.is_valid(value) and not taken.is_valid(value):
            for violation in taken.violations(value):
                yield Mismatch(pointer + violation.pointer, violation.message, MismatchKind.VALUE)
            return


def _type_mismatch(
    refused: frozenset[str], given: frozenset[str], taken: frozenset[str], pointer: str
) -> Mismatch:
    verb = "is" if refused == given else "may be"
    return Mismatch(pointer, f"{verb} {_listed(refused)}, and {_listed(taken)} is taken", MismatchKind.TYPE)


def _listed(types: frozenset[str]) -> str:
    names = types - {"integer"} if "number" in types else types
    return " or ".join(sorted(names)) or "nothing"
