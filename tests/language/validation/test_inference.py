"""What a value is said to be, against what it is when its templates are evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from tenantry.language.schemas import UNTYPED, check, compile_validator
from tenantry.language.templates import Scope, TemplateError, compile_value
from tenantry.language.validation.inference import infer
from tests.support.comparing import VALUES
from tests.support.knowledge import TEMPLATED, references_to
from tests.support.schemas import SCHEMAS

if TYPE_CHECKING:
    from tenantry.language.values import Json


@given(SCHEMAS.filter(lambda schema: not check(schema)), TEMPLATED)
def test_what_templates_give_is_what_they_are_said_to_give(schema: Any, value: Json) -> None:
    said = compile_validator(infer(value, "/spec/output", references_to(schema)))
    evaluate = compile_value(value)
    for input_ in filter(compile_validator(schema).is_valid, VALUES):
        try:
            result = evaluate(Scope(input=input_))
        except TemplateError:
            continue
        assert said.is_valid(result), (input_, result)


TIER = {"enum": ["free", "pro"]}
_A_IS_TEXT: dict[str, Any] = {"properties": {"a": {"type": "string"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        (True, "plain", {"const": "plain"}),
        (True, "{{'{{'}}", {"const": "{{"}),
        (True, [], {"const": []}),
        (TIER, "{{input}}", TIER),
        (TIER, "{{input}}-{{input}}", {"enum": ["free-free", "free-pro", "pro-free", "pro-pro"]}),
        ({"type": "boolean"}, "is {{input}}", {"enum": ["is false", "is true"]}),
        ({"const": None}, "<{{input}}>", {"const": "<>"}),
        ({"const": 1}, "n{{input}}", {"type": "string", "minLength": 1, "pattern": r"^n[\s\S]*$"}),
        (
            {"type": "object", "properties": {"t": TIER, "s": {}}, "required": ["t", "s"]},
            "(a.b) {{input.t}}: {{input.s}}",
            {"type": "string", "minLength": 11, "pattern": r"^\(a\.b\) (?:free|pro): [\s\S]*$"},
        ),
        (True, "x" * 600 + "{{input}}", {"type": "string", "minLength": 600}),
        (True, "{{input.}} {{input}}", UNTYPED),
        ({"enum": []}, "never {{input}}", False),
        ({**_A_IS_TEXT, "type": "object"}, "{{input.a ?? 1}}", {"type": "string"}),
        (_A_IS_TEXT, "{{input.a ?? 1}}", {"anyOf": [{"const": 1}, {"type": "string"}]}),
    ],
)
def test_a_text_is_known_as_far_as_its_parts_are(schema: Any, value: Json, said: Any) -> None:
    assert infer(value, "", references_to(schema)) == said
