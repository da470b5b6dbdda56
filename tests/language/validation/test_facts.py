"""What is known when a condition is true or false, against what is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from tenantry.language.schemas import check, compile_validator
from tenantry.language.templates import (
    Reference,
    Scope,
    TemplateError,
    compile_condition,
    compile_value,
    parse_condition,
)
from tenantry.language.validation.facts import Fact, facts_when
from tenantry.language.validation.inference import infer
from tests.support.comparing import VALUES
from tests.support.knowledge import CONDITIONS, TEMPLATED, references_to
from tests.support.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.validation.facts import Path
    from tenantry.language.values import Json


def known(condition: str, *, truth: bool) -> dict[Path, Fact]:
    return dict(facts_when(parse_condition(condition).expression, truth=truth))


def answers(condition: str, values: Iterable[Json]) -> Iterator[tuple[Json, bool]]:
    """The inputs for which the condition has an answer, with the answer."""
    predicate = compile_condition(parse_condition(condition))
    for value in values:
        try:
            yield value, predicate(Scope(input=value))
        except TemplateError:
            continue


@given(CONDITIONS)
def test_what_is_known_is_so(condition: str) -> None:
    judges = {
        truth: [
            (path[1:], fact.present, compile_validator(fact.schema))
            for path, fact in known(condition, truth=truth).items()
        ]
        for truth in (True, False)
    }
    for value, truth in answers(condition, VALUES):
        for path, present, judge in judges[truth]:
            try:
                found = compile_value("{{" + Reference(root="input", path=path).path_text + "}}")(
                    Scope(input=value)
                )
            except TemplateError:
                assert not present, (value, path)
            else:
                assert judge.is_valid(found), (value, path)


@given(SCHEMAS.filter(lambda schema: not check(schema)), CONDITIONS, TEMPLATED)
def test_what_templates_give_after_a_condition_is_what_they_are_said_to_give(
    schema: Any, condition: str, value: Json
) -> None:
    said = {
        truth: compile_validator(infer(value, "", references_to(schema, known(condition, truth=truth))))
        for truth in (True, False)
    }
    evaluate = compile_value(value)
    for input_, truth in answers(condition, filter(compile_validator(schema).is_valid, VALUES)):
        try:
            result = evaluate(Scope(input=input_))
        except TemplateError:
            continue
        assert said[truth].is_valid(result), (input_, result)


@pytest.mark.parametrize(
    ("condition", "truth", "said"),
    [
        ("{{input.a}} != null", True, {"type": "string"}),
        ("{{input.a}} == null", False, {"type": "string"}),
        ("null != {{input.a}}", True, {"type": "string"}),
        ("!({{input.a}} == null)", True, {"type": "string"}),
        ("{{input.a}} != null && {{input.b}}", True, {"type": "string"}),
        ("{{input.a}} == null || {{input.b}}", False, {"type": "string"}),
        ("{{input.a ?? null}} != null", True, {"type": "string"}),
        ("{{input.a}} == 'x'", True, {"enum": ["x"]}),
        ("{{input.a}} in ['x', 'y', 5, []]", True, {"enum": ["x", "y"]}),
        ("{{input.a ?? 'none'}} == 'x'", True, {"enum": ["x"]}),
        ("{{input.a}} == null", True, {"enum": [None]}),
        ("{{input.a}} == 'x' || {{input.a}} == 'y'", True, {"enum": ["x", "y"]}),
        ("{{input.a}} != null || {{input.b}}", True, {"type": ["string", "null"]}),
    ],
)
def test_a_condition_narrows_what_is_read_after_it(condition: str, said: Any, *, truth: bool) -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "boolean"}},
    }

    found = infer("{{input.a}}", "", references_to(schema, known(condition, truth=truth)))

    assert found == said


SCALARS = ["boolean", "null", "number", "string"]


@pytest.mark.parametrize(
    ("condition", "truth", "said"),
    [
        ("{{input}} == 'x'", True, {"const": "x"}),
        ("{{input}} == 'x'", False, {"type": ["string", "null"], "not": {"const": "x"}}),
        ("{{input}} != 5", True, {"type": ["number", "null"], "not": {"const": 5}}),
        ("{{input}} != 5", False, {"const": 5}),
        ("{{input}} < 5", True, {"type": "number", "exclusiveMaximum": 5}),
        ("{{input}} < 5", False, {"type": "number", "minimum": 5}),
        ("5 <= {{input}}", True, {"type": "number", "minimum": 5}),
        ("5 <= {{input}}", False, {"type": "number", "exclusiveMaximum": 5}),
        ("{{input}} > 'm'", True, {"type": "string"}),
        ("{{input}} in ['x', null]", True, {"enum": ["x", None]}),
        ("{{input}} in ['x', [1]]", False, {"type": SCALARS, "not": {"enum": ["x"]}}),
        ("{{input}} in [[1]]", True, {"type": SCALARS}),
        ("{{input}} in [[1]]", False, {"type": SCALARS}),
        ("'x' in {{input}}", True, {"type": "array", "contains": {"const": "x"}}),
        ("'x' in {{input}}", False, {"type": "array"}),
    ],
)
def test_a_comparison_says_all_there_is_to_know(condition: str, said: Any, *, truth: bool) -> None:
    assert known(condition, truth=truth)[("input",)].schema == said


@pytest.mark.parametrize(
    ("condition", "present"),
    [
        ("{{input.a}} == {{input.b}}", {"a", "b"}),
        ("{{input.a}} == {{input.b ?? 1}}", {"a"}),
        ("{{input.a ?? 1}} == {{input.b}}", {"b"}),
        ("!({{input.a}} == {{input.b}}) || {{input.c}}", {"a", "b"}),
        ("{{input.a}} == 1 || {{input.a ?? 2}} == 2", {"a"}),
        ("{{input.a ?? 2}} == 2 || {{input.a}} == 1", set()),
    ],
)
def test_what_had_to_be_read_is_there(condition: str, present: set[str]) -> None:
    facts = known(condition, truth=True)

    assert {path[1] for path, fact in facts.items() if len(path) == 2 and fact.present} == present


def test_a_field_that_was_read_is_there_and_so_is_what_it_stands_in() -> None:
    facts = known("{{input.a.b}} > 3", truth=True)

    assert all(fact.present for fact in facts.values())
    assert set(facts) == {("input",), ("input", "a"), ("input", "a", "b")}
    assert facts[("input", "a", "b")].schema == {"type": "number", "exclusiveMinimum": 3}


def test_a_choice_between_kinds_of_objects_is_followed() -> None:
    card = {"properties": {"kind": {"const": "card"}, "number": {"type": "integer"}}}
    cash = {"properties": {"kind": {"const": "cash"}, "number": {"type": "null"}}}
    schema = {"oneOf": [{**kind, "type": "object", "required": ["kind", "number"]} for kind in (card, cash)]}

    said = infer("{{input}}", "", references_to(schema, known("{{input.kind}} == 'card'", truth=True)))

    assert compile_validator(said).is_valid({"kind": "card", "number": 1})
    assert not compile_validator(said).is_valid({"kind": "cash", "number": None})


@pytest.mark.parametrize(
    "condition",
    [
        "{{workflow.name}} == 'x'",
        "true",
        "(" * 9 + "{{input.a}} == 1" + " && true)" * 9,
    ],
)
def test_nothing_is_known_of_what_does_not_change_and_of_what_is_too_deep(condition: str) -> None:
    assert known(condition, truth=True) == {}


def test_of_a_value_that_is_asked_hundreds_of_things_some_are_known() -> None:
    facts = known(" && ".join(f"{{{{input}}}} != {number}" for number in range(400)), truth=True)

    assert len(facts[("input",)].schema["allOf"]) == 16


@pytest.mark.parametrize(("count", "is_gone_through"), [(100, True), (200, False)])
def test_of_many_values_it_is_not_said_which_are_left(*, count: int, is_gone_through: bool) -> None:
    schema = {"enum": list(range(count))}
    facts = facts_when(parse_condition("{{input}} != 5").expression, truth=True)

    left = infer("{{input}}", "", references_to(schema, facts))

    assert (left == {"enum": [number for number in range(count) if number != 5]}) is is_gone_through
    assert compile_validator(left).is_valid(4)
    assert not compile_validator(left).is_valid(5)
