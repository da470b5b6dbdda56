"""Checking schemas: what is refused, where, and that hostile ones cost no time."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.schemas import SchemaError, check, compile_validator

LINKED_LIST: dict[str, Any] = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "next": {"$ref": "#"}},
}


def _doubling(levels: int) -> dict[str, Any]:
    """Each definition twice the next one: 2**levels subschemas once written out."""
    definitions: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {"type": "integer"}}}


def _chain(levels: int) -> dict[str, Any]:
    definitions: dict[str, Any] = {
        f"d{level}": {"items": {"$ref": f"#/$defs/d{level + 1}"}} for level in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {}}}


def _knot(size: int) -> dict[str, Any]:
    """Definitions that each refer to all others, for the same value."""
    names = range(size)
    return {
        "$ref": "#/$defs/d0",
        "$defs": {f"d{a}": {"anyOf": [{"$ref": f"#/$defs/d{b}"} for b in names if b != a]} for a in names},
    }


def _nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        False,
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/user"},
        {"type": ["string", "null"], "pattern": "^[a-z]+$", "x-note": {"type": "nonsense"}},
        {"pattern": "^(a+)+$"},
        {"$ref": "#/$defs/a%20b", "$defs": {"a b": {"0": {}}}},
        {"$ref": "#/$defs/a~1b~0", "$defs": {"a/b~": {"type": "string"}}},
        {"$ref": "#/prefixItems/0", "prefixItems": [{"type": "string"}]},
        {"const": {"$ref": "https://example.com"}, "default": {"pattern": "("}},
        LINKED_LIST,
        _doubling(8),
        _chain(60),
    ],
)
def test_a_sound_schema_has_no_problems(schema: Any) -> None:
    assert check(schema) == ()


@pytest.mark.parametrize(
    ("schema", "pointer", "message"),
    [
        (3, "", '3 is not of types "boolean", "object"'),
        ({"type": "objct"}, "/type", '"objct" is not one of "array", "boolean", "integer", "null", "number"'),
        (
            {"properties": {"a/b": {"minimum": "x"}}},
            "/properties/a~1b/minimum",
            '"x" is not of type "number"',
        ),
        ({"required": ["a", "a"]}, "/required", "non-unique"),
        ({"items": [{}]}, "/items", "is not of types"),
        ({"$ref": "https://example.com/x"}, "/$ref", "not inside this schema"),
        ({"$ref": "file:///etc/passwd"}, "/$ref", "not inside this schema"),
        ({"$id": "https://example.com/a", "$ref": "b"}, "/$ref", "not inside this schema"),
        ({"$ref": "#anchor", "$anchor": "anchor"}, "/$ref", "not inside this schema"),
        ({"items": {"$ref": "#/$defs/x"}}, "/items/$ref", "does not lead to a schema"),
        ({"$ref": "#/allOf/7", "allOf": [{}]}, "/$ref", "does not lead to a schema"),
        ({"$ref": "#/allOf/x", "allOf": [{}]}, "/$ref", "does not lead to a schema"),
        ({"$ref": "#/required", "required": ["a"]}, "/$ref", "does not lead to a schema"),
        ({"$ref": "#/type/0", "type": "object"}, "/$ref", "does not lead to a schema"),
        ({"items": {"$ref": "#/default"}, "default": {"pattern": "("}}, "/items/$ref", "does not lead"),
        ({"items": {"$ref": "#/properties"}, "properties": {"type": {}}}, "/items/$ref", "does not lead"),
        ({"items": {"$ref": "#/x-own"}, "x-own": {"type": 5}}, "/items/$ref", "does not lead"),
        ({"items": {"$ref": "#/uniqueItems"}, "uniqueItems": True}, "/items/$ref", "does not lead"),
        ({"$dynamicRef": "#x"}, "/$dynamicRef", "use $ref"),
        ({"properties": {"a": {"$id": "x"}}}, "/properties/a/$id", "an inner $id"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema", "only https://json-schema.org"),
        ({"pattern": "("}, "/pattern", "not a regular expression"),
        ({"anyOf": [{"pattern": "(?=a)b"}]}, "/anyOf/0/pattern", "linear time"),
        ({"pattern": "(a)\\1"}, "/pattern", "linear time"),
        ({"pattern": "((a{100}){100}){100}"}, "/pattern", "too large a one"),
        ({"patternProperties": {"(?!x)/": {}}}, "/patternProperties/(?!x)~1", "linear time"),
        ({"$ref": "#"}, "", "leads back to itself"),
        (
            {"not": {"$ref": "#/$defs/a"}, "$defs": {"a": {"if": {"$ref": "#/$defs/a"}}}},
            "",
            "leads back to itself",
        ),
        (_knot(9), "", "leads back to itself"),
        (
            {
                "allOf": [{"items": {"$ref": "#/$defs/a"}}, {"$ref": "#/$defs/a"}],
                "$defs": {"a": {"$ref": "#"}},
            },
            "",
            "leads back to itself",
        ),
        (_doubling(40), "", "more than 10000 subschemas"),
        (_chain(5000), "", "more than 10000 subschemas"),
        (_nested(100), "", "nested deeper than 64"),
        (_nested(5000), "", "nested deeper than 64"),
    ],
)
def test_a_problem_is_found_at_its_place(schema: Any, pointer: str, message: str) -> None:
    (problem,) = check(schema)

    assert problem.pointer == pointer
    assert message in problem.message


def test_all_problems_are_found_at_once() -> None:
    form = {"type": "objct", "properties": {"a": {"minimum": "x"}, "b": 3}}
    places = {"pattern": "(", "$ref": "http://x", "properties": {"a": {"pattern": "(?=x)"}}}

    assert {problem.pointer for problem in check(form)} == {"/type", "/properties/a/minimum", "/properties/b"}
    assert [problem.pointer for problem in check(places)] == ["/$ref", "/pattern", "/properties/a/pattern"]


def test_of_a_hundred_thousand_problems_the_first_is_found() -> None:
    assert len(check({"properties": {f"p{number}": 3 for number in range(100_000)}})) == 1


def test_a_schema_with_problems_is_not_compiled() -> None:
    with pytest.raises(SchemaError, match="/pattern: not a regular expression") as caught:
        compile_validator({"pattern": "("})
    assert caught.value.problems == check({"pattern": "("})
