"""What is seen at one look, and what is left to solving: a shortcut that never answers would go unnoticed."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.schemas.subtyping.exclusion import exclude_each_other
from tenantry.language.schemas.subtyping.shortcuts import plainly_fits
from tenantry.language.schemas.untyped import UNTYPED

NUMBER, INTEGER, STRING = {"type": "number"}, {"type": "integer"}, {"type": "string"}


def nested(schema: Any, levels: int) -> Any:
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (INTEGER, NUMBER),
        ({"type": ["integer", "null"]}, {"type": ["null", "number"]}),
        ({"const": 1.5}, NUMBER),
        ({"const": 1}, INTEGER),
        ({"enum": ["a", None]}, {"type": ["string", "null"]}),
        ({"enum": ["a", "b"]}, {"enum": ["c", "b", "a"]}),
        ({"const": "a"}, {"enum": ["a", "b"]}),
        ({"enum": [1.0, 1]}, {"const": 1}),
        ({"anyOf": [INTEGER, NUMBER]}, NUMBER),
        (INTEGER, {"anyOf": [STRING, NUMBER]}),
        (STRING, {"type": "string", "title": "t", "format": "date"}),
        ({"minimum": 3}, {"minimum": 3}),
        ({"maxLength": 3}, {"maxLength": 3}),
        ({"minItems": 4}, {"minItems": 3}),
        ({"exclusiveMaximum": 4}, {"exclusiveMaximum": 5}),
        ({"type": "string", "pattern": "^a"}, {"pattern": "^a"}),
        ({"properties": {"a": INTEGER}}, {"properties": {"a": NUMBER}}),
        ({"additionalProperties": INTEGER}, {"properties": {"a": NUMBER}}),
        ({"required": ["a", "b"]}, {"required": ["b"]}),
        ({"type": "object", "additionalProperties": INTEGER}, {"additionalProperties": NUMBER}),
        ({"properties": {"a": INTEGER}, "additionalProperties": False}, {"additionalProperties": NUMBER}),
        (
            {"properties": {"a": STRING}, "additionalProperties": False},
            {"properties": {"a": STRING}, "additionalProperties": False},
        ),
        ({"items": INTEGER}, {"items": NUMBER}),
        (nested(INTEGER, 15), nested(NUMBER, 15)),
        (UNTYPED, STRING),
        (UNTYPED, False),
        (False, STRING),
    ],
)
def test_what_fits_is_seen_at_one_look(given: Any, taken: Any) -> None:
    assert plainly_fits(given, taken)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, STRING),
        (True, STRING),
        (STRING, False),
        (NUMBER, INTEGER),
        ({"minLength": 1}, STRING),
        ({"const": 1.5}, INTEGER),
        ({"const": True}, NUMBER),
        ({"enum": ["a", "c"]}, {"enum": ["a", "b"]}),
        ({"type": "string"}, {"enum": ["a", "b"]}),
        ({"type": "string"}, {"const": "a"}),
        ({"enum": ["a", "b"]}, {"const": "a"}),
        ({"anyOf": [INTEGER, STRING]}, NUMBER),
        (STRING, {"anyOf": [INTEGER, {"type": "null"}]}),
        ({"minimum": 2}, {"minimum": 3}),
        ({"maxLength": 4}, {"maxLength": 3}),
        ({"type": "number"}, {"minimum": 3}),
        ({"type": "string"}, {"pattern": "^a"}),
        ({"pattern": "^b"}, {"pattern": "^a"}),
        ({"multipleOf": True}, {"multipleOf": 1}),
        ({"properties": {"a": STRING}}, {"properties": {"a": NUMBER}}),
        ({"type": "object", "additionalProperties": STRING}, {"properties": {"a": NUMBER}}),
        ({"required": ["a"]}, {"required": ["a", "b"]}),
        ({"type": "object"}, {"required": ["b"]}),
        ({"properties": {"a": STRING}, "additionalProperties": False}, {"additionalProperties": NUMBER}),
        ({"additionalProperties": STRING}, {"additionalProperties": NUMBER}),
        (
            {"additionalProperties": False},
            {"patternProperties": {"^a": STRING}, "additionalProperties": False},
        ),
        ({"items": STRING}, {"items": NUMBER}),
        ({"items": INTEGER, "prefixItems": [STRING]}, {"items": NUMBER}),
        ({"items": INTEGER}, {"items": NUMBER, "prefixItems": [STRING]}),
        ({"allOf": [STRING]}, {"allOf": [STRING]}),
        (nested(INTEGER, 16), nested(NUMBER, 16)),
    ],
)
def test_what_does_not_fit_or_takes_a_second_look_is_left_to_solving(given: Any, taken: Any) -> None:
    assert not plainly_fits(given, taken)


def kind(value: Any, **others: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["kind"], "properties": {"kind": value, **others}}


@pytest.mark.parametrize(
    "schemas",
    [
        [STRING, INTEGER],
        [kind({"const": "a"}), kind({"const": "b"})],
        [kind({"enum": ["a", "b"]}), kind({"const": "c"}), kind({"enum": ["d"]})],
    ],
)
def test_alternatives_that_exclude_each_other_are_seen_at_one_look(schemas: list[Any]) -> None:
    assert exclude_each_other(schemas)


@pytest.mark.parametrize(
    "schemas",
    [
        [NUMBER, INTEGER],
        [STRING, {"minLength": 1}],
        [STRING, True],
        [STRING, {"$ref": "#/$defs/number"}],
        [kind({"const": "a"}), kind({"enum": ["b", "a"]})],
        [kind({"const": "a"}), kind(STRING)],
        [kind({"const": "a"}), kind(True)],
        [kind({"const": "a"}), {**kind({"const": "b"}), "required": []}],
        [kind({"const": "a"}), {**kind({"const": "b"}), "type": ["object", "null"]}],
        [kind({"const": "a"}), {"type": "object", "required": ["kind"]}],
    ],
)
def test_alternatives_that_may_hold_together_do_not_exclude_each_other(schemas: list[Any]) -> None:
    assert not exclude_each_other(schemas)
