"""One schema or more for every keyword and for how keywords meet; the tests of comparing cross them all."""

from __future__ import annotations

from typing import Any, Final


def _fields(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


_TYPES: Final = (
    True,
    False,
    {},
    *({"type": name} for name in ("null", "boolean", "integer", "number", "string", "array", "object")),
    {"type": ["string", "null"]},
    {"type": ["array", "object"]},
    {"const": 1},
    {"const": 1.0},
    {"const": True},
    {"const": [False]},
    {"const": {"a": 0}},
    {"enum": ["a", "b"]},
    {"enum": [None, 0, "a", [], {}]},
    {"enum": [[0], [False], {"a": 1}]},
)

_NUMBERS: Final = (
    {"minimum": 0},
    {"exclusiveMinimum": 0},
    {"maximum": 2.5, "type": "number"},
    {"exclusiveMaximum": 1, "minimum": 0, "type": "number"},
    {"multipleOf": 2},
    {"multipleOf": 0.5},
    {"type": "integer", "multipleOf": 1.5, "minimum": 1},
    {"type": "integer", "minimum": 1, "maximum": 1},
    {"type": "number", "minimum": 0.1, "maximum": 0.2},
)

_STRINGS: Final = (
    {"minLength": 1},
    {"type": "string", "maxLength": 1},
    {"type": "string", "pattern": "^[a-z]+$"},
    {"type": "string", "pattern": "a"},
    {"type": "string", "pattern": "^(a|b)?$", "minLength": 1},
    {"type": "string", "pattern": "\\bword\\b"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "contentMediaType": "application/json", "contentEncoding": "base64"},
)

_ARRAYS: Final = (
    {"type": "array", "items": {"type": "integer"}},
    {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
    {"items": False},
    {"prefixItems": [{"type": "integer"}, {"type": "string"}]},
    {"type": "array", "prefixItems": [True, False]},
    {"type": "array", "prefixItems": [{"type": "boolean"}], "items": {"type": "null"}},
    {"type": "array", "minItems": 1},
    {"type": "array", "maxItems": 1},
    {"type": "array", "uniqueItems": True},
    {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True},
    {"contains": {"type": "integer"}},
    {"contains": False},
    {"contains": {"const": 1}, "minContains": 2},
    {"contains": {"const": 1}, "maxContains": 1},
    {"contains": {"minimum": 1}, "minContains": 0, "maxContains": 0},
    {"type": "array", "contains": {"const": 1}, "minContains": 2, "maxContains": 1},
    {"minContains": 2},
    {"prefixItems": [True], "unevaluatedItems": False},
    {"anyOf": [{"prefixItems": [{"const": 1}]}, {"items": {"type": "null"}}], "unevaluatedItems": False},
    {"type": "array", "contains": {"type": "integer"}, "unevaluatedItems": {"type": "string"}},
    {
        "if": {"prefixItems": [{"const": 1}]},
        "then": {"prefixItems": [True, {"const": 2}]},
        "unevaluatedItems": False,
    },
)

_OBJECTS: Final[tuple[Any, ...]] = (
    {"properties": {"a": {"type": "integer"}}},
    {"properties": {"a": False}},
    _fields(a={"type": "string"}),
    _fields(a={"type": "integer"}, b={"type": ["string", "null"]}),
    {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"patternProperties": {"^a": {"type": "integer"}}},
    {"type": "object", "patternProperties": {"^a": {}, "b$": {}}, "additionalProperties": False},
    {"required": ["a"]},
    {"required": ["a", "b"]},
    {"type": "object", "minProperties": 1},
    {"type": "object", "maxProperties": 1},
    {"maxProperties": 0},
    {"propertyNames": {"maxLength": 1}},
    {"propertyNames": {"enum": ["a", "b"]}},
    {"propertyNames": False},
    {"dependentRequired": {"a": ["b"]}},
    {"dependentRequired": {"a": []}},
    {"dependentSchemas": {"a": {"properties": {"b": {"type": "integer"}}}}},
    {"dependentSchemas": {"a": False, "b": True}},
    {"properties": {"a": True}, "unevaluatedProperties": False},
    {"allOf": [{"properties": {"a": True}}, {"required": ["b"]}], "unevaluatedProperties": {"type": "null"}},
    {
        "anyOf": [_fields(a={"const": 1}), _fields(b={"const": 1})],
        "properties": {"c": True},
        "unevaluatedProperties": False,
    },
    {"oneOf": [{"required": ["a"]}, {"properties": {"b": True}}], "unevaluatedProperties": False},
    {
        "if": _fields(a={"const": 1}),
        "then": {"properties": {"b": True}},
        "else": {"patternProperties": {"^c": True}},
        "unevaluatedProperties": False,
    },
    {"dependentSchemas": {"a": {"properties": {"b": True}}}, "unevaluatedProperties": {"type": "integer"}},
    {"additionalProperties": {"type": "integer"}, "unevaluatedProperties": False},
    {"$ref": "#/$defs/d", "unevaluatedProperties": False, "$defs": {"d": {"properties": {"a": True}}}},
    {"properties": {"a": {"properties": {"b": True}, "unevaluatedProperties": False}}},
)

_COMBINED: Final[tuple[Any, ...]] = (
    {"allOf": [{"minimum": 0}, {"type": "integer"}]},
    {"allOf": [True, False]},
    {"anyOf": [{"type": "integer"}, {"minLength": 1}]},
    {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
    {"oneOf": [True, True]},
    {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
    {"oneOf": [_fields(a={"const": "x"}, b={}), _fields(a={"const": "y"}, c={"type": "integer"})]},
    {"not": {"type": "integer"}},
    {"not": {"not": {"type": "string"}}},
    {"not": {"required": ["a"]}},
    {"not": {}},
    {"not": {"enum": [1, "a", [], {"a": 1}]}},
    {"if": {"type": "integer"}, "then": {"minimum": 0}},
    {"if": {"minimum": 0}, "then": {"multipleOf": 2}, "else": {"const": -1}},
    {"then": False, "else": False},
    {"if": True, "then": {"type": "string"}},
)

_REFERENCES: Final = (
    {"$ref": "#/$defs/d", "$defs": {"d": {"type": "integer"}}},
    {"$ref": "#/$defs/d", "minimum": 1, "$defs": {"d": {"type": "integer"}}},
    {"type": "array", "items": {"$ref": "#"}},
    {"type": "object", "additionalProperties": {"$ref": "#"}},
    {"type": ["object", "null"], "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    _fields(a={"$ref": "#"}),
    {
        "$ref": "#/$defs/list",
        "$defs": {
            "list": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/cell"}]},
            "cell": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/$defs/list"}},
                "required": ["a", "b"],
                "additionalProperties": False,
            },
        },
    },
    {"$defs": {"a~b/c": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a~0b~1c"}}},
)

CORPUS: Final[tuple[Any, ...]] = (
    *_TYPES,
    *_NUMBERS,
    *_STRINGS,
    *_ARRAYS,
    *_OBJECTS,
    *_COMBINED,
    *_REFERENCES,
)
