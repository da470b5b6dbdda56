"""Compiled templates: that they give what a naive interpreter gives, and stay data within bounds."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import pytest
from hypothesis import given

from tenantry.language.templates import (
    Reference,
    Scope,
    Template,
    TemplateError,
    TemplateSyntaxError,
    compile_value,
)
from tenantry.language.templates.paths import compile_reference
from tests.support.json_values import JSON_VALUES
from tests.support.templates import REFERENCES, SCOPES, TEMPLATES

if TYPE_CHECKING:
    from tenantry.language.values import Json

ABSENT = object()


def read(reference: Reference, scope: Scope) -> Any:
    """The reference's value step by step, or `ABSENT`: the model of `compile_reference`."""
    roots: dict[str, Any] = {
        "input": scope.input,
        "tasks": {
            task: {
                "output": scope.outputs.get(task, ABSENT),
                "status": scope.statuses.get(task, ABSENT),
            }
            for task in {*scope.outputs, *scope.statuses}
        },
        "workflow": {"name": scope.workflow_name},
        "execution": {"id": scope.execution_id},
        "tenant": {"name": scope.tenant_name},
        "secrets": dict(scope.secrets),
    }
    value = reduce(step, reference.path, roots[reference.root])
    if reference.default is not msgspec.UNSET and (value is ABSENT or value is None):
        return reference.default
    return value


def step(value: Any, key: str | int) -> Any:
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key, ABSENT)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return ABSENT


def text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def evaluated(function: Any, scope: Scope) -> Any:
    try:
        return function(scope)
    except TemplateError:
        return ABSENT


@given(REFERENCES, SCOPES)
def test_a_compiled_reference_gives_what_the_model_reads(reference: Reference, scope: Scope) -> None:
    assert evaluated(compile_reference(reference), scope) == read(reference, scope)


@given(TEMPLATES, SCOPES)
def test_a_compiled_text_gives_what_the_model_renders(template: Template, scope: Scope) -> None:
    values = [part if isinstance(part, str) else read(part, scope) for part in template.parts]
    joined = ABSENT if ABSENT in values else "".join(map(text_of, values))
    expected = values[0] if template.whole else joined

    assert evaluated(compile_value(str(template)), scope) == expected


@given(JSON_VALUES)
def test_a_value_is_never_parsed_as_a_template_again(value: Any) -> None:
    scope = Scope(input={"text": "{{secrets.KEY}}", "value": value}, secrets={"KEY": "s3cret"})
    source: Json = {"whole": "{{input.text}}", "in": "a {{input.text}}", "value": "{{input.value}}"}

    result = compile_value(source)(scope)

    assert result == {"whole": "{{secrets.KEY}}", "in": "a {{secrets.KEY}}", "value": value}


@given(JSON_VALUES)
def test_a_value_without_templates_is_itself(value: Any) -> None:
    quoted = orjson.loads(orjson.dumps(value).replace(b"{{", b"{ {"))

    assert compile_value(quoted)(Scope(input=None)) == quoted


def test_templates_are_found_at_any_depth_and_keep_their_types() -> None:
    source: Json = {
        "id": "{{tasks.user.output.id[0]}}",
        "list": [{"n": "{{input.n}}", "is": True}, "n={{input.n}}"],
    }
    scope = Scope(input={"n": 1.5}, outputs={"user": {"id": [7]}})

    assert compile_value(source)(scope) == {"id": 7, "list": [{"n": 1.5, "is": True}, "n=1.5"]}


def test_keys_are_never_templates() -> None:
    assert compile_value({"{{input.a}}": 1})(Scope(input={"a": "x"})) == {"{{input.a}}": 1}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("<{{input.null}}>", "<>"),
        ("<{{input.yes}}>", "<true>"),
        ("<{{input.no}}>", "<false>"),
        ("<{{input.int}}>", "<12>"),
        ("<{{input.float}}>", "<1.0>"),
        ("<{{input.list}}>", '<[1,"a",null]>'),
        ("<{{input.object}}>", '<{"k":"v"}>'),
        ("<{{'{{'}}{{input.int}}>", "<{{12>"),
        ("{{'{{input.int}}'}}", "{{input.int}}"),
    ],
)
def test_inside_a_longer_text_a_value_becomes_text(text: str, rendered: str) -> None:
    scope = Scope(
        input={
            "null": None,
            "yes": True,
            "no": False,
            "int": 12,
            "float": 1.0,
            "list": [1, "a", None],
            "object": {"k": "v"},
        }
    )

    assert compile_value(text)(scope) == rendered


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("{{input.b}}", "input.b", "there is no 'b'"),
        ("{{input.text.b}}", "input.text.b", "'b' is a field of an object, and this is string"),
        ("{{input.none.b}}", "input.none.b", "'b' is a field of an object, and this is null"),
        ("{{input.list.b}}", "input.list.b", "'b' is a field of an object, and this is array"),
        ("{{input.list[1]}}", "input.list[1]", "there is no item 1 in a list of 1"),
        ("{{input.text[0]}}", "input.text[0]", "[0] needs an array, and this is string"),
        ("{{input[0]}}", "input[0]", "[0] needs an array, and this is object"),
        ("{{tasks.user.output.id}}", "tasks.user.output.id", "there is no 'user'"),
        ("{{tasks.user.status}}", "tasks.user.status", "there is no 'user'"),
        ("{{secrets.TOKEN}}", "secrets.TOKEN", "there is no 'TOKEN'"),
    ],
)
def test_a_path_to_nothing_says_which_step_and_why(text: str, path: str, reason: str) -> None:
    scope = Scope(input={"text": "secret", "none": None, "list": [1]})

    with pytest.raises(TemplateError) as caught:
        compile_value({"a": f"x{text}"})(scope)

    assert (caught.value.path, caught.value.reason) == (path, reason)
    assert "secret" not in str(caught.value).replace("secrets.", "")


def test_a_mistake_is_refused_when_compiling() -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_value({"a": ["{{oops}}"]})


def test_one_value_named_many_times_does_not_become_a_text_out_of_all_proportion() -> None:
    text = compile_value("{{input}}" * 20)

    with pytest.raises(TemplateError, match="more than 8388608 characters"):
        text(Scope(input="x" * 1_000_000))
    assert len(str(text(Scope(input="x" * 400_000)))) == 8_000_000


@pytest.mark.parametrize("value", [["x" * 1_000_000], "x" * 1_000_000, {"k": {"l": "x" * 1_000_000}}])
def test_one_value_named_many_times_does_not_become_a_value_out_of_all_proportion(value: Any) -> None:
    list_of = compile_value(["{{input}}"] * 20)

    with pytest.raises(TemplateError, match="more than 8388608 bytes"):
        list_of(Scope(input=value))


def test_a_value_doubled_in_every_step_of_a_chain_is_stopped() -> None:
    double = compile_value({"left": "{{input}}", "right": "{{input}}"})

    with pytest.raises(TemplateError, match="takes more than"):
        reduce(lambda value, _: double(Scope(input=value)), range(64), None)


def test_a_value_wrapped_in_every_step_of_a_chain_can_always_be_written() -> None:
    wrap = compile_value({"inner": "{{input}}"})

    def wrap_and_write(value: Any, _: int) -> Any:
        return orjson.loads(orjson.dumps(wrap(Scope(input=value))))

    with pytest.raises(TemplateError, match="cannot be written as JSON"):
        reduce(wrap_and_write, range(300), None)


def test_a_value_too_deep_to_be_written_has_no_text() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]

    with pytest.raises(TemplateError, match="input: cannot be written"):
        compile_value("a {{input}}")(Scope(input=deep))
