"""Comparing schemas: what is reported by hand, and that nothing is reported without a value that shows it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tenantry.language.schemas import MismatchKind, compile_validator, mismatches, types_of
from tenantry.language.schemas.structure import subschemas
from tenantry.language.values import type_name
from tests.support.schemas import FIELDS, PLAIN_VALUES, SCHEMAS, TYPES

BASE: list[Any] = [None, True, 0, 1, 1.5, "", "x", "yy", [], {}]


def instances(schema: Any) -> list[Any]:
    """Small values of a schema, found by trying: the parts' values in every place, one varied at a time."""
    found = [*BASE]
    if isinstance(schema, dict):
        found += [*schema.get("enum", ()), schema.get("const")]
        for keyword in ("allOf", "anyOf", "oneOf"):
            for member in schema.get(keyword, ()):
                found += instances(member)
        found += [[item] for item in instances(schema.get("items", True))]
        found += objects(schema)
    validator = compile_validator(schema)
    return [value for value in found if validator.is_valid(value)]


def objects(schema: dict[str, Any]) -> list[Any]:
    members = [schema, *schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    fields: dict[str, list[Any]] = {}
    for member in members:
        if isinstance(member, dict):
            for name, part in member.get("properties", {}).items():
                fields.setdefault(name, []).extend(instances(part))
    smallest = {name: values[0] for name, values in fields.items() if values}
    varied = [{**smallest, name: value} for name, values in fields.items() for value in values]
    shorter = [
        {key: value for key, value in item.items() if key != name} for item in varied for name in fields
    ]
    only = [{name: value} for name, values in fields.items() for value in values]
    return [smallest, *varied, *shorter, *only]


def is_honest(schema: Any) -> bool:
    """Whether every part of a schema has values of every type it allows: what `mismatches` may assume."""
    types = types_of(schema, schema)
    given_types = {type_name(value) for value in instances(schema)}
    if types is None or not given_types or not types <= given_types:
        return types is None and bool(given_types)
    return all(is_honest(part) for _, part in subschemas(schema))


def _object(fields: dict[str, Any], required: list[str], *, others: bool) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": others}


SOURCES = st.recursive(
    st.one_of(
        st.just({}),
        st.builds(lambda types: {"type": types}, st.lists(TYPES, unique=True, min_size=1, max_size=2)),
        st.builds(lambda values: {"enum": values}, st.lists(PLAIN_VALUES, min_size=1, max_size=3)),
        st.builds(lambda value: {"const": value}, PLAIN_VALUES),
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda fields, names, others: _object(fields, names, others=others),
            st.dictionaries(FIELDS, inner, max_size=3),
            st.lists(FIELDS, unique=True, max_size=2),
            st.booleans(),
        ),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda keyword, members: {keyword: members},
            st.sampled_from(["allOf", "anyOf", "oneOf"]),
            st.lists(inner, min_size=1, max_size=2),
        ),
    ),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(SOURCES, SCHEMAS)
def test_every_mismatch_is_shown_by_a_value_of_the_source(source: Any, target: Any) -> None:
    found = mismatches(source, target)
    assume(found and is_honest(source))
    validator = compile_validator(target)

    assert [value for value in instances(source) if not validator.is_valid(value)]


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(SOURCES)
def test_a_schema_fits_itself_when_it_has_values(schema: Any) -> None:
    assume(is_honest(schema))

    assert mismatches(schema, schema) == ()


USER: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": ["string", "null"]},
        "tier": {"enum": ["free", "pro"]},
        "price": {"type": "number"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
        "address": _object({"city": {"type": "string"}}, ["city"], others=True),
    },
    "$defs": {"tag": {"type": "string"}},
}


def _taking(name: str, schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}}


@pytest.mark.parametrize(
    ("target", "pointer", "message", "kind"),
    [
        ({"type": "string"}, "", "is object, and string is taken", MismatchKind.TYPE),
        (False, "", "is object, and nothing is taken", MismatchKind.TYPE),
        (_taking("id", {"type": "string"}), "/id", "is integer, and string is taken", MismatchKind.TYPE),
        (_taking("name", {"type": "string"}), "/name", "may be null, and string is taken", MismatchKind.TYPE),
        (
            _taking("name", {"anyOf": [{"type": "boolean"}, {"type": "number"}]}),
            "/name",
            "is null or string, and boolean or number is taken",
            MismatchKind.TYPE,
        ),
        (
            _taking("price", {"type": "integer"}),
            "/price",
            "may be number, and integer is taken",
            MismatchKind.TYPE,
        ),
        (_taking("tier", {"enum": ["free"]}), "/tier", '"pro" is not one of "free"', MismatchKind.VALUE),
        (
            _taking("tier", {"maxLength": 3}),
            "/tier",
            '"free" is longer than 3 characters',
            MismatchKind.VALUE,
        ),
        (
            _taking("tags", {"items": {"type": "integer"}}),
            "/tags/0",
            "is string, and integer is taken",
            MismatchKind.TYPE,
        ),
        ({"required": ["email"]}, "/email", "is missing, and is required", MismatchKind.MISSING),
        ({"required": ["name"]}, "/name", "may be missing, and is required", MismatchKind.MISSING),
        (
            {"allOf": [{"required": ["tier"]}]},
            "/tier",
            "may be missing, and is required",
            MismatchKind.MISSING,
        ),
        (
            _taking("address", {"properties": {"city": {"const": 1}}}),
            "/address/city",
            "is string, and integer is taken",
            MismatchKind.TYPE,
        ),
        (
            _taking("address", {"additionalProperties": {"type": "null"}}),
            "/address/city",
            "is string, and null is taken",
            MismatchKind.TYPE,
        ),
        (
            _taking("address", {"properties": {"zip": {}, "street": {}}, "additionalProperties": False}),
            "/address/city",
            "is not taken; what is taken is street, zip",
            MismatchKind.UNKNOWN,
        ),
        (
            _taking("address", {"additionalProperties": False}),
            "/address/city",
            "is not taken",
            MismatchKind.UNKNOWN,
        ),
    ],
)
def test_what_does_not_fit_is_reported_at_its_place(
    target: Any, pointer: str, message: str, kind: MismatchKind
) -> None:
    assert mismatches(USER, target) == ((pointer, message, kind),)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (USER, {}),
        (USER, True),
        ({}, USER),
        (True, USER),
        ({"type": "object"}, USER),
        (False, {"type": "string"}),
        ({"type": "integer"}, {"type": "number"}),
        ({"type": "number", "multipleOf": 2}, {"type": "integer"}),
        ({"const": 1.0}, {"type": "integer"}),
        ({"enum": ["a", 1], "type": "string"}, {"type": "string"}),
        ({"type": "string"}, {"enum": ["free", "pro"]}),
        ({"type": ["string", "null"], "not": {"type": "null"}}, {"type": "string"}),
        ({"properties": {"a": {}}, "patternProperties": {"b": {}}}, {"required": ["b"]}),
        (
            _object({"a": {"type": "string"}}, [], others=True),
            {"patternProperties": {"a": {}}, "additionalProperties": False},
        ),
        (_object({"a": False}, [], others=True), {"additionalProperties": False}),
        ({"type": "array", "maxItems": 0, "items": {"type": "string"}}, {"items": {"type": "integer"}}),
        ({"items": {"type": "string"}}, {"prefixItems": [{}], "items": {"type": "integer"}}),
        ({"allOf": [{"type": ["string", "null"]}, {"type": "string"}]}, {"type": "string"}),
        (
            {
                "allOf": [
                    _object({"a": {}}, [], others=False),
                    _object({"b": {"type": "string"}}, [], others=True),
                ]
            },
            _taking("b", {"type": "integer"}),
        ),
        (
            {
                "allOf": [
                    {"additionalProperties": {"type": "string"}},
                    {"properties": {"a": {"type": ["string", "null"]}}},
                ]
            },
            _taking("a", {"type": "string"}),
        ),
        ({"oneOf": [{"minLength": 1}, {"type": ["string", "null"]}]}, {"type": "string"}),
        ({"anyOf": [{"anyOf": [{"type": "string"}] * 5}] * 5}, {"type": ["string", "null"]}),
    ],
)
def test_what_fits_or_is_not_certain_is_not_reported(source: Any, target: Any) -> None:
    assert mismatches(source, target) == ()


def test_every_alternative_of_the_source_is_compared() -> None:
    source = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    one_of = {"oneOf": [{"const": 1}, {"type": "null"}]}

    assert [mismatch.message for mismatch in mismatches(source, {"type": "string"})] == [
        "is null, and string is taken"
    ]
    assert [mismatch.message for mismatch in mismatches(one_of, {"type": "null"})] == [
        '1 is not of type "null"'
    ]


def test_all_parts_of_the_source_are_known_together() -> None:
    source = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]},
            {"properties": {"a": {"type": ["string", "integer"]}, "b": {"items": {"type": "string"}}}},
            {"properties": {"b": {"items": {"minLength": 1}}}, "required": ["b"]},
        ]
    }
    target = {"properties": {"a": {"type": "null"}, "b": {"items": {"type": "null"}}}, "required": ["a", "b"]}

    assert [(mismatch.pointer, mismatch.message) for mismatch in mismatches(source, target)] == [
        ("/a", "is string, and null is taken"),
        ("/b/0", "is string, and null is taken"),
    ]


def test_a_recursive_schema_is_compared_up_to_where_it_repeats() -> None:
    tree: dict[str, Any] = {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "left": {"$ref": "#"}, "right": {"$ref": "#"}},
    }
    once = _taking("left", _taking("value", {"type": "string"}))

    assert [mismatch.pointer for mismatch in mismatches(tree, once)] == ["/left/value"]
    assert mismatches(tree, _taking("left", once)) == ()
    assert mismatches(tree, tree) == ()


def test_comparing_is_bounded() -> None:
    wide = {"properties": {f"p{number}": {"anyOf": [{"type": "string"}] * 16} for number in range(1000)}}
    target = {"additionalProperties": {"type": "integer"}}

    assert len(mismatches(wide, target)) < 1000
