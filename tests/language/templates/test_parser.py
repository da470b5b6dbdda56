"""Parsing templates: what they may say, where mistakes are, and that printing a template loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tenantry.language.templates import (
    Reference,
    Template,
    TemplateSyntaxError,
    parse_template,
    references,
    scan,
)
from tests.support.templates import REFERENCES, TEMPLATES

if TYPE_CHECKING:
    from tenantry.language.values import Json


@given(TEMPLATES)
def test_a_printed_template_parses_to_an_equal_one(template: Template) -> None:
    assert parse_template(str(template)) == template


@given(REFERENCES)
def test_offset_and_length_say_where_the_path_stands(reference: Reference) -> None:
    text = f"before {reference} after"
    (found,) = parse_template(text).references

    assert text[found.offset : found.offset + found.length] == reference.path_text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{{input}}", ("input",)),
        ("{{ input.userId }}", ("input", "userId")),
        ("{{tasks.fetch-user.output.items[0].name}}", ("tasks", "fetch-user", "output", "items", 0, "name")),
        ("{{tasks['a b'].output}}", ("tasks", "a b", "output")),
        ('{{input["it\'s"]}}', ("input", "it's")),
        ("{{input['\\'\\\\\\n']}}", ("input", "'\\\n")),
        ("{{tasks.user.status}}", ("tasks", "user", "status")),
        ("{{input.größe}}", ("input", "größe")),
        ("{{workflow.name}}", ("workflow", "name")),
        ("{{execution.id}}", ("execution", "id")),
        ("{{tenant.name}}", ("tenant", "name")),
        ("{{secrets.TOKEN}}", ("secrets", "TOKEN")),
    ],
)
def test_a_path_is_a_root_and_steps(text: str, path: tuple[str | int, ...]) -> None:
    whole = parse_template(text).whole

    assert whole is not None
    assert (whole.root, *whole.path) == path


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("{{input.a ?? 'none'}}", "none"),
        ('{{input.a??"x"}}', "x"),
        ("{{input.a ?? -1.5e2}}", -150.0),
        ("{{input.a ?? 0}}", 0),
        ("{{input.a ?? true}}", True),
        ("{{input.a ?? null}}", None),
        ("{{input.a ?? []}}", []),
        ("{{input.a ?? {}}}", {}),
        ("{{input.a ?? [1, 'b', [null]] }}", [1, "b", [None]]),
        ("{{input.a ?? {'k': {\"l\" : 1}, 'm': 2}}}", {"k": {"l": 1}, "m": 2}),
        ("{{input.a ?? '}}'}}", "}}"),
    ],
)
def test_a_default_is_a_json_literal(text: str, default: object) -> None:
    whole = parse_template(text).whole

    assert whole is not None
    assert whole.default == default


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("no template }} here", ("no template }} here",)),
        ("{{'{{'}}input}}", ("{{input}}",)),
        ("a {{ 'b' }} c", ("a b c",)),
        ("{'a'}", ("{'a'}",)),
    ],
)
def test_a_text_without_paths_is_only_text(text: str, parts: tuple[str, ...]) -> None:
    template = parse_template(text)

    assert template.parts == parts
    assert template.whole is None
    assert template.references == ()


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("{{", 2, "expected a path"),
        ("{{}}", 2, "expected a path"),
        ("ab {{ 1 }}", 6, "expected a path"),
        ("{{input", 7, "expected '}}'"),
        ("{{input}", 7, "expected '}}'"),
        ("{{input.}}", 8, "expected a field after '.'"),
        ("{{input.0}}", 8, "a field after '.'"),
        ("{{input[-1]}}", 8, "an index from 0"),
        ("{{input[x]}}", 8, "expected a field in quotes or an index from 0, such as ['name'] or [0]"),
        ("{{input['a'}}", 11, "expected ']'"),
        ("{{input['a]}}", 8, "the string is not closed"),
        ("{{'a}}", 2, "the string is not closed"),
        ("{{'a\\x'}}", 4, "unknown escape"),
        ("{{input.a | upper}}", 10, "expected '}}'"),
        ("{{input.a ?? }}", 13, "expected a text in quotes"),
        ("{{input.a ?? input.b}}", 13, "not 'input'; a path stands in"),
        ("{{input.a ?? [1 2]}}", 16, "expected ',' or ']'"),
        ("{{input.a ?? {a: 1}}}", 14, "expected a field in quotes"),
        ("{{input.a ?? {'a' 1}}}", 18, "expected ':'"),
        ("{{input.a ?? {'a': 1 'b'}}}", 21, "expected ',' or '}'"),
        ("{{input.a ?? 99999999999999999999}}", 13, "does not fit in 64 bits"),
        ("{{input.a ?? " + "[" * 66, 78, "nested deeper than 64"),
        ("{{inputs.a}}", 2, "a path begins with input, tasks"),
        ("{{tasks}}", 2, "the id of a task"),
        ("{{tasks[0].output}}", 7, "the id of a task"),
        ("{{tasks.user}}", 8, "tasks.user has output, status or forEach"),
        ("{{tasks.user.outptu.id}}", 13, "has output, status or forEach, not 'outptu'"),
        ("{{tasks.user.status.x}}", 20, "has no fields"),
        ("{{workflow}}", 2, "workflow has name"),
        ("{{workflow.id}}", 11, "workflow has name, not 'id'"),
        ("{{execution.id[0]}}", 14, "has no fields"),
        ("{{secrets}}", 2, "the name of a secret"),
        ("{{secrets[0]}}", 9, "the name of a secret"),
        ("{{secrets.A.b}}", 12, "has no fields"),
    ],
)
def test_a_mistake_is_refused_at_its_character(text: str, offset: int, message: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        parse_template(text)

    assert message in caught.value.message
    assert caught.value.offset == offset


def test_a_mistake_suggests_the_nearest_name() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        parse_template("{{inptu.a}}")

    assert caught.value.suggestion == "did you mean 'input'?"


def test_a_scan_finds_every_reference_with_its_pointer_in_the_order_of_the_document() -> None:
    value: Json = {"a/b": ["{{input.x}}", 1, {"c~": "{{input.y}} and {{input.z}}"}], "{{input.key}}": True}

    found = scan(value, "/spec")

    assert [(pointer, reference.path_text) for pointer, reference in found.references] == [
        ("/spec/a~1b/0", "input.x"),
        ("/spec/a~1b/2/c~0", "input.y"),
        ("/spec/a~1b/2/c~0", "input.z"),
    ]
    assert found.errors == ()
    assert tuple(references(value, "/spec")) == found.references


def test_a_scan_reports_every_mistake_and_still_finds_what_is_right() -> None:
    found = scan({"a": "{{inptu.x}} {{input.y}} {{tasks.z}}", "b": "{{input"})

    assert [(pointer, error.offset) for pointer, error in found.errors] == [("/a", 2), ("/a", 32), ("/b", 7)]
    assert [reference.path_text for _, reference in found.references] == ["input.y"]


def test_a_scan_of_endless_mistakes_ends_after_a_hundred() -> None:
    assert len(scan("{{a}}" * 1000).errors) == 100
    assert len(scan(["{{a}}"] * 1000).errors) == 100


def test_a_text_holds_at_most_a_thousand_templates() -> None:
    text = "{{input.a}}" * 1000

    assert len(parse_template(text).references) == 1000
    with pytest.raises(TemplateSyntaxError) as caught:
        parse_template(text + "{{input.a}}")
    assert (caught.value.message, caught.value.offset) == ("a text holds at most 1000 templates", len(text))
    assert len(scan(text * 60).errors) == 1
