"""What the keywords beside `unevaluatedProperties` and `unevaluatedItems` judge, and what is left to them."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.schemas import Fits, Refuted, compare
from tests.support.comparing import Judges

CLOSED: dict[str, Any] = {"type": "object", "unevaluatedProperties": False}
BOUNDED: dict[str, Any] = {"type": "array", "unevaluatedItems": False}
ONLY_A: dict[str, Any] = {"properties": {"a": {}}}
ONLY_B: dict[str, Any] = {"properties": {"b": {}}}
A_OR_B = {"propertyNames": {"enum": ["a", "b"]}}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({**CLOSED, **ONLY_A}, {"propertyNames": {"const": "a"}}),
        ({**CLOSED, "patternProperties": {"^a": {}}}, {"propertyNames": {"pattern": "^a"}}),
        ({**CLOSED, "$ref": "#/$defs/a", "$defs": {"a": ONLY_A}}, {"propertyNames": {"const": "a"}}),
        ({**CLOSED, "allOf": [ONLY_A, ONLY_B]}, A_OR_B),
        ({**CLOSED, "oneOf": [{**ONLY_A, "required": ["a"]}, {**ONLY_B, "required": ["b"]}]}, A_OR_B),
        ({**CLOSED, "if": {**ONLY_A, "required": ["a"]}, "else": ONLY_B}, A_OR_B),
        ({**CLOSED, "if": {"required": ["a"]}, "then": ONLY_A}, {"propertyNames": {"const": "a"}}),
        ({**BOUNDED, "prefixItems": [True, True]}, {"maxItems": 2}),
        ({**BOUNDED, "allOf": [{"prefixItems": [True]}, {"prefixItems": [True, True]}]}, {"maxItems": 2}),
        ({**BOUNDED, "contains": {"const": 1}}, {"items": {"const": 1}}),
        ({**BOUNDED, "anyOf": [{"items": {"const": 1}}, {"prefixItems": [{"const": 2}]}]}, {"type": "array"}),
    ],
)
def test_what_nothing_else_judges_is_refused(given: Any, taken: Any) -> None:
    assert isinstance(compare(given, taken), Fits)


@pytest.mark.parametrize(
    ("given", "taken", "value"),
    [
        ({**CLOSED, "additionalProperties": {}}, {"maxProperties": 0}, {"x": None}),
        ({**CLOSED, "allOf": [{"additionalProperties": {}}]}, {"maxProperties": 0}, {"x": None}),
        ({**CLOSED, "allOf": [{"unevaluatedProperties": {}}]}, {"maxProperties": 0}, {"x": None}),
        ({**CLOSED, "patternProperties": {"^a": {}}}, {"maxProperties": 0}, {"a": None}),
        ({**CLOSED, "$ref": "#/$defs/a", "$defs": {"a": ONLY_A}}, {"maxProperties": 0}, {"a": None}),
        ({**CLOSED, "oneOf": [{**ONLY_A, "required": ["a"]}, False]}, {"maxProperties": 0}, {"a": None}),
        ({**CLOSED, "if": {"required": ["a"]}, "else": ONLY_B}, {"maxProperties": 0}, {"b": None}),
        ({**CLOSED, "if": {**ONLY_A, "required": ["a"]}}, {"maxProperties": 0}, {"a": None}),
        ({**CLOSED, "dependentSchemas": {"a": ONLY_A}}, {"maxProperties": 0}, {"a": None}),
        ({**BOUNDED, "items": {}}, {"maxItems": 0}, [None]),
        ({**BOUNDED, "allOf": [{"items": {}}]}, {"maxItems": 0}, [None]),
        ({**BOUNDED, "allOf": [{"unevaluatedItems": {}}]}, {"maxItems": 0}, [None]),
        ({**BOUNDED, "contains": {"const": 1}}, {"maxItems": 1}, [1, 1]),
        ({**BOUNDED, "prefixItems": [True], "contains": {"const": 1}}, {"items": {"const": 1}}, [None, 1]),
    ],
)
def test_what_another_keyword_judges_is_left_alone(given: Any, taken: Any, value: Any) -> None:
    assert Judges(given).is_valid(value)
    assert isinstance(compare(given, taken), Refuted)


@pytest.mark.parametrize("alternatives", ["anyOf", "oneOf"])
def test_alternatives_that_judge_nothing_are_no_ways_of_their_own(alternatives: str) -> None:
    given = {**CLOSED, **ONLY_A, "allOf": [{alternatives: [{"minProperties": 0}, {"maxProperties": 0}]}] * 10}

    assert isinstance(compare(given, {"propertyNames": {"const": "a"}}), Fits)
