"""Breaking changes between two versions: which field, how, and a payload that shows it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tenantry.language.schemas import Unknown, check, compare, compile_validator
from tenantry.language.validation.changes import (
    ChangeKind,
    Interface,
    breaking_changes,
    task_interface,
    workflow_interface,
)
from tenantry.language.validation.demands import closed, demands
from tests.support.definitions import make_task, make_workflow
from tests.support.schemas import SCHEMAS

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer"}
VALUES: list[Any] = [None, 1, "x", [], ["x"], {}, {"a": 1}, {"a": "x", "b": None}, {"z": 1}, [{"a": 1}]]


def record(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def interface(given: Any = None, result: Any = None, *, spells_output: bool = False) -> Interface:
    return Interface(
        input={} if given is None else given,
        output={} if result is None else result,
        input_pointer="/in",
        output_pointer="/out",
        spells_output=spells_output,
    )


def input_changes(old: Any, new: Any) -> list[tuple[str, tuple[str, ...], str]]:
    changes = breaking_changes(interface(old), interface(new))
    takes, took = compile_validator(new), compile_validator(old)
    for change in changes:
        assert took.is_valid(change.counterexample)
        assert not takes.is_valid(change.counterexample)
    return [(change.kind.name, change.field, change.pointer) for change in changes]


def output_changes(old: Any, new: Any) -> list[tuple[str, tuple[str, ...], str]]:
    changes = breaking_changes(interface(None, old), interface(None, new))
    gives, gave = compile_validator(new), compile_validator(old)
    for change in changes:
        assert gives.is_valid(change.counterexample)
        assert change.kind is ChangeKind.REMOVED or not gave.is_valid(change.counterexample)
    return [(change.kind.name, change.field, change.pointer) for change in changes]


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (record(), record("a", a=TEXT), ("REQUIRED", ("a",), "/in/properties/a")),
        (record(a=TEXT), record("a", a=TEXT), ("REQUIRED", ("a",), "/in/properties/a")),
        (record(), record("a"), ("REQUIRED", ("a",), "/in/required")),
        (record("a", a=TEXT), record("a", a=WHOLE), ("NARROWED", ("a",), "/in/properties/a")),
        (record(a=TEXT), record(a={**TEXT, "maxLength": 5}), ("NARROWED", ("a",), "/in/properties/a")),
        (
            record(a=record(b=TEXT)),
            record(a=record("b", b=TEXT)),
            ("REQUIRED", ("a", "b"), "/in/properties/a/properties/b"),
        ),
        (
            {"type": "array", "items": TEXT},
            {"type": "array", "items": WHOLE},
            ("NARROWED", ("*",), "/in/items"),
        ),
        (
            record(a=TEXT, b=TEXT),
            {**record(a=TEXT), "additionalProperties": False},
            ("NARROWED", (), "/in"),
        ),
        ({}, TEXT, ("NARROWED", (), "/in")),
        ({}, {"prefixItems": [TEXT]}, ("NARROWED", (), "/in")),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": record("b", b=TEXT)}},
            {"$ref": "#/$defs/a", "$defs": {"a": record("b", b=WHOLE)}},
            ("NARROWED", ("b",), "/in/properties/b"),
        ),
        ({"type": ["string", "null"]}, TEXT, ("NARROWED", (), "/in")),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, ("NARROWED", (), "/in")),
        ({"enum": ["a", "b"]}, False, ("NARROWED", (), "/in")),
    ],
)
def test_what_could_be_sent_and_no_longer_can(
    old: Any, new: Any, change: tuple[str, tuple[str, ...], str]
) -> None:
    assert input_changes(old, new) == [change]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (record("a", a=TEXT), record("a", a=TEXT)),
        (record("a", a=TEXT), record(a=TEXT)),
        (record("a", a=TEXT), record("a", a=TEXT, b=WHOLE)),
        (record("a", a=WHOLE), record("a", a={"type": "number"})),
        (record("a", a=TEXT), record()),
        (TEXT, {}),
        (record(a={"enum": ["x"]}), record(a={"enum": ["x", "y"]})),
        (record(a=TEXT), record(a={**TEXT, "description": "now said", "format": "email"})),
    ],
)
def test_what_takes_as_much_or_more_breaks_nobody(old: Any, new: Any) -> None:
    assert input_changes(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (record("a", a=TEXT), record(a=TEXT), [("MAY_BE_MISSING", ("a",), "/out/properties/a")]),
        (record("a", a=TEXT), record("a", a=WHOLE), [("WIDENED", ("a",), "/out/properties/a")]),
        (record("a", "b", a=TEXT, b=TEXT), record("a", a=TEXT), [("REMOVED", ("b",), "/out/properties/b")]),
        (record(a=TEXT, b=TEXT), record(a=TEXT), [("REMOVED", ("b",), "/out/properties/b")]),
        (
            record(a=TEXT, b=record(c=TEXT)),
            record(a=TEXT),
            [("REMOVED", ("b",), "/out/properties/b")],
        ),
        (
            {"type": "array", "items": record(a=TEXT, b=TEXT)},
            {"type": "array", "items": record(a=TEXT)},
            [("REMOVED", ("*", "b"), "/out/items/properties/b")],
        ),
        (
            record(a={"enum": ["x"]}),
            record(a={"enum": ["x", "y"]}),
            [("WIDENED", ("a",), "/out/properties/a")],
        ),
        (TEXT, {"type": ["string", "null"]}, [("WIDENED", (), "/out")]),
    ],
)
def test_what_could_be_relied_on_and_no_longer_can(old: Any, new: Any, changes: list[Any]) -> None:
    assert output_changes(old, new) == changes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (record("a", a=TEXT), record("a", a=TEXT, b=TEXT)),
        ({**record("a", a=TEXT), "additionalProperties": False}, record("a", "b", a=TEXT, b=TEXT)),
        (record(a=TEXT), record("a", a=TEXT)),
        (record(a={"enum": ["x", "y"]}), record(a={"enum": ["x"]})),
        (record(a=TEXT), False),
    ],
)
def test_what_gives_as_much_or_more_breaks_nobody(old: Any, new: Any) -> None:
    assert output_changes(old, new) == []


def test_every_change_is_told_at_once_in_the_order_of_input_and_output() -> None:
    old = interface(record("a", a=TEXT), record("x", x=TEXT))
    new = interface(record("a", "b", a=WHOLE, b=TEXT), record("x", x=WHOLE))
    assert [change.message for change in breaking_changes(old, new)] == [
        "input.b must be given now",
        'input.a takes less than before: "" is not of type "integer"',
        'output.x gives more than before: 0 is not of type "string"',
    ]


def test_a_field_of_an_item_is_written_with_brackets() -> None:
    old = interface({"type": "array", "items": record(price=WHOLE)})
    new = interface({"type": "array", "items": record("price", price=WHOLE)})
    (change,) = breaking_changes(old, new)
    assert (change.message, change.counterexample) == ("input[].price must be given now", [{}])


def test_an_output_that_is_spelt_out_is_located_by_its_fields() -> None:
    old = interface(None, record("a", a=record("b", b=TEXT)), spells_output=True)
    new = interface(None, record("a", a=record("b", b=WHOLE)), spells_output=True)
    (change,) = breaking_changes(old, new)
    assert change.pointer == "/out/a/b"


def test_a_field_of_a_recursive_schema_is_named_where_it_first_stands() -> None:
    old = record(next={"$ref": "#"}, n={})
    new = record(next={"$ref": "#"}, n=TEXT)
    assert ("NARROWED", ("n",), "/in/properties/n") in input_changes(old, new)
    assert input_changes(new, new) == []


def test_what_no_demand_of_a_recursive_schema_shows_is_told_of_the_whole() -> None:
    def list_of(items: Any) -> dict[str, Any]:
        return {"type": "array", "minItems": 1, "items": items}

    tree = {"type": "array", "items": {"anyOf": [WHOLE, {"$ref": "#/$defs/tree"}]}}
    new = {"$ref": "#/$defs/tree", "$defs": {"tree": tree}}
    assert input_changes(list_of(list_of(list_of(TEXT))), new) == [("NARROWED", (), "/in")]


def test_a_demand_that_says_more_than_its_recursive_schema_is_no_change() -> None:
    recursive = {"not": {"type": "array", "minItems": 1, "items": {"$ref": "#"}}}
    assert breaking_changes(interface({"type": "string"}), interface(recursive)) == ()


def test_what_cannot_be_decided_is_no_change() -> None:
    old = {"type": "string", "pattern": "^(a|b)*a(a|b){20}$"}
    new = {"type": "string", "pattern": "^(a|b)*b(a|b){19}$"}
    assert isinstance(compare(old, new), Unknown)
    assert breaking_changes(interface(old), interface(new)) == ()


@given(SCHEMAS, SCHEMAS)
def test_a_counterexample_was_taken_and_is_not_any_more(old: Any, new: Any) -> None:
    if check(old) or check(new):
        return
    for change in breaking_changes(interface(old), interface(new)):
        assert compile_validator(old).is_valid(change.counterexample)
        assert not compile_validator(new).is_valid(change.counterexample)


@given(SCHEMAS)
def test_what_meets_a_schema_meets_every_demand_of_it(schema: Any) -> None:
    if check(schema) or "$ref" in str(schema):
        return
    every = [demand.schema for demand in demands(schema)]
    for value in VALUES:
        meets = all(compile_validator(one).is_valid(value) for one in every)
        assert meets is compile_validator(schema).is_valid(value)


@given(SCHEMAS)
def test_a_closed_schema_takes_no_more_than_the_open_one(schema: Any) -> None:
    if check(schema) or "$ref" in str(schema):
        return
    for value in VALUES:
        if compile_validator(closed(schema)).is_valid(value):
            assert compile_validator(schema).is_valid(value)


def test_a_task_takes_and_gives_what_its_schemas_say() -> None:
    task = make_task("t", {"type": "transform", "inputSchema": TEXT, "outputSchema": WHOLE, "value": 1})
    found = task_interface(task)
    assert (found.input, found.output) == (TEXT, WHOLE)
    assert (found.input_pointer, found.output_pointer) == ("/spec/inputSchema", "/spec/outputSchema")
    assert task_interface(make_task("t", {"type": "transform", "value": 1})).input == {}


def test_a_workflow_takes_what_it_says_and_gives_what_is_inferred() -> None:
    steps = [{"id": "a", "taskRef": "t"}]
    found = workflow_interface(make_workflow("w", {"tasks": steps, "input": TEXT}), WHOLE)
    assert (found.input, found.output, found.spells_output) == (TEXT, WHOLE, True)
    assert workflow_interface(make_workflow("w", {"tasks": steps}), WHOLE).input == {}
