"""Dry runs: what is known is resolved, what is not is shown as written, and secrets are masked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tenantry.language.plan.compile import compile_workflow
from tenantry.language.plan.preview import preview
from tests.support.definitions import make_task, make_workflow
from tests.support.plans import http, make_plan


def steps_of(
    steps: list[dict[str, Any]], value: Any, **requests: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """The previewed steps by id; each task is an HTTP request, or an identity when it has none."""
    tasks = {
        name: make_task(name, {"type": "http", "request": request}) for name, request in requests.items()
    }
    tasks["same"] = make_task("same", {"type": "transform", "expression": "@"})
    plan = compile_workflow(make_workflow("flow", {"tasks": steps}), tasks, version=1, digest="")
    return {step["id"]: step for step in preview(plan, value, tenant="acme")["steps"]}


def test_the_order_is_shown() -> None:
    tasks = {name: make_task(name, {"type": "transform", "expression": "@"}) for name in ("one", "two")}
    workflow = make_workflow(
        "flow",
        {
            "tasks": [
                {"id": "b", "taskRef": "two", "input": "{{tasks.a.output}}", "condition": {"if": "true"}},
                {"id": "a", "taskRef": "one"},
                {"id": "c", "taskRef": "two"},
            ]
        },
    )
    shown = preview(compile_workflow(workflow, tasks, version=1, digest=""), None, tenant="acme")

    assert shown == {
        "steps": [
            {
                "id": "b",
                "task": "two",
                "type": "transform",
                "group": 1,
                "dependencies": ["a"],
                "condition": "true",
                "input": "{{tasks.a.output}}",
            },
            {
                "id": "a",
                "task": "one",
                "type": "transform",
                "group": 0,
                "dependencies": [],
                "condition": None,
                "input": {},
            },
            {
                "id": "c",
                "task": "two",
                "type": "transform",
                "group": 0,
                "dependencies": [],
                "condition": None,
                "input": {},
            },
        ],
        "edges": [{"from": "a", "to": "b"}],
        "groups": [["a", "c"], ["b"]],
        "order": ["a", "c", "b"],
    }


def test_a_request_is_resolved_as_far_as_it_is_known() -> None:
    request = {
        "method": "POST",
        "url": "https://h/users/{{input.id}}/{{input.later}}?w={{workflow.name}}",
        "headers": {"X-Tenant": "{{tenant.name}}", "X-Execution": "e {{execution.id}}"},
        "query": {"n": "{{input.number}}", "l": ["{{input.later}}"]},
        "body": {
            "id": "{{input.id}}",
            "text": "{{input.later}} and {{input.number}}",
            "gone": "{{input.gone}}",
        },
    }
    inputs = {"id": "{{input.user}}", "number": "{{input.number}}", "later": "{{tasks.first.output.x ?? 1}}"}
    steps: list[dict[str, Any]] = [
        {"id": "first", "taskRef": "same"},
        {"id": "call", "taskRef": "call", "input": inputs},
    ]

    step = steps_of(steps, {"user": "a/b", "number": 7}, call=request)["call"]

    later = "{{tasks.first.output.x ?? 1}}"
    assert step["type"] == "http"
    assert step["input"] == {"id": "a/b", "number": 7, "later": later}
    assert step["request"] == {
        "method": "POST",
        "url": f"https://h/users/a%2Fb/{later}?w=flow",
        "headers": {"X-Tenant": "acme", "X-Execution": "e {{execution.id}}"},
        "query": {"n": 7, "l": [later]},
        "body": {"id": "a/b", "text": f"{later} and 7", "gone": "{{input.gone}}"},
    }


def test_secrets_are_masked_wherever_they_flow() -> None:
    request = {
        "url": "https://h/{{input.token}}/{{secrets.KEY}}",
        "headers": {
            "authorization": "Bearer {{input.user}}",
            "Cookie": "a=1",
            "X-Api-Key": "k",
            "Proxy-Authorization": "Basic x",
            "X-Signature": "v1={{secrets.KEY}}",
        },
        "body": ["{{input.token}}", "{{secrets.KEY}}"],
    }
    steps = [{"id": "call", "taskRef": "call", "input": {"token": "{{secrets.TOKEN}}", "user": "ann"}}]

    step = steps_of(steps, {}, call=request)["call"]

    assert step["input"] == {"token": "***", "user": "ann"}
    assert step["request"]["url"] == "https://h/***/***"
    assert step["request"]["headers"] == {
        "authorization": "***",
        "Cookie": "***",
        "X-Api-Key": "***",
        "Proxy-Authorization": "***",
        "X-Signature": "v1=***",
    }
    assert step["request"]["body"] == ["***", "***"]


@pytest.mark.parametrize("bound", ["{{tasks.first.output}}", {"deep": "{{tasks.first.output}}"}])
def test_behind_what_is_unknown_not_even_a_default_is_known(bound: Any) -> None:
    request = {
        "url": "https://h/",
        "body": "{{input.deep.er ?? 'default'}}",
        "headers": {"X-W": "{{workflow.name}}"},
    }
    steps = [{"id": "first", "taskRef": "same"}, {"id": "call", "taskRef": "call", "input": bound}]

    shown = steps_of(steps, None, call=request)["call"]["request"]

    assert shown["body"] == "{{input.deep.er ?? 'default'}}"
    assert shown["headers"] == {"X-W": "flow"}


def test_a_default_is_shown_where_it_is_known() -> None:
    request = {"url": "https://h/{{input.deep.er ?? 'default'}}"}

    shown = steps_of([{"id": "call", "taskRef": "call", "input": {"deep": {}}}], None, call=request)["call"]

    assert shown["request"]["url"] == "https://h/default"


def test_a_value_is_not_shown_out_of_all_proportion() -> None:
    steps = [{"id": f"s{number}", "taskRef": "same", "input": "{{input}}"} for number in range(20)]

    shown = [step["input"] for step in steps_of(steps, "x" * 1_000_000).values()]

    assert shown[0] == "x" * 1_000_000
    assert shown[-1] == "{{input}}"


def test_a_preview_is_json() -> None:
    steps: list[dict[str, Any]] = [
        {"id": "call", "taskRef": "call", "input": {"a": "{{secrets.A}}", "b": "{{tasks.same.output}}"}},
        {"id": "same", "taskRef": "same"},
    ]
    shown = steps_of(steps, {}, call={"url": "https://h/{{input.a}}/{{input.b}}"})

    assert orjson.loads(orjson.dumps(shown)) == shown


def test_a_plan_made_without_a_document_has_no_request_to_show() -> None:
    (step,) = preview(make_plan({"a": []}, tasks={"a": http("https://h/")}), {}, tenant="acme")["steps"]

    assert step["type"] == "http"
    assert "request" not in step
