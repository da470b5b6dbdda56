"""Each keyword at its bounds, both ways: what fits, and the counterexample of what does not."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.schemas import Fits, Refuted, compare
from tests.support.comparing import Judges


def obj(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def arr(**keywords: Any) -> dict[str, Any]:
    return {"type": "array", **keywords}


FITTING: list[tuple[Any, Any]] = [
    (False, {"type": "null"}),
    ({"type": "string"}, True),
    ({"type": "string"}, {}),
    ({"not": {}}, {"type": "null"}),
    ({"type": "integer"}, {"type": "number"}),
    ({"const": 1.0}, {"type": "integer"}),
    ({"type": "number", "multipleOf": 1}, {"type": "integer"}),
    ({"type": "number", "multipleOf": 3}, {"type": "integer"}),
    ({"type": ["string", "null"], "not": {"type": "null"}}, {"type": "string"}),
    ({"type": "boolean"}, {"enum": [True, False]}),
    ({"type": "boolean", "not": {"const": True}}, {"const": False}),
    ({"type": "null"}, {"const": None}),
    ({"type": "null", "not": {"const": None}}, {"const": 1}),
    ({"const": 1}, {"const": 1.0}),
    ({"enum": [1, "a"]}, {"enum": ["a", 1.0, None]}),
    ({"enum": ["a", 1], "type": "string"}, {"const": "a"}),
    ({"enum": ["a", "b"], "not": {"const": "b"}}, {"const": "a"}),
    ({"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}, {"const": "b"}),
    ({"allOf": [{"enum": ["a"]}, {"enum": ["c"]}]}, False),
    ({"const": {"a": [1]}}, {"type": "object", "properties": {"a": {"items": {"const": 1}}}}),
    # numbers
    ({"type": "integer", "exclusiveMinimum": 0}, {"minimum": 1}),
    ({"type": "integer", "exclusiveMaximum": 0}, {"maximum": -1}),
    ({"type": "number", "exclusiveMinimum": 0}, {"minimum": 0}),
    ({"minimum": 1}, {"minimum": 0.5}),
    ({"maximum": 1}, {"exclusiveMaximum": 1.5}),
    ({"allOf": [{"minimum": 0}, {"minimum": 2}, {"minimum": 1}], "type": "number"}, {"minimum": 2}),
    ({"allOf": [{"maximum": 0}, {"maximum": -2}, {"maximum": 1}], "type": "number"}, {"maximum": -2}),
    ({"allOf": [{"minimum": 0}, {"exclusiveMinimum": 0}], "type": "number"}, {"exclusiveMinimum": 0}),
    ({"type": "number", "minimum": 1, "maximum": 1}, {"const": 1}),
    ({"type": "number", "minimum": 0.5, "maximum": 0.5}, {"const": 0.5}),
    ({"type": "number", "minimum": 1, "exclusiveMaximum": 1}, False),
    ({"type": "integer", "minimum": 2, "maximum": 1}, False),
    ({"type": "integer", "minimum": 0.2, "maximum": 0.8}, False),
    ({"type": "integer", "minimum": 1, "maximum": 3}, {"enum": [1, 2, 3]}),
    ({"type": "integer", "multipleOf": 6}, {"multipleOf": 3}),
    ({"type": "number", "multipleOf": 0.02}, {"multipleOf": 0.01}),
    ({"type": "integer"}, {"multipleOf": 0.1}),
    ({"allOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, {"multipleOf": 6}),
    ({"allOf": [{"multipleOf": 0.5}, {"multipleOf": 0.75}]}, {"multipleOf": 1.5}),
    ({"type": "number", "multipleOf": 0.5, "minimum": 0, "maximum": 1}, {"enum": [0, 0.5, 1]}),
    ({"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 20}, {"enum": [7, 14]}),
    # strings
    ({"type": "string", "minLength": 2}, {"minLength": 1}),
    ({"type": "string", "maxLength": 2}, {"maxLength": 3}),
    ({"type": "string", "maxLength": 0}, {"const": ""}),
    ({"type": "string", "minLength": 2, "maxLength": 1}, {"type": "null"}),
    ({"type": "string", "format": "date"}, {"type": "string", "format": "email"}),
    ({"type": "string"}, {"format": "email"}),
    ({"allOf": [{"maxLength": 3}, {"maxLength": 2}], "type": "string"}, {"maxLength": 2}),
    ({"type": "string", "pattern": "^\\p{L}$", "not": {"pattern": "^\\p{L}$"}}, {"type": "null"}),
    # arrays
    (arr(items={"type": "integer"}), {"items": {"type": "number"}}),
    (arr(items=False), {"maxItems": 0}),
    (arr(maxItems=0), {"items": {"type": "string"}}),
    (arr(maxItems=0), {"const": []}),
    (arr(prefixItems=[{"type": "integer"}], minItems=1), {"contains": {"type": "integer"}}),
    (
        arr(prefixItems=[{"type": "integer"}], items={"type": "string"}),
        {"items": {"type": ["integer", "string"]}},
    ),
    (arr(items={"type": "integer"}), {"prefixItems": [{"type": "number"}, {"type": "number"}]}),
    (arr(prefixItems=[True, False]), {"maxItems": 1}),
    (arr(prefixItems=[True, True], maxItems=1), {"prefixItems": [True, {"type": "null"}]}),
    (arr(minItems=2), {"minItems": 1}),
    (arr(minItems=3, maxItems=2), {"type": "null"}),
    (arr(contains={"const": 1}), {"minItems": 1}),
    (arr(contains={"const": 1}, minContains=2), {"minItems": 2}),
    (arr(contains={"const": 1}, minContains=2), {"contains": {"type": "integer"}}),
    (
        arr(contains={"type": "number"}, maxContains=1),
        {"contains": {"type": "integer"}, "minContains": 0, "maxContains": 1},
    ),
    (arr(contains={"const": 1}, minContains=2, maxContains=1), False),
    (arr(contains=False), False),
    (arr(contains=False, minContains=0), {"type": "array"}),
    (arr(items={"const": 1}, minItems=2), {"contains": {"const": 1}, "minContains": 2}),
    (arr(minContains=3), {"type": "array"}),
    (
        arr(contains={"type": "integer"}, maxContains=0, minContains=0),
        {"not": {"contains": {"type": "integer"}}},
    ),
    (arr(maxItems=1), {"uniqueItems": True}),
    (arr(uniqueItems=True, items={"type": "boolean"}), {"maxItems": 2}),
    (arr(uniqueItems=True, items={"enum": [1, 1.0, 2]}), {"maxItems": 2}),
    (arr(uniqueItems=True, prefixItems=[{"const": 1}, {"const": 1}]), {"maxItems": 1}),
    (arr(prefixItems=[{"const": 1}, {"const": 2}], items=False), {"uniqueItems": True}),
    (arr(uniqueItems=False), {"type": "array"}),
    (arr(uniqueItems=True), {"uniqueItems": False}),
    ({"allOf": [arr(uniqueItems=True), {"not": {"uniqueItems": True}}]}, {"type": "null"}),
    (arr(not_contains=1, contains=False, minContains=0, items=False), {"uniqueItems": True}),
    ({"type": "array", "not": {"contains": True}}, {"uniqueItems": True}),
    ({"prefixItems": [True], "unevaluatedItems": False, "type": "array"}, {"maxItems": 1}),
    (arr(items={"type": "null"}, unevaluatedItems=False), {"items": {"type": "null"}}),
    (
        arr(contains={"type": "integer"}, unevaluatedItems={"type": "null"}),
        {"items": {"type": ["integer", "null"]}},
    ),
    (arr(maxItems=1, prefixItems=[{"enum": [1, 2]}]), {"enum": [[], [1], [2]]}),
    # objects
    (obj(a={"type": "integer"}), obj(a={"type": "number"})),
    (obj(a={}, b={}), {"required": ["b"]}),
    (obj(a={}, b={}), {"minProperties": 2}),
    ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, {"maxProperties": 1}),
    ({"type": "object", "maxProperties": 0}, {"const": {}}),
    ({"type": "object", "additionalProperties": False}, {"propertyNames": {"type": "null"}}),
    ({"type": "object", "properties": {"a": False}, "required": ["a"]}, {"type": "null"}),
    ({"type": "object", "properties": {"a": False}}, {"properties": {"a": {"type": "null"}}}),
    ({"type": "object", "propertyNames": False}, {"maxProperties": 0}),
    ({"type": "object", "propertyNames": {"enum": ["a", "b"]}}, {"maxProperties": 2}),
    ({"type": "object", "propertyNames": {"const": "a"}, "required": ["b"]}, {"type": "null"}),
    ({"type": "object", "propertyNames": {"pattern": "^x"}}, {"properties": {"a": {"type": "null"}}}),
    (
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"patternProperties": {"a": {"type": "number"}}},
    ),
    (
        {"type": "object", "patternProperties": {"^a": {"type": "integer"}}},
        {"properties": {"ab": {"type": "integer"}}},
    ),
    ({"patternProperties": {"^a": {"type": "integer"}}}, {"patternProperties": {"^ab": {"type": "number"}}}),
    (
        {"type": "object", "patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": False},
        {"additionalProperties": {"type": "integer"}},
    ),
    ({"type": "object", "minProperties": 2, "maxProperties": 1}, {"type": "null"}),
    ({"type": "object", "required": ["a", "b"], "maxProperties": 1}, {"type": "null"}),
    ({"type": "object", "required": ["a"], "maxProperties": 1}, {"properties": {"b": {"type": "null"}}}),
    ({"type": "object", "required": ["a"], "dependentRequired": {"a": ["b"]}}, {"required": ["b"]}),
    (
        {"type": "object", "required": ["a"], "dependentSchemas": {"a": {"required": ["b"]}}},
        {"required": ["b"]},
    ),
    ({"dependentRequired": {"a": ["b"]}}, {"dependentSchemas": {"a": {"required": ["b"]}}}),
    ({"dependentSchemas": {"a": False}}, {"not": {"type": "object", "required": ["a"]}}),
    ({"type": "object", "not": {"required": ["a"]}}, {"properties": {"a": {"type": "null"}}}),
    (
        {"allOf": [obj(a={"type": "string"}), obj(b={"type": "string"})], "unevaluatedProperties": False},
        {"additionalProperties": {"type": "string"}, "minProperties": 2, "maxProperties": 2},
    ),
    (
        {"type": "object", "anyOf": [obj(a={}), obj(b={})], "unevaluatedProperties": False},
        {"propertyNames": {"enum": ["a", "b"]}},
    ),
    (
        {
            "type": "object",
            "if": {"required": ["a"]},
            "then": {"properties": {"a": {}, "b": {}}},
            "else": {"properties": {"c": {}}},
            "unevaluatedProperties": False,
        },
        {"anyOf": [{"propertyNames": {"enum": ["a", "b"]}}, {"propertyNames": {"const": "c"}}]},
    ),
    (
        {
            "type": "object",
            "dependentSchemas": {"a": {"properties": {"a": {}}}},
            "unevaluatedProperties": False,
        },
        {"properties": {"a": {}}, "additionalProperties": False},
    ),
    # connectives
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["string", "null"]}),
    ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ({"type": "number"}, {"anyOf": [{"maximum": 5}, {"minimum": 5}]}),
    ({"type": "integer"}, {"anyOf": [{"maximum": 5}, {"minimum": 6}]}),
    ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "null"}, {"type": "string"}]}),
    ({"type": "string"}, {"oneOf": [{"type": "string"}, {"type": "null"}]}),
    ({"oneOf": [True, True]}, {"type": "null"}),
    ({"oneOf": [{"minimum": 0}, {"maximum": 10}], "type": "number"}, {"not": {"minimum": 0, "maximum": 10}}),
    (
        {"oneOf": [obj(k={"const": "a"}, x={"type": "integer"}), obj(k={"const": "b"})]},
        {"oneOf": [obj(k={"const": "b"}), obj(k={"const": "a"}, x={"type": "number"})]},
    ),
    ({"not": {"not": {"type": "string"}}}, {"type": "string"}),
    ({"not": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, {"not": {"type": "null"}}),
    (
        {"type": "integer", "if": {"minimum": 0}, "then": {"maximum": 5}, "else": {"minimum": -5}},
        {"minimum": -5, "maximum": 5},
    ),
    ({"if": True, "then": {"type": "string"}}, {"type": "string"}),
    ({"then": {"type": "string"}}, {}),
    # references
    (
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}},
        {"$ref": "#/$defs/b", "$defs": {"b": {"type": "number"}}},
    ),
    ({"$ref": "#/$defs/a", "minimum": 1, "$defs": {"a": {"type": "integer"}}}, {"exclusiveMinimum": 0}),
    (
        {"type": "object", "properties": {"v": {"type": "integer"}, "n": {"$ref": "#"}}},
        {"type": "object", "properties": {"v": {"type": "number"}, "n": {"$ref": "#"}}},
    ),
    (
        {"type": "object", "properties": {"v": {"type": "integer"}, "n": {"$ref": "#"}}, "required": ["n"]},
        {"type": "null"},
    ),
    (
        arr(items={"$ref": "#"}),
        {"$ref": "#/$defs/x", "$defs": {"x": {"items": {"items": {"$ref": "#/$defs/x"}}, "type": "array"}}},
    ),
]


@pytest.mark.parametrize(("given", "taken"), FITTING)
def test_it_fits(given: Any, taken: Any) -> None:
    assert compare(given, taken) == Fits()


REFUTED: list[tuple[Any, Any, Any, str]] = [
    (True, False, None, ""),
    ({}, {"type": "string"}, None, ""),
    ({"type": "number"}, {"type": "integer"}, 0.5, ""),
    ({"type": ["string", "null"]}, {"type": "string"}, None, ""),
    ({"type": "boolean"}, {"const": False}, True, ""),
    ({"type": "integer"}, {"const": 0}, 1, ""),
    ({"const": 1}, {"const": True}, 1, ""),
    ({"const": [False]}, {"const": [0]}, [False], ""),
    ({"enum": ["a", "b"]}, {"enum": ["a"]}, "b", ""),
    ({"type": "string"}, {"enum": ["", "a"]}, "A", ""),
    ({"type": "string", "minLength": 1, "maxLength": 1}, {"enum": list("aA01- x")}, "b", ""),
    # numbers
    ({"type": "integer"}, {"minimum": 0}, -1, ""),
    ({"type": "integer"}, {"maximum": 0}, 1, ""),
    ({"type": "integer", "minimum": 0}, {"exclusiveMinimum": 0}, 0, ""),
    ({"type": "integer", "maximum": 7}, {"exclusiveMaximum": 7}, 7, ""),
    ({"type": "integer", "minimum": 5}, {"minimum": 6}, 5, ""),
    ({"type": "integer", "exclusiveMinimum": 0}, {"minimum": 2}, 1, ""),
    ({"type": "number", "exclusiveMinimum": 0}, {"minimum": 1}, 0.5, ""),
    ({"type": "number", "minimum": 0.5, "maximum": 0.5}, {"type": "integer"}, 0.5, ""),
    ({"type": "number", "exclusiveMinimum": 0.1, "exclusiveMaximum": 0.2}, False, 0.11, ""),
    ({"type": "number", "exclusiveMaximum": -0.5}, {"type": "integer"}, -1.5, ""),
    ({"type": "integer"}, {"multipleOf": 2}, 1, ""),
    ({"type": "integer", "multipleOf": 2}, {"multipleOf": 4}, 2, ""),
    ({"type": "number"}, {"multipleOf": 0.5}, 0.25, ""),
    ({"type": "number", "multipleOf": 0.5}, {"type": "integer"}, 0.5, ""),
    ({"type": "number", "multipleOf": 0.01, "minimum": 0}, {"multipleOf": 0.02}, 0.01, ""),
    ({"type": "integer", "minimum": 10**18}, {"maximum": 1}, 10**18, ""),
    # strings
    ({"type": "string"}, {"minLength": 1}, "", ""),
    ({"type": "string"}, {"maxLength": 0}, "a", ""),
    ({"type": "string", "minLength": 40}, {"maxLength": 39}, "a" * 40, ""),
    ({"type": "string"}, {"pattern": "^[a-z]+$"}, "", ""),
    ({"type": "string", "minLength": 1}, {"pattern": "^[a-z]+$"}, "A", ""),
    ({"type": "string", "pattern": "^id-"}, {"maxLength": 3}, "id-a", ""),
    # arrays
    ({"type": "array"}, {"items": {"type": "string"}}, [None], "/0"),
    (arr(items={"type": "number"}), {"items": {"type": "integer"}}, [0.5], "/0"),
    (arr(items={"type": "integer"}), {"prefixItems": [True, {"type": "null"}]}, [0, 0], "/1"),
    (arr(items={"type": "integer"}), {"prefixItems": [True], "items": False}, [0, 0], "/1"),
    (arr(items={"type": "string"}), {"minItems": 1}, [], ""),
    (arr(items={"type": "string"}), {"maxItems": 1}, ["", ""], ""),
    (arr(items={"type": "string"}), {"uniqueItems": True}, ["", ""], ""),
    (arr(contains={"const": 1}), {"uniqueItems": True}, [1, 1], ""),
    (arr(prefixItems=[{"const": 1}], minItems=1), {"uniqueItems": True}, [1, 1], ""),
    (arr(items={"type": "integer"}), {"contains": {"type": "integer"}}, [], ""),
    (arr(items={"type": "integer"}), {"contains": True, "minContains": 0, "maxContains": 1}, [0, 0], ""),
    (arr(contains={"const": 1}), {"contains": {"const": 1}, "minContains": 2}, [1], ""),
    (arr(uniqueItems=True, items={"type": "boolean"}), {"maxItems": 1}, [False, True], ""),
    (arr(uniqueItems=True, minItems=2, prefixItems=[{"enum": [1, 2]}, {"const": 1}]), False, [2, 1], ""),
    ({"type": "array"}, {"const": []}, [None], ""),
    (arr(items={"type": "integer"}, minItems=1), {"const": [0]}, [1], ""),
    (arr(maxItems=1), {"prefixItems": [True], "unevaluatedItems": {"type": "null"}, "minItems": 1}, [], ""),
    # objects
    ({"type": "object"}, {"required": ["a"]}, {}, ""),
    (obj(a={"type": "integer"}), obj(a={"type": "string"}), {"a": 0}, "/a"),
    (obj(id={"type": "integer"}), {"additionalProperties": False}, {"id": 0}, ""),
    (
        obj(id={"type": "integer"}),
        {"properties": {"id": {}}, "additionalProperties": False},
        {"id": 0, "extra": None},
        "",
    ),
    ({"type": "object"}, {"properties": {"a": {"type": "string"}}}, {"a": None}, "/a"),
    ({"type": "object"}, {"patternProperties": {"^x-": {"type": "string"}}}, {"x-": None}, "/x-"),
    ({"type": "object"}, {"propertyNames": {"pattern": "^[A-Z]"}}, {"extra": None}, ""),
    ({"type": "object"}, {"propertyNames": {"maxLength": 5}}, {"extra1": None}, ""),
    ({"type": "object"}, {"minProperties": 1}, {}, ""),
    ({"type": "object"}, {"maxProperties": 1}, {"extra": None, "extra1": None}, ""),
    ({"type": "object", "properties": {"a": {}, "b": {}}}, {"maxProperties": 1}, {"a": None, "b": None}, ""),
    ({"type": "object"}, {"const": {}}, {"extra": None}, ""),
    ({"type": "object", "additionalProperties": False, "properties": {"a": {}}}, {"const": {"a": 1}}, {}, ""),
    (obj(a={"type": "integer"}), {"const": {"a": 0}}, {"a": 1}, ""),
    ({"type": "object"}, {"dependentRequired": {"a": ["b"]}}, {"a": None}, ""),
    ({"type": "object"}, {"dependentSchemas": {"a": {"maxProperties": 1}}}, {"a": None, "extra": None}, ""),
    ({"type": "object"}, {"not": {"required": ["a"]}}, {"a": None}, ""),
    (obj(a={}), {"properties": {"b": {}}, "unevaluatedProperties": False}, {"a": None}, ""),
    (
        obj(order=obj(items=arr(items=obj(price={"type": "number"})))),
        obj(order=obj(items=arr(items=obj(price={"type": "integer"})))),
        {"order": {"items": [{"price": 0.5}]}},
        "/order/items/0/price",
    ),
    # connectives
    ({"type": ["integer", "string"]}, {"anyOf": [{"type": "integer"}, {"minLength": 1}]}, "", ""),
    ({"type": "integer"}, {"oneOf": [{"type": "integer"}, {"minimum": 3}]}, 3, ""),
    ({"type": "integer"}, {"not": {"const": 0}}, 0, ""),
    ({"type": "integer"}, {"if": {"minimum": 0}, "then": {"maximum": 5}}, 6, ""),
    ({"type": "integer"}, {"if": {"minimum": 0}, "else": False}, -1, ""),
    (
        {"oneOf": [obj(k={"const": "a"}), obj(k={"const": "b"})]},
        {"oneOf": [obj(k={"const": "a"}), obj(k={"const": "c"})]},
        {"k": "b"},
        "",
    ),
    # references
    (
        {"type": "object", "properties": {"v": {"type": "number"}, "n": {"$ref": "#"}}, "required": ["v"]},
        {"properties": {"n": {"properties": {"n": {"properties": {"v": {"type": "integer"}}}}}}},
        {"v": 0, "n": {"v": 0, "n": {"v": 0.5}}},
        "/n/n/v",
    ),
    (
        {"$ref": "#/$defs/t", "$defs": {"t": {"anyOf": [{"type": "null"}, obj(next={"$ref": "#/$defs/t"})]}}},
        {"type": ["null", "object"], "properties": {"next": {"properties": {"next": {"type": "object"}}}}},
        {"next": {"next": None}},
        "/next/next",
    ),
]


@pytest.mark.parametrize(("given", "taken", "counterexample", "pointer"), REFUTED)
def test_it_does_not_fit(given: Any, taken: Any, counterexample: Any, pointer: str) -> None:
    verdict = compare(given, taken)

    assert isinstance(verdict, Refuted)
    assert (verdict.counterexample, verdict.pointer) == (counterexample, pointer)
    assert Judges(given).is_valid(counterexample)
    assert not Judges(taken).is_valid(counterexample)
