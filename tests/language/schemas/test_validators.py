"""Compiled schemas: they judge as JSON Schema 2020-12 does, and say what is wrong in bounded time."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from jsonschema_rs import Draft202012Validator

from tenantry.language.schemas import compile_validator
from tenantry.language.schemas.violations import find_violations
from tests.support.json_values import JSON_VALUES
from tests.support.schemas import SCHEMAS

USER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "email"],
    "properties": {
        "id": {"type": "integer"},
        "email": {"type": "string", "minLength": 3},
        "tier": {"enum": ["free", "pro"]},
        "tags": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "gone": False,
        "version": {"const": 2},
        "either": {"oneOf": [{"type": "string"}, {"minLength": 2}]},
    },
    "additionalProperties": False,
}


@given(SCHEMAS, JSON_VALUES)
def test_a_value_is_valid_when_the_reference_implementation_says_so(schema: Any, value: Any) -> None:
    validator = compile_validator(schema)
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)

    assert validator.is_valid(value) == expected
    assert (validator.violations(value) == ()) == expected


@pytest.mark.parametrize(
    ("value", "violations"),
    [
        ({"id": 1, "email": "a@b"}, []),
        (
            {"id": "1", "email": ""},
            [("/id", '"1" is not of type "integer"'), ("/email", '"" is shorter than 3 characters')],
        ),
        ({"id": 1}, [("", '"email" is a required property')]),
        ({"id": 1, "email": "abc", "tier": "gold"}, [("/tier", '"gold" is not one of "free", "pro"')]),
        ({"id": 1, "email": "abc", "gone": 1}, [("/gone", "nothing is allowed here")]),
        ({"id": 1, "email": "abc", "version": 1}, [("/version", "2 was expected")]),
        (
            {"id": 1, "email": "abc", "tags": ["x", 1]},
            [("/tags/1", '1 fits no alternative: 1 is not of type "string"; 1 is not of type "null"')],
        ),
        (
            {"id": 1, "email": "abc", "e/~": 1},
            [("", "Additional properties are not allowed ('e/~' was unexpected)")],
        ),
    ],
)
def test_a_violation_says_where_and_what_was_expected(value: Any, violations: list[tuple[str, str]]) -> None:
    found = compile_validator(USER).violations(value)

    assert sorted(found) == sorted(violations)


def test_a_pointer_is_escaped() -> None:
    validator = compile_validator({"additionalProperties": {"items": False}})

    assert [violation.pointer for violation in validator.violations({"a/b~": [1]})] == ["/a~1b~0/0"]


def test_long_values_and_long_lists_of_choices_are_shortened() -> None:
    validator = compile_validator({"enum": [f"choice-{number}" for number in range(1000)]})

    (violation,) = validator.violations("x" * 1_000_000)

    assert violation.message.startswith('"xxx')
    assert len(violation.message) == 300


def test_numbers_no_value_can_hold_may_stand_in_a_schema() -> None:
    (violation,) = compile_validator({"enum": [10**30, 1]}).violations(2)

    assert violation.message == f"2 is not one of {10**30}, 1"


def test_format_is_an_annotation() -> None:
    assert compile_validator({"format": "email"}).is_valid("nobody")


def test_a_small_value_gets_at_most_a_hundred_violations() -> None:
    assert len(compile_validator({"items": {"type": "string"}}).violations(list(range(500)))) == 100


def test_a_large_value_gets_its_first_violation() -> None:
    violations = compile_validator({"items": {"type": "string"}}).violations(list(range(300_000)))

    assert [violation.pointer for violation in violations] == ["/0"]


def _tree(depth: int, leaf: Any) -> Any:
    value = leaf
    for _ in range(depth):
        value = {"child": value}
    return value


@pytest.mark.parametrize(("depth", "is_explained"), [(4, True), (60, False)])
def test_a_schema_recursive_in_several_places_is_explained_only_while_that_is_cheap(
    depth: int,
    is_explained: bool,  # noqa: FBT001  (a column of the table)
) -> None:
    schema = {"type": "object", "properties": {"child": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}}

    (violation,) = compile_validator(schema).violations(_tree(depth, 1))

    assert (violation.pointer == "/child") is is_explained


def test_a_list_of_any_length_is_explained_when_recursion_is_in_one_place() -> None:
    schema = {"type": "object", "properties": {"child": {"$ref": "#"}}}

    (violation,) = compile_validator(schema).violations(_tree(60, 1))

    assert violation.pointer == "/child" * 60


def test_a_valid_value_has_no_violations_however_large() -> None:
    validator = Draft202012Validator({"items": {"type": "integer"}})

    assert find_violations(validator, [1]) == find_violations(validator, list(range(10_000))) == ()
