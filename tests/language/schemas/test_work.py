"""The bound on what a schema makes of a value: estimates are upper ones, and past the bound nobody judges."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.schemas import compile_validator
from tenantry.language.schemas.work import MAX_WORK, exceeds, visits

CONSTANTS = [{"const": number} for number in range(100)]
MANY: dict[str, Any] = {"properties": {"a": {"items": {"anyOf": CONSTANTS}}}}


@pytest.mark.parametrize(
    ("schema", "count"),
    [
        (True, 1),
        ({"type": "object", "properties": {"a": {"type": "string"}, "b": {"enum": ["x", "y"]}}}, 1),
        ({"enum": [1, 2.5, 3]}, 1),
        ({"enum": [1, "a", None]}, 4),
        ({"anyOf": CONSTANTS}, 101),
        ({"oneOf": [{"allOf": CONSTANTS}, {"not": {}}]}, 104),
        ({"if": {}, "then": {"enum": [[], {}]}, "else": False}, 6),
        ({"dependentSchemas": {"a": {}, "b": {}}}, 3),
        ({"dependentRequired": {f"a{number}": ["b"] for number in range(80)}}, 11),
        (MANY, 101),
        ({"anyOf": [MANY, MANY]}, 202),
        ({"properties": {"a": {"allOf": [{}, {}]}, "b": {}}, "additionalProperties": {"not": {}}}, 3),
        ({"patternProperties": {"a": {}, "b": {"not": {}}, "c": {}}, "propertyNames": {}}, 5),
        ({"prefixItems": [{}, {"anyOf": [{}, {}]}], "items": {}, "contains": {}}, 4),
        ({"allOf": [{}, {}], "unevaluatedProperties": {"not": {}}}, 6),
        ({"allOf": [{"items": {}}], "unevaluatedItems": {}}, 4),
        ({"$defs": {"n": {"anyOf": [{}, {}]}}, "items": {"$ref": "#/$defs/n"}}, 4),
        ({"anyOf": [{}, {"properties": {"child": {"$ref": "#"}}}]}, 3),
        ({"uniqueItems": True, "items": {"type": "string"}}, 1),
        ({"uniqueItems": True}, 9),
    ],
)
def test_the_subschemas_applied_to_one_part_of_a_value_are_counted(schema: Any, count: int) -> None:
    assert visits(schema) == count


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (None, 1),
        ([], 1),
        ([1, [2, 3]], 5),
        ({"a": {"b": 1}, "c": "d"}, 4),
        ("x" * 127, 1),
        (["x" * 128, {"y" * 256: 1}], 7),
    ],
)
def test_the_parts_of_a_value_are_counted_with_their_text(value: Any, parts: int) -> None:
    assert not exceeds(value, parts)
    assert exceeds(value, parts - 1)


def test_a_value_too_large_for_a_schema_of_many_alternatives_is_refused_unjudged() -> None:
    validator = compile_validator(MANY)
    most = MAX_WORK // 101
    fitting: Any = {"a": [99] * (most - 2)}
    valid_but_large: Any = {"a": [99] * (most - 1)}

    assert validator.is_valid(fitting)
    assert validator.violations(fitting) == ()
    assert not validator.is_valid(valid_but_large)
    (violation,) = validator.violations(valid_but_large)
    assert violation.pointer == ""
    assert violation.message == (
        "is too large for a schema that applies up to 101 subschemas to each part of it: at most 19801 "
        "parts, where 128 characters of text count as one more"
    )


def test_a_schema_without_alternatives_judges_values_of_any_size() -> None:
    validator = compile_validator({"items": {"type": "integer"}})

    assert validator.is_valid([1] * (MAX_WORK + 1))


def test_what_fails_many_alternatives_many_times_is_told_once() -> None:
    violations = compile_validator(MANY).violations({"a": [-1] * 1000})

    assert [violation.pointer for violation in violations] == ["/a/0"]
