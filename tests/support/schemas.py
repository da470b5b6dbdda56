"""Hypothesis strategies for JSON Schemas over few names, so that values and schemas often meet."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

FIELDS: Final = st.sampled_from(["a", "b", "c"])
TYPES: Final = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
PLAIN_VALUES: Final = st.sampled_from([None, True, 0, 1, 1.5, "x", "y", [], ["x"], {}, {"a": 1}])


def _closed(required: list[str], properties: dict[str, Any], *, others: Any) -> dict[str, Any]:
    named = {**{name: {"type": "integer"} for name in required}, **properties}
    return {"type": "object", "properties": named, "required": required, "additionalProperties": others}


def _extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(FIELDS, inner, max_size=3)
    required = st.lists(FIELDS, unique=True, max_size=2)
    return st.one_of(
        st.builds(lambda fields, names: {"properties": fields, "required": names}, properties, required),
        st.builds(
            lambda fields, names, others: _closed(names, fields, others=others),
            properties,
            required,
            st.booleans() | inner,
        ),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda items: {"type": "array", "prefixItems": items}, st.lists(inner, min_size=1, max_size=2)
        ),
        st.builds(
            lambda keyword, members: {keyword: members},
            st.sampled_from(["allOf", "anyOf", "oneOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda one, other: {"if": one, "then": other, "else": one}, inner, inner),
        st.builds(lambda one: {"not": one}, inner),
    )


LEAVES: Final[st.SearchStrategy[Any]] = st.one_of(
    st.just({}),
    st.builds(lambda type_: {"type": type_}, TYPES),
    st.builds(lambda types: {"type": types}, st.lists(TYPES, unique=True, min_size=1, max_size=3)),
    st.builds(lambda value: {"const": value}, PLAIN_VALUES),
    st.builds(lambda values: {"enum": values}, st.lists(PLAIN_VALUES, min_size=1, max_size=3)),
    st.sampled_from([{"minLength": 2}, {"multipleOf": 1}, {"maxItems": 0}, {"minProperties": 1}]),
)

_REFERENCE: Final[st.SearchStrategy[Any]] = st.just({"$ref": "#/$defs/d"})
_WITHOUT_REFERENCES: Final[st.SearchStrategy[Any]] = st.recursive(LEAVES, _extend, max_leaves=6)
_WITH_REFERENCES: Final[st.SearchStrategy[Any]] = st.builds(
    lambda schema, definition: {**schema, "$defs": {"d": definition}},
    st.recursive(LEAVES | _REFERENCE, _extend, max_leaves=6),
    _WITHOUT_REFERENCES,
)

SCHEMAS: Final = _WITHOUT_REFERENCES | _WITH_REFERENCES
