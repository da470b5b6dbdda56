"""What a fallback may rely on: it also stands in for an `else`, which is done when the condition is false."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.documents.parsing import load_document
from tenantry.language.validation import Library, validate_workflow
from tests.support.definitions import make_task

TAKES = make_task(
    "takes",
    {
        "type": "transform",
        "inputSchema": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
        "value": 1,
    },
)
INPUT = {
    "type": "object",
    "required": ["maybe", "list"],
    "properties": {
        "maybe": {"type": ["integer", "null"]},
        "list": {"type": "array", "items": {"type": ["integer", "null"]}},
    },
}
ELSE = {"else": {"taskRef": "takes", "input": {"n": 2}}}


def codes(step: dict[str, Any]) -> list[str]:
    raw = {
        "apiVersion": "workflow.io/v1",
        "kind": "Workflow",
        "metadata": {"name": "w"},
        "spec": {"input": INPUT, "tasks": [{"id": "a", "taskRef": "takes", "input": {"n": 1}, **step}]},
    }
    return [
        finding.code for finding in validate_workflow(load_document(raw), Library(tasks={"takes": TAKES}))[1]
    ]


def reading(path: str) -> dict[str, Any]:
    return {"fallback": {"taskRef": "takes", "input": {"n": f"{{{{{path}}}}}"}}}


@pytest.mark.parametrize(("otherwise", "expected"), [({}, []), (ELSE, ["WF302"])])
def test_what_the_condition_says_holds_for_a_fallback_only_without_an_else(
    otherwise: dict[str, Any], expected: list[str]
) -> None:
    once = {"condition": {"if": "{{input.maybe}} != null", **otherwise}, **reading("input.maybe")}
    assert codes(once) == expected
    each = {
        "forEach": {"items": "{{input.list}}"},
        "condition": {"if": "{{forEach.item}} != null", **otherwise},
        **reading("forEach.item"),
    }
    assert codes(each) == expected


@pytest.mark.parametrize("otherwise", [{}, ELSE])
def test_the_fallback_of_an_item_is_not_that_of_the_loop_s_else(otherwise: dict[str, Any]) -> None:
    loop = {
        "forEach": {"items": "{{input.list}}"},
        "condition": {"if": "{{input.maybe}} != null", **otherwise},
        **reading("input.maybe"),
    }
    assert codes(loop) == []
