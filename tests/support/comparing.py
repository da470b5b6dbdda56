"""What comparing schemas is proven with: schemas of every keyword, small values, and both validators."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import jsonschema
from hypothesis import strategies as st

from tenantry.language.schemas import check, compile_validator
from tests.support.schemas import FIELDS, PLAIN_VALUES, TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.values import Json

_NAMES: Final = ("a", "b", "c", "extra")
_SCALARS: Final[tuple[Json, ...]] = (
    None,
    False,
    True,
    0,
    1,
    2,
    3,
    6,
    -1,
    0.5,
    1.5,
    2.5,
    -0.5,
    1.0,
    100,
    "",
    "a",
    "b",
    "x",
    "ab",
    "ax",
    "1",
    "abc",
)
_FEW: Final[tuple[Json, ...]] = (None, True, 0, 1, 1.5, "x", "ab", [], {}, [1], {"a": 1})

_COUNTS: Final = st.integers(0, 3)
_NUMBERS: Final = st.sampled_from([-1, 0, 0.5, 1, 1.5, 2, 3])
_PATTERNS: Final = st.sampled_from(["^a", "b", "^[ab]*$", "x$", "^.$", "^(a|b)c?$", "[^a]", "a{2}|1"])


def _values() -> Iterator[Json]:
    yield from _SCALARS
    yield from _FEW
    for length in (1, 2, 3):
        yield from (list(items) for items in product(_FEW[: 11 - 2 * length], repeat=length))
    for names in (("a",), ("b",), ("extra",), ("a", "b"), ("a", "c"), ("a", "b", "c")):
        few = _FEW if len(names) < 3 else _FEW[:3]
        yield from (dict(zip(names, items, strict=True)) for items in product(few, repeat=len(names)))
    for value in _FEW:
        yield {"a": {"a": value}}
        yield [{"a": value}]


VALUES: Final[tuple[Json, ...]] = tuple(_values())
"""Small values of every sort, over the names and values that the schemas speak of."""


def _multiple_of(validator: Any, divisor: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    """Exactly: the other implementation divides doubles, and beyond 2^53 takes every quotient for whole."""
    if validator.is_type(instance, "number") and Fraction(instance) % Fraction(divisor):
        yield jsonschema.ValidationError(f"{instance!r} is not a multiple of {divisor!r}")


_extend: Any = jsonschema.validators.extend
_EXACT: Final[Any] = _extend(jsonschema.Draft202012Validator, {"multipleOf": _multiple_of})


class Judges:
    """Both implementations of JSON Schema for one schema; asking them asserts that they agree."""

    def __init__(self, schema: Any) -> None:
        self._ours = compile_validator(schema)
        self._theirs = _EXACT(schema)

    def is_valid(self, value: Json) -> bool:
        """Whether a value satisfies the schema."""
        found = self._ours.is_valid(value)
        assert bool(self._theirs.is_valid(value)) is found
        return found


def first_difference(given: Any, taken: Any, values: Iterable[Json] = VALUES) -> tuple[Json] | None:
    """The first value of the one schema that is none of the other."""
    one, other = compile_validator(given), compile_validator(taken)
    return next(((value,) for value in values if one.is_valid(value) and not other.is_valid(value)), None)


def _keyword(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda value: {name: value})


_KEYWORDS: Final = st.one_of(
    _keyword("type", TYPES),
    _keyword("type", st.lists(TYPES, unique=True, min_size=1, max_size=3)),
    _keyword("const", PLAIN_VALUES),
    _keyword("enum", st.lists(PLAIN_VALUES, min_size=1, max_size=4)),
    *(_keyword(name, _NUMBERS) for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")),
    _keyword("multipleOf", st.sampled_from([0.5, 1, 1.5, 2, 3])),
    *(_keyword(name, _COUNTS) for name in ("minLength", "maxLength", "minItems", "maxItems")),
    *(_keyword(name, _COUNTS) for name in ("minProperties", "maxProperties")),
    _keyword("pattern", _PATTERNS),
    _keyword("uniqueItems", st.booleans()),
    _keyword("required", st.lists(FIELDS, unique=True, max_size=2)),
    _keyword(
        "dependentRequired",
        st.dictionaries(FIELDS, st.lists(FIELDS, unique=True, max_size=2), min_size=1, max_size=2),
    ),
)


def _applied(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(inner, min_size=1, max_size=3)
    fields = st.dictionaries(FIELDS, inner, min_size=1, max_size=3)
    return st.one_of(
        *(_keyword(name, lists) for name in ("allOf", "anyOf", "oneOf", "prefixItems")),
        *(_keyword(name, inner) for name in ("not", "items", "unevaluatedItems")),
        *(_keyword(name, inner) for name in ("additionalProperties", "unevaluatedProperties")),
        _keyword("propertyNames", inner),
        st.builds(lambda one, two: {"if": one, "then": two}, inner, inner),
        st.builds(lambda one, two: {"if": one, "else": two}, inner, inner),
        _keyword("contains", inner),
        st.builds(lambda item, least: {"contains": item, "minContains": least}, inner, _COUNTS),
        st.builds(lambda item, most: {"contains": item, "maxContains": most}, inner, _COUNTS),
        _keyword("properties", fields),
        _keyword("dependentSchemas", fields),
        _keyword("patternProperties", st.dictionaries(_PATTERNS, inner, min_size=1, max_size=2)),
    )


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


def _extended(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(_KEYWORDS | _applied(inner), min_size=1, max_size=4).map(_joined)


_LEAVES: Final = st.booleans() | st.lists(_KEYWORDS, max_size=2).map(_joined)

PLAIN_SCHEMAS: Final[st.SearchStrategy[Any]] = st.recursive(_LEAVES, _extended, max_leaves=6)
"""Schemas of all keywords but references: they mean the same as a part of another."""

_REFERENCES: Final = st.sampled_from([{"$ref": "#/$defs/d"}, {"$ref": "#"}])

_RECURSIVE: Final = st.builds(
    lambda schema, definition: {**schema, "$defs": {"d": definition}},
    _extended(st.recursive(_LEAVES | _REFERENCES, _extended, max_leaves=4)),
    PLAIN_SCHEMAS,
).filter(lambda schema: not check(schema))

ALL_SCHEMAS: Final = PLAIN_SCHEMAS | _RECURSIVE
"""Schemas of all keywords, some with references, some of which lead back to themselves."""
