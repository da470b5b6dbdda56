"""Hypothesis strategies for inputs of a workflow: what its schema allows, often what the test API knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

Schema: TypeAlias = dict[str, Any]
Values: TypeAlias = st.SearchStrategy[Any]

_TEXTS: Final = (
    *("", "x", "ü/?#%", "a b", "{{input}}", "great", "broken and late", "DE", "JP", "Porto", "Osaka"),
    *("KB-104", "WC-080", "NO-000", "kitchen", "audio", "doc-2", "tok_visa", "tok_declined", "ada@x.example"),
)
_INTEGERS: Final = (0, 1, 2, 3, 7, 11, 20, 99, 5001, 5003, 5020)
_LARGEST: Final = 10**12
_MOST_ITEMS: Final = 3
_LONGEST: Final = 12


def inputs_of(schema: Schema) -> Values:
    """Values of a schema of plain types, bounds, enums and constants, as the inputs of the examples have."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    types = schema["type"]
    return st.one_of([_OF_TYPE[name](schema) for name in (types if isinstance(types, list) else [types])])


def _objects(schema: Schema) -> Values:
    fields = {name: inputs_of(part) for name, part in schema.get("properties", {}).items()}
    required = {name: fields[name] for name in schema.get("required", ())}
    return st.fixed_dictionaries(
        required, optional={name: part for name, part in fields.items() if name not in required}
    )


def _arrays(schema: Schema) -> Values:
    fewest: int = schema.get("minItems", 0)
    return st.lists(inputs_of(schema["items"]), min_size=fewest, max_size=fewest + _MOST_ITEMS)


def _texts(schema: Schema) -> Values:
    shortest: int = schema.get("minLength", 0)
    longest: int = min(schema.get("maxLength", _LONGEST), shortest + _LONGEST)
    any_text = st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=shortest, max_size=longest
    )
    return _known_or(
        any_text, [text for text in _TEXTS if shortest <= len(text) <= schema.get("maxLength", len(text))]
    )


def _integers(schema: Schema) -> Values:
    least: int = schema.get("minimum", -_LARGEST)
    most: int = schema.get("maximum", _LARGEST)
    return _known_or(st.integers(least, most), [number for number in _INTEGERS if least <= number <= most])


def _numbers(schema: Schema) -> Values:
    least, most = schema.get("minimum", -_LARGEST), schema.get("maximum", _LARGEST)
    return st.one_of(st.floats(least, most), st.sampled_from((20, 29.5, 30)))


def _known_or(values: Values, known: list[Any]) -> Values:
    return st.one_of(st.sampled_from(known), values) if known else values


_OF_TYPE: Final[dict[str, Callable[[Schema], Values]]] = {
    "object": _objects,
    "array": _arrays,
    "string": _texts,
    "integer": _integers,
    "number": _numbers,
    "boolean": lambda _schema: st.booleans(),
    "null": lambda _schema: st.none(),
}
