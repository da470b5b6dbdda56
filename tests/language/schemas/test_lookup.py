"""Looking a path up in a schema: what is found, what is missing, what is left open."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from tenantry.language.schemas import UNTYPED, Found, Missing, compile_validator, lookup
from tests.support.schemas import FIELDS, PLAIN_VALUES, SCHEMAS

USER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "extra"],
    "properties": {
        "id": {"type": "integer"},
        "email": {"type": "string"},
        "address": {
            "type": ["object", "null"],
            "properties": {"city": {"$ref": "#/$defs/city"}},
            "required": ["city"],
        },
        "manager": {"$ref": "#"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "pair": {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "null"}],
            "items": False,
            "minItems": 1,
        },
        "few": {"items": True, "maxItems": 2},
        "rates": {"type": "object", "additionalProperties": {"type": "number"}},
        "closed": {"properties": {"a": {}}, "unevaluatedProperties": False},
        "open": {"properties": {"a": {}}, "additionalProperties": True},
        "patterned": {"properties": {"a": {}}, "patternProperties": {"^x": {}}},
        "opaque": {"type": "object"},
        "anything": {},
        "nothing": False,
        "yes": True,
    },
    "$defs": {"city": {"type": "string", "minLength": 1}},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("id",), Found({"type": "integer"})),
        (("email",), Found({"type": "string"}, optional=True)),
        (("extra",), Found(UNTYPED)),
        (("address", "city"), Found({"type": "string", "minLength": 1}, optional=True)),
        (("manager", "manager", "id"), Found({"type": "integer"}, optional=True)),
        (("tags", 0), Found({"type": "string"}, optional=True)),
        (("pair", 1), Found({"type": "null"}, optional=True)),
        (("few", 1), Found({}, optional=True, assumed=True)),
        (("rates", "EUR"), Found({"type": "number"}, optional=True)),
        (("open", "b", "c"), Found(UNTYPED, optional=True, assumed=True)),
        (("patterned", "b"), Found(UNTYPED, optional=True, assumed=True)),
        (("opaque", "x", 0), Found(UNTYPED, optional=True)),
        (("anything",), Found({}, optional=True)),
        (("anything", 0, "x"), Found(UNTYPED, optional=True, assumed=True)),
        (("yes",), Found({}, optional=True)),
        (("nothing",), Found(False, optional=True)),
    ],
)
def test_a_path_leads_to_what_is_known_of_its_value(path: tuple[str | int, ...], found: Found) -> None:
    assert lookup(USER, path) == found


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        (("emial",), Missing(0, tuple(sorted(USER["properties"])))),
        (("address", "zip"), Missing(1, ("city",))),
        (("closed", "b"), Missing(1, ("a",))),
        (("id", "x"), Missing(1)),
        (("id", 0), Missing(1)),
        ((0,), Missing(0)),
        (("tags", "x"), Missing(1)),
        (("pair", 2), Missing(1)),
        (("few", 2), Missing(1)),
        (("nothing", "x"), Missing(1)),
    ],
)
def test_a_path_to_nothing_says_where_it_ends_and_what_is_there(
    path: tuple[str | int, ...], missing: Missing
) -> None:
    assert lookup(USER, path) == missing


def _fields(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"const": name} for name in names}, "required": [*names]}


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"allOf": [_fields("a"), _fields("b")]}, Found({"const": "a"})),
        (
            {"allOf": [_fields("a"), {"properties": {"a": {"type": "string"}}}]},
            Found({"allOf": [{"const": "a"}, {"type": "string"}]}),
        ),
        (
            {"properties": {"a": {"type": "string"}}, "allOf": [{"required": ["a"]}]},
            Found({"type": "string"}, assumed=True),
        ),
        ({"allOf": [_fields("b"), _fields("c"), {}]}, Missing(0, ("b", "c"))),
        ({"anyOf": [_fields("a"), _fields("a", "b")]}, Found({"anyOf": [{"const": "a"}, {"const": "a"}]})),
        ({"oneOf": [_fields("a"), _fields("b")]}, Found({"const": "a"}, optional=True)),
        ({"anyOf": [_fields("a"), {"type": "null"}]}, Found({"const": "a"}, optional=True)),
        ({"anyOf": [_fields("a"), {}]}, Found(UNTYPED, assumed=True)),
        ({"allOf": [{"required": ["a"]}, {"properties": {"a": {}}}]}, Found({}, assumed=True)),
        ({"anyOf": [_fields("b"), _fields("c")]}, Missing(0, ("b", "c"))),
        (
            {"properties": {"b": {}}, "if": {}, "then": _fields("a"), "else": _fields("c")},
            Found({"const": "a"}, optional=True, assumed=True),
        ),
        ({"properties": {"b": {}}, "if": {}, "then": _fields("a")}, Missing(0, ("b",))),
        ({"type": ["object", "null"], "allOf": [_fields("a")]}, Found({"const": "a"})),
        (
            {"type": ["object", "string"], "properties": {"a": {}}, "required": ["a"]},
            Found({}, optional=True),
        ),
        (True, Found(UNTYPED, assumed=True)),
        (False, Missing(0)),
    ],
)
def test_combined_schemas_answer_together(schema: Any, answer: Found | Missing) -> None:
    assert lookup(schema, ("a",)) == answer


def test_the_empty_path_is_the_schema_itself_with_its_references_written_out() -> None:
    schema = {"items": {"$ref": "#/$defs/x", "minLength": 1}, "$defs": {"x": {"type": "string"}}}

    assert lookup(schema, ()) == Found({"items": {"minLength": 1, "allOf": [{"type": "string"}]}})


def test_a_reference_back_to_itself_is_written_out_once() -> None:
    schema = {"properties": {"next": {"$ref": "#"}}}

    next_one = {"properties": {"next": UNTYPED}}
    assert lookup(schema, ("next",)) == Found(next_one, optional=True, assumed=True)


def test_writing_references_out_ends() -> None:
    names = range(12)
    knot = {f"d{a}": {"properties": {f"p{b}": {"$ref": f"#/$defs/d{b}"} for b in names}} for a in names}

    found = lookup({"$ref": "#/$defs/d0", "$defs": knot}, ())

    assert isinstance(found, Found)
    assert len(str(found.schema)) < 200_000


VALUES = st.recursive(
    PLAIN_VALUES,
    lambda inner: st.dictionaries(FIELDS, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=6,
)


class AbsentError(Exception):
    """The value has nothing at the path."""


def follow(value: Any, key: str | int) -> Any:
    container = list if isinstance(key, int) else dict
    if not isinstance(value, container):
        # What lists properties and no type is taken for an object's, though anything else satisfies it.
        reject()
    found: Any = value
    try:
        return found[key]
    except (KeyError, IndexError):
        raise AbsentError from None


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(SCHEMAS, VALUES, st.lists(FIELDS | st.integers(0, 1), min_size=1, max_size=2))
def test_what_is_found_holds_for_every_value(schema: Any, value: Any, path: list[str | int]) -> None:
    found = lookup(schema, path)
    assume(isinstance(found, Found) and compile_validator(schema).is_valid(value))
    assert isinstance(found, Found)
    try:
        part = reduce(follow, path, value)
    except AbsentError:
        # Only what says nothing of a place leaves it open whether there is something.
        assert found.optional or found.schema == UNTYPED
        return
    assert compile_validator(found.schema).is_valid(part)
