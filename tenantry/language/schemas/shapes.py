"""What values a schema gives, as alternatives. Comparing schemas asks this of the giving side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import combinations, product
from math import prod
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tenantry.language.schemas.types import types_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_INTERACTING: Final = frozenset(
    (
        "contains",
        "dependentRequired",
        "dependentSchemas",
        "if",
        "maxProperties",
        "minProperties",
        "not",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
"""Keywords by which one part of a value decides about another: what is said of a part is then not all."""

_MAX_ALTERNATIVES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Some of the values a schema gives.

    Attributes:
        types: their types; `None` when nothing is said.
        values: the values themselves where they are listed; other keywords may exclude some.
        properties: schemas of the declared fields; `None` when no fields are declared.
        required: fields that are always there.
        others: what `additionalProperties` says of all other fields.
        items: schema of an array's items; `None` when nothing is said or there is never one.
        is_plain: whether the parts are independent: any choice of what is said here is part of some value.
    """

    types: frozenset[str] | None = None
    values: tuple[Any, ...] | None = None
    properties: dict[str, Any] | None = None
    required: frozenset[str] = frozenset()
    others: Any = True
    items: Any = None
    is_plain: bool = True


def shapes_of(schema: Any) -> tuple[Shape, ...]:
    """The alternatives of a schema that has no references: each of its values is one of them."""
    types = types_of(schema, schema)
    if not isinstance(schema, dict):
        return (Shape(types=types),)
    branches = [schema[keyword] for keyword in ("anyOf", "oneOf") if keyword in schema]
    groups = [[_own_shape(schema)], *map(shapes_of, schema.get("allOf", ()))]
    groups += [[shape for branch in members for shape in shapes_of(branch)] for members in branches]
    if prod(map(len, groups)) > _MAX_ALTERNATIVES or not _are_exclusive(schema.get("oneOf", ())):
        return (Shape(types=types, is_plain=False),)
    return tuple(reduce(_merge, choice) for choice in product(*groups))


def _own_shape(schema: dict[str, Any]) -> Shape:
    own = {keyword: value for keyword, value in schema.items() if keyword not in {"allOf", "anyOf", "oneOf"}}
    values = (schema["const"],) if "const" in schema else schema.get("enum")
    return Shape(
        types=types_of(own, own),
        values=None if values is None else tuple(values),
        properties=schema.get("properties"),
        required=frozenset(schema.get("required", ())),
        others=schema.get("additionalProperties", True),
        items=None if schema.get("maxItems") == 0 else schema.get("items"),
        is_plain=_INTERACTING.isdisjoint(schema),
    )


def _are_exclusive(members: Any) -> bool:
    """Whether no value can be of two of the schemas, which is what `oneOf` refuses."""
    types = [types_of(member, member) for member in members]
    return all(a is not None and b is not None and not a & b for a, b in combinations(types, 2))


def _merge(one: Shape, other: Shape) -> Shape:
    """The values that are in both."""
    return Shape(
        types=_both(one.types, other.types, frozenset.intersection),
        values=_both(one.values, other.values, lambda left, _: left),
        properties=_both(_allowed(one, other), _allowed(other, one), _merge_fields),
        required=one.required | other.required,
        others=one.others is not False and other.others is not False,
        items=_both(one.items, other.items, _conjunction),
        is_plain=one.is_plain and other.is_plain and not _is_typed_map(one) and not _is_typed_map(other),
    )


def _both(one: T | None, other: T | None, merge: Callable[[T, T], T]) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return merge(one, other)


def _allowed(shape: Shape, beside: Shape) -> dict[str, Any] | None:
    """The declared fields of a shape that the shape beside it does not forbid."""
    if shape.properties is None or beside.others is not False:
        return shape.properties
    return {name: field for name, field in shape.properties.items() if name in (beside.properties or {})}


def _merge_fields(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    shared = {name: _conjunction(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _conjunction(one: Any, other: Any) -> Any:
    return {"allOf": [one, other]}


def _is_typed_map(shape: Shape) -> bool:
    # Its schema for other fields would also judge the fields that the other shape declares.
    return isinstance(shape.others, dict)
