"""What is known of values once a condition is true, or is false: the types of whatever runs because of that.

A condition that has been answered has also read its templates and compared only what can be compared, so even
a comparison that is false says something. What is said here is sound: a property test holds it against the
evaluator.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec

from tenantry.language.schemas.validators import compile_checked
from tenantry.language.templates.conditions import Compare, Comparison, Connective, Logic, Not, Read, Value
from tenantry.language.validation.kinds import NOT_NULL, NULL, kinds_of, union, values_of, without_null
from tenantry.language.values import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.language.templates.conditions import Expression
    from tenantry.language.templates.model import Reference
    from tenantry.language.values import Json

Path: TypeAlias = tuple[str | int, ...]
"""The root of a reference and the steps behind it."""


class Fact(NamedTuple):
    """What is known of the value at a path.

    Attributes:
        schema: the value, if it is there, satisfies this.
        present: the path leads to a value, which may be null.
    """

    schema: Any
    present: bool


if TYPE_CHECKING:
    Facts: TypeAlias = Mapping[Path, Fact]

_MAX_DEPTH: Final = 8
_MAX_LISTED: Final = 128  # values that are gone through one by one
_MAX_PARTS: Final = 16  # of what is known of one value; a condition may say a thousand things of it
_SCALARS: Final = ("boolean", "null", "number", "string")
_ORDERED: Final[dict[str, Any]] = {"type": ["number", "string"]}
_NEVER: Final[dict[str, Any]] = {"not": {}}
_LIST: Final[dict[str, Any]] = {"type": "array"}
_VALUE_DEPTH: Final = {"input": 1, "tasks": 3, "forEach": 2}
"""How much of a path names a value of the scope: `tasks.<id>.output`; what follows goes into the value."""

_FLIPPED: Final = {
    Comparison.LESS: Comparison.MORE,
    Comparison.MORE: Comparison.LESS,
    Comparison.AT_MOST: Comparison.AT_LEAST,
    Comparison.AT_LEAST: Comparison.AT_MOST,
}
_OPPOSITE: Final = {
    Comparison.LESS: Comparison.AT_LEAST,
    Comparison.MORE: Comparison.AT_MOST,
    Comparison.AT_MOST: Comparison.MORE,
    Comparison.AT_LEAST: Comparison.LESS,
}
_BOUNDS: Final = {
    Comparison.LESS: "exclusiveMaximum",
    Comparison.MORE: "exclusiveMinimum",
    Comparison.AT_MOST: "maximum",
    Comparison.AT_LEAST: "minimum",
}


def facts_when(expression: Expression, *, truth: bool, depth: int = _MAX_DEPTH) -> Facts:
    """What is known when an expression has this truth; of what is nested deeper, nothing."""
    match expression:
        case Read(reference=reference):
            return facts_of(reference, {"const": truth})
        case Not(operand=operand):
            return facts_when(operand, truth=not truth, depth=depth)
        case Logic() if depth:
            return _of_logic(expression, truth=truth, depth=depth - 1)
        case Compare():
            return _of_comparison(expression, truth=truth)
    return {}


def facts_of(reference: Reference, schema: Any) -> Facts:
    """What is known when the value that a reference gives satisfies a schema."""
    path: Path = (reference.root, *reference.path)
    depth = _VALUE_DEPTH.get(reference.root, len(path) + 1)
    if len(path) < depth:
        return {}
    present = True
    if reference.default is not msgspec.UNSET:
        present = not _satisfies(reference.default, schema)
        schema = without_null(schema) if present else {"anyOf": [NULL, schema]}
    facts = {path: Fact(schema, present)}
    if present:
        for end in range(len(path) - 1, depth - 1, -1):
            schema = _holding(path[end], schema)
            facts[path[:end]] = Fact(schema, present=True)
    return facts


def both(one: Facts, other: Facts) -> Facts:
    """What is known when two sets of facts hold."""
    if not one or not other:
        return one or other
    joint = {
        path: Fact(_both(one[path].schema, fact.schema), one[path].present or fact.present)
        for path, fact in other.items()
        if path in one
    }
    return {**one, **other, **joint}


def narrowed(schema: Any, known: Any) -> Any:
    """The schema of a value that satisfies a schema and what is known of it."""
    if known.keys() == {"allOf"}:
        return reduce(narrowed, known["allOf"], schema)
    if "null" not in kinds_of(known):
        schema = without_null(schema)
    if known == NOT_NULL or not known:
        return schema
    if _is_holding(known) and isinstance(schema, dict):
        (name,) = known["required"]
        fields = schema.get("properties", {})
        if name in fields:
            fields = {**fields, name: narrowed(fields[name], known["properties"][name])}
            required = [other for other in schema.get("required", ()) if other != name]
            return {**schema, "properties": fields, "required": [*required, name]}
    for listing, other in ((schema, known), (known, schema)):
        values = values_of(listing)
        if values is not None and len(values) <= _MAX_LISTED:
            fits = compile_checked(other).is_valid
            left = [value for value in values if fits(value)]
            return {"enum": left} if left else _NEVER
    return _both(schema, known)


def _of_logic(logic: Logic, *, truth: bool, depth: int) -> Facts:
    parts = [facts_when(operand, truth=truth, depth=depth) for operand in logic.operands]
    if (logic.connective is Connective.AND) == truth:
        return reduce(both, parts)
    return both(_facts_of_answering(logic.operands[0]), _one_of(parts))


def _facts_of_answering(expression: Expression) -> Facts:
    """What is known when an expression has any truth: it could read what it reads first."""
    match expression:
        case Not(operand=operand):
            return _facts_of_answering(operand)
        case Logic(operands=(operand, *_)):
            return _facts_of_answering(operand)
        case Compare(left=left, right=right):
            return both(_facts_of_reading(left), _facts_of_reading(right))
    return _facts_of_reading(expression)


def _facts_of_reading(expression: Expression) -> Facts:
    if isinstance(expression, Read) and expression.reference.default is msgspec.UNSET:
        return facts_of(expression.reference, {})
    return {}


def _of_comparison(compare: Compare, *, truth: bool) -> Facts:
    match compare.left, compare.right:
        case Read(reference=reference), Value(value=value):
            return facts_of(reference, _compared(compare.comparison, value, truth=truth))
        case Value(value=value), Read(reference=reference):
            if compare.comparison is Comparison.IN:
                known = {**_LIST, "contains": {"const": value}} if truth else _LIST
            else:
                comparison = _FLIPPED.get(compare.comparison, compare.comparison)
                known = _compared(comparison, value, truth=truth)
            return facts_of(reference, known)
    return both(_facts_of_reading(compare.left), _facts_of_reading(compare.right))


def _compared(comparison: Comparison, literal: Json, *, truth: bool) -> Any:
    """The schema of a value on the left whose comparison with a literal on the right has this truth."""
    if comparison is Comparison.IN:
        return _listed(literal if isinstance(literal, list) else [], truth=truth)
    if comparison in _BOUNDS:
        if isinstance(literal, str):
            return {"type": "string"}
        bound = comparison if truth else _OPPOSITE[comparison]
        return {"type": "number", _BOUNDS[bound]: literal} if _is_number(literal) else _ORDERED
    if (comparison is Comparison.EQUAL) == truth:
        return {"const": literal}
    if literal is None:
        return NOT_NULL
    kind = "number" if _is_number(literal) else type_name(literal)
    return {"type": [kind, "null"], "not": {"const": literal}}


def _listed(literals: list[Json], *, truth: bool) -> Any:
    """The schema of a scalar that is among these, or is not."""
    scalars = [literal for literal in literals if not isinstance(literal, list | dict)]
    if truth:
        return {"enum": scalars} if scalars else {"type": list(_SCALARS)}
    return {"type": list(_SCALARS), "not": {"enum": scalars}} if scalars else {"type": list(_SCALARS)}


def _one_of(alternatives: list[Facts]) -> Facts:
    first, *others = alternatives
    return {
        path: Fact(
            union([fact.schema, *(other[path].schema for other in others)]),
            fact.present and all(other[path].present for other in others),
        )
        for path, fact in first.items()
        if all(path in other for other in others)
    }


def _holding(key: str | int, schema: Any) -> Any:
    """The schema of an object or a list that has a part which satisfies a schema."""
    if isinstance(key, int):
        return {**_LIST, "minItems": key + 1}
    # That it says `additionalProperties` keeps a lookup from taking the one property for all there are.
    return {"type": "object", "required": [key], "properties": {key: schema}, "additionalProperties": True}


def _is_holding(known: dict[str, Any]) -> bool:
    return known.keys() == {"type", "required", "properties", "additionalProperties"}


def _both(one: Any, other: Any) -> Any:
    if not one or one == other:
        return other
    if not other:
        return one
    parts = one["allOf"] if one.keys() == {"allOf"} else (one,)
    return {"allOf": [*parts, other]} if len(parts) < _MAX_PARTS else one


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _satisfies(value: Json, schema: Any) -> bool:
    return compile_checked(schema).is_valid(value)
