"""Dry runs: what is known is resolved, what is not is shown as written, and secrets are masked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.plan.preview import FIRST_ITEMS, preview
from tests.support.definitions import make_task, make_workflow
from tests.support.plans import http, make_plan

SAME: dict[str, Any] = {"type": "transform", "expression": "@"}


def preview_of(
    steps: list[dict[str, Any]],
    value: Any,
    *,
    children: dict[str, list[dict[str, Any]]] | None = None,
    **requests: dict[str, Any],
) -> dict[str, Any]:
    """The preview; each task is an HTTP request, or an identity when it has none."""
    specs = {name: {"type": "http", "request": request} for name, request in requests.items()}
    tasks = {name: compile_task(make_task(name, spec), "") for name, spec in {"same": SAME, **specs}.items()}
    workflows = {
        name: compile_workflow(make_workflow(name, {"tasks": inner}), tasks, version=2, digest="")
        for name, inner in (children or {}).items()
    }
    workflow = make_workflow("flow", {"tasks": steps})
    return preview(compile_workflow(workflow, tasks, workflows, version=1, digest=""), value, tenant="acme")


def nodes_of(steps: list[dict[str, Any]], value: Any, **parts: Any) -> dict[str, dict[str, Any]]:
    """The nodes of the preview, by id."""
    return {node["id"]: node for node in preview_of(steps, value, **parts)["nodes"]}


def test_the_order_is_shown() -> None:
    shown = preview_of(
        [
            {
                "id": "b",
                "taskRef": "same",
                "input": "{{tasks.a.output}}",
                "condition": {"if": "{{tasks.a.output.x}}"},
            },
            {"id": "a", "taskRef": "same"},
            {"id": "c", "taskRef": "same"},
        ],
        None,
    )

    assert {name: shown[name] for name in ("workflow", "edges", "groups", "order")} == {
        "workflow": "flow",
        "edges": [{"from": "a", "to": "b"}],
        "groups": [["a", "c"], ["b"]],
        "order": ["a", "c", "b"],
    }
    assert shown["nodes"][0] == {
        "id": "b",
        "parent": None,
        "role": "step",
        "kind": "task",
        "task": "same",
        "type": "transform",
        "timeoutSeconds": 30.0,
        "maxAttempts": 1,
        "condition": "{{tasks.a.output.x}}",
        "group": 1,
        "dependencies": ["a"],
        "optional": False,
        "startSeconds": 0.0,
        "worstCaseSeconds": 0.0,
        "atLeast": False,
        "critical": True,
        "runs": None,
        "input": "{{tasks.a.output}}",
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
            "part": "all {{input}}",
        },
    }
    inputs = {"id": "{{input.user}}", "number": "{{input.number}}", "later": "{{tasks.first.output.x ?? 1}}"}
    steps: list[dict[str, Any]] = [
        {"id": "first", "taskRef": "same"},
        {"id": "call", "taskRef": "call", "input": inputs},
    ]

    node = nodes_of(steps, {"user": "a/b", "number": 7}, call=request)["call"]

    later = "{{tasks.first.output.x ?? 1}}"
    assert node["type"] == "http"
    assert node["input"] == {"id": "a/b", "number": 7, "later": later}
    assert node["request"] == {
        "method": "POST",
        "url": f"https://h/users/a%2Fb/{later}?w=flow",
        "headers": {"X-Tenant": "acme", "X-Execution": "e {{execution.id}}"},
        "query": {"n": 7, "l": [later]},
        "body": {
            "id": "a/b",
            "text": f"{later} and 7",
            "gone": "{{input.gone}}",
            "part": "all {{input}}",
        },
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

    node = nodes_of(steps, {}, call=request)["call"]

    assert node["input"] == {"token": "***", "user": "ann"}
    assert node["request"]["url"] == "https://h/***/***"
    assert node["request"]["headers"] == {
        "authorization": "***",
        "Cookie": "***",
        "X-Api-Key": "***",
        "Proxy-Authorization": "***",
        "X-Signature": "v1=***",
    }
    assert node["request"]["body"] == ["***", "***"]


@pytest.mark.parametrize("bound", ["{{tasks.first.output}}", {"deep": "{{tasks.first.output}}"}])
def test_behind_what_is_unknown_not_even_a_default_is_known(bound: Any) -> None:
    request = {
        "url": "https://h/",
        "body": "{{input.deep.er ?? 'default'}}",
        "headers": {"X-W": "{{workflow.name}}"},
    }
    steps = [{"id": "first", "taskRef": "same"}, {"id": "call", "taskRef": "call", "input": bound}]

    shown = nodes_of(steps, None, call=request)["call"]["request"]

    assert shown["body"] == "{{input.deep.er ?? 'default'}}"
    assert shown["headers"] == {"X-W": "flow"}


@pytest.mark.parametrize("path", ["deep.er", "list[4]", "deep[0]"])
def test_a_default_is_shown_where_it_is_known(path: str) -> None:
    request = {"url": f"https://h/{{{{input.{path} ?? 'default'}}}}"}
    steps = [{"id": "call", "taskRef": "call", "input": {"deep": {}, "list": [1]}}]

    assert nodes_of(steps, None, call=request)["call"]["request"]["url"] == "https://h/default"


def test_a_value_is_not_shown_out_of_all_proportion() -> None:
    steps = [{"id": f"s{number}", "taskRef": "same", "input": "{{input}}"} for number in range(20)]

    shown = [node["input"] for node in nodes_of(steps, "x" * 1_000_000).values()]

    assert shown[0] == "x" * 1_000_000
    assert shown[8:] == ["{{input}}"] * 12


def test_a_preview_is_json() -> None:
    steps: list[dict[str, Any]] = [
        {"id": "call", "taskRef": "call", "input": {"a": "{{secrets.A}}", "b": "{{tasks.same.output}}"}},
        {"id": "same", "taskRef": "same"},
        {
            "id": "each",
            "forEach": {"items": ["{{tasks.same.output}}"]},
            "taskRef": "same",
            "input": ["{{forEach.item}}"],
        },
    ]
    shown = nodes_of(steps, {}, call={"url": "https://h/{{input.a}}/{{input.b}}"})

    assert orjson.loads(orjson.dumps(shown)) == shown
    assert {type(value) for value in (shown["each"]["input"][0], shown["call"]["request"]["url"])} == {str}


def test_a_plan_made_without_a_document_has_no_request_to_show() -> None:
    (node,) = preview(make_plan({"a": []}, tasks={"a": http("https://h/")}), {}, tenant="acme")["nodes"]

    assert node["type"] == "http"
    assert "request" not in node


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("{{input.n}} > 1", True),
        ("{{input.n}} > 2", False),
        ("!({{input.n}} > 2)", True),
        ("!{{tasks.first.output.x}}", None),
        ("{{tasks.first.output.x ?? 1}} == 1", None),
        ("{{input.n}} > 2 && {{tasks.first.output.x}}", False),
        ("{{input.n}} > 1 && {{tasks.first.output.x}}", None),
        ("{{input.n}} > 1 && {{input.n}} < 3", True),
        ("{{tasks.first.output.x}} && {{input.n}} > 2", None),
        ("{{input.n}} > 1 || {{tasks.first.output.x}}", True),
        ("{{input.n}} > 2 || {{input.n}} > 3", False),
        ("{{input.n}} > 'two'", None),
        ("{{input.gone}} == 1", None),
    ],
)
def test_a_condition_is_decided_as_soon_as_it_can_be(condition: str, runs: bool | None) -> None:  # noqa: FBT001  (what is expected)
    steps: list[dict[str, Any]] = [
        {"id": "first", "taskRef": "same"},
        {"id": "step", "taskRef": "same", "condition": {"if": condition, "else": {"taskRef": "same"}}},
    ]

    shown = nodes_of(steps, {"n": 2})

    assert shown["step"]["runs"] is runs
    assert shown["step~else"]["runs"] is (None if runs is None else not runs)
    assert shown["first"]["runs"] is True


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("{{input.kind}}", [False, True, False]),
        ("{{input.flag}}", [False, False, True]),
        ("{{tasks.first.output}}", [None, None, None]),
        (["{{tasks.first.output}}"], [None, None, None]),
    ],
)
def test_a_switch_takes_the_first_case_that_is_equal(value: Any, taken: list[bool | None]) -> None:
    switch = {
        "value": value,
        "cases": [{"match": 1, "taskRef": "same"}, {"match": "b", "taskRef": "same"}],
        "default": {"taskRef": "same"},
    }
    steps: list[dict[str, Any]] = [
        {"id": "first", "taskRef": "same"},
        {"id": "way", "switch": switch, "input": "{{input.kind}}"},
    ]

    shown = nodes_of(steps, {"kind": "b", "flag": True})

    ways = ["way~case1", "way~case2", "way~default"]
    assert [shown[way]["runs"] for way in ways] == taken
    assert [(shown[way]["parent"], shown[way]["input"]) for way in ways] == [("way", "b")] * 3


def test_no_case_may_fit() -> None:
    switch = {"value": "{{input}}", "cases": [{"match": 0, "taskRef": "same"}]}

    shown = nodes_of([{"id": "way", "switch": switch}], False)

    assert (shown["way"]["value"], shown["way~case1"]["runs"]) == (False, False)


def test_a_loop_shows_its_first_items_and_which_of_them_pass_and_what_is_done_for_the_first() -> None:
    step = {
        "id": "each",
        "forEach": {"items": "{{input.list}}", "itemVar": "it"},
        "condition": {"if": "{{forEach.it.n}} > {{forEach.index}}", "else": {"taskRef": "same"}},
        "taskRef": "call",
        "input": {"n": "{{forEach.it.n}}", "at": "{{forEach.index}}"},
    }
    items = [{"n": number} for number in (1, 1, 5, 6, 7, 8, 9)]

    shown = nodes_of([step], {"list": items}, call={"url": "https://h/{{input.n}}/{{input.at}}"})

    each = shown["each"]
    assert each["runs"] is True
    assert each["forEach"]["itemCount"] == 7
    assert len(each["forEach"]["firstItems"]) == FIRST_ITEMS
    assert each["forEach"]["firstItems"][:2] == [
        {"index": 0, "item": {"n": 1}, "runs": True},
        {"index": 1, "item": {"n": 1}, "runs": False},
    ]
    assert each["request"]["url"] == "https://h/1/0"
    assert shown["each~else"]["runs"] is False


def test_a_loop_over_what_is_not_known_shows_its_templates() -> None:
    inner = {
        "id": "inner",
        "forEach": {"items": "{{forEach.it.parts}}", "itemVar": "part"},
        "taskRef": "same",
        "input": ["{{forEach.part.x ?? 1}}", "{{forEach.$parent.it}}", "{{forEach.index}}", "{{input.n}}"],
    }
    steps: list[dict[str, Any]] = [
        {"id": "first", "taskRef": "same"},
        {
            "id": "each",
            "forEach": {"items": "{{tasks.first.output}}", "itemVar": "it"},
            "tasks": [inner],
        },
    ]

    shown = nodes_of(steps, {"n": 1})

    assert shown["each"]["forEach"]["itemCount"] is None
    assert shown["each"]["forEach"]["firstItems"] == []
    assert shown["each/inner"]["input"] == [*inner["input"][:3], 1]  # type: ignore[index]  # a list, above


def test_a_loop_over_nothing_shows_its_templates() -> None:
    step = {"id": "each", "forEach": {"items": []}, "taskRef": "same", "input": "{{forEach.item}}"}

    shown = nodes_of([step], {})["each"]

    assert (shown["forEach"]["itemCount"], shown["input"]) == (0, "{{forEach.item}}")


def test_a_condition_that_gates_a_loop_is_asked_outside_of_it() -> None:
    step = {
        "id": "inner",
        "forEach": {"items": [1], "itemVar": "part"},
        "condition": {"if": "{{forEach.it}} == 'a'", "else": {"taskRef": "same", "input": "{{forEach.it}}"}},
        "taskRef": "same",
    }
    around = {"id": "each", "forEach": {"items": ["a"], "itemVar": "it"}, "tasks": [step]}

    shown = nodes_of([around], {})

    assert shown["each/inner"]["runs"] is True
    assert "runs" not in shown["each/inner"]["forEach"]["firstItems"][0]
    assert (shown["each/inner~else"]["runs"], shown["each/inner~else"]["input"]) == (False, "a")


def test_what_stands_in_and_what_undoes_is_shown_without_a_promise() -> None:
    step = {
        "id": "pay",
        "taskRef": "same",
        "fallback": {"value": {"paid": "{{input.n}}"}},
        "compensate": {"taskRef": "same", "input": "{{tasks.pay.output}}"},
    }

    shown = nodes_of([step], {"n": 1})

    assert (shown["pay~fallback"]["runs"], shown["pay~fallback"]["value"]) == (None, {"paid": 1})
    assert (shown["pay~compensate"]["runs"], shown["pay~compensate"]["input"]) == (
        None,
        "{{tasks.pay.output}}",
    )


def test_a_sub_workflow_is_shown_with_what_it_is_given() -> None:
    child = [
        {"id": "first", "taskRef": "same", "input": {"n": "{{input.x}}", "w": "{{workflow.name}}"}},
        {"id": "second", "taskRef": "same", "input": "{{input.later.deep ?? 1}}"},
    ]
    steps: list[dict[str, Any]] = [
        {"id": "before", "taskRef": "same"},
        {
            "id": "sub",
            "workflowRef": "child",
            "input": {"x": "{{input.n}}", "later": "{{tasks.before.output}}"},
        },
    ]

    shown = nodes_of(steps, {"n": 7}, children={"child": child})

    assert shown["sub"]["input"] == {"x": 7, "later": "{{tasks.before.output}}"}
    assert shown["sub/first"]["input"] == {"n": 7, "w": "child"}
    assert shown["sub/second"]["input"] == "{{input.later.deep ?? 1}}"
