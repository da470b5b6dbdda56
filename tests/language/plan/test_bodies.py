"""What steps do, compiled: each construct of the language ends up as the body the engine carries out."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.plan.model import (
    ActionPlan,
    CallPlan,
    CircuitPolicy,
    ForEachPlan,
    GroupPlan,
    Plan,
    ResponsePlan,
    RetryOn,
    SubworkflowPlan,
    SwitchPlan,
    ValuePlan,
)
from tenantry.language.templates import Scope
from tests.support.definitions import make_task, make_workflow

BodyT = TypeVar("BodyT")

SCOPE = Scope(input={"n": 1, "list": [1, 2]}, outputs={"a": "done"})
TASKS = {
    name: compile_task(make_task(name, {"type": "transform", "expression": "@"}), name)
    for name in ("one", "two", "three")
}
CALL = compile_task(
    make_task(
        "call",
        {
            "type": "http",
            "request": {"url": "https://h/"},
            "timeout": "2s",
            "retry": {"maxAttempts": 2},
            "circuitBreaker": {
                "failureThreshold": 7,
                "samplingDuration": "10s",
                "breakDuration": "20s",
                "halfOpenRequests": 2,
                "failOn": ["5xx", 429],
            },
            "cache": {"ttl": "60s", "key": "{{input.id}}"},
        },
    ),
    "call",
)


def plan_of(*steps: dict[str, Any], workflows: dict[str, Plan] | None = None, **spec: Any) -> Plan:
    workflow = make_workflow("w", {"tasks": [*steps], **spec})
    tasks = {**TASKS, "call": CALL}
    return compile_workflow(workflow, tasks, workflows or {}, version=1, digest="d")


def action_of(step: dict[str, Any], **options: Any) -> ActionPlan:
    return plan_of({"id": "a", **step}, **options).graph.steps[0].action


def body_of(kind: type[BodyT], step: dict[str, Any], **options: Any) -> BodyT:
    body = action_of(step, **options).body
    assert isinstance(body, kind)
    return body


def given(body: Any, scope: Scope = SCOPE) -> Any:
    """The task that a call calls, and with what."""
    assert isinstance(body, CallPlan)
    return body.task.name, body.bind(scope)


# Switches


def test_a_case_without_an_input_takes_that_of_its_step() -> None:
    switch = body_of(
        SwitchPlan,
        {
            "switch": {
                "value": "{{input.n}}",
                "cases": [
                    {"match": 1, "taskRef": "one"},
                    {"match": "x", "taskRef": "two", "input": {"own": True}},
                ],
                "default": {"taskRef": "three"},
            },
            "input": {"n": "{{input.n}}"},
        },
    )
    assert (switch.value(SCOPE), switch.text) == (1, "{{input.n}}")
    assert [(literal, given(body)) for literal, body in switch.cases] == [
        (1, ("one", {"n": 1})),
        ("x", ("two", {"own": True})),
    ]
    assert given(switch.default) == ("three", {"n": 1})


def test_a_switch_needs_no_default_and_a_case_may_be_a_loop_tasks_or_a_switch() -> None:
    switch = body_of(
        SwitchPlan,
        {
            "switch": {
                "value": 1,
                "cases": [
                    {"match": 1, "taskRef": "one", "forEach": {"items": "{{input.list}}"}},
                    {"match": 2, "tasks": [{"id": "inner", "taskRef": "two"}]},
                    {"match": 3, "switch": {"value": 1, "cases": [{"match": 1, "taskRef": "one"}]}},
                ],
            },
            "input": {"n": "{{input.n}}"},
        },
    )
    assert switch.default is None
    loop, group, inner = (body for _, body in switch.cases)
    assert isinstance(loop, ForEachPlan)
    assert given(loop.action.body) == ("one", {"n": 1})
    assert isinstance(group, GroupPlan)
    assert isinstance(inner, SwitchPlan)
    assert given(inner.cases[0][1]) == ("one", {"n": 1})


# Loops and conditions


def test_a_loop_has_its_bounds() -> None:
    loop = body_of(
        ForEachPlan,
        {
            "taskRef": "one",
            "forEach": {
                "items": "{{input.list}}",
                "itemVar": "x",
                "maxParallel": 2,
                "maxItems": 9,
                "onItemFailure": "continue",
            },
            "input": {"x": "{{forEach.x}}"},
        },
    )
    assert (loop.items(SCOPE), loop.text) == ([1, 2], "{{input.list}}")
    assert (loop.variable, loop.max_parallel, loop.max_items, loop.tolerant) == ("x", 2, 9, True)
    assert given(loop.action.body, SCOPE.of_item("x", "item", 0)) == ("one", {"x": "item"})


def test_a_loop_has_defaults() -> None:
    loop = body_of(ForEachPlan, {"taskRef": "one", "forEach": {"items": [1]}}, maxParallel=5)
    assert (loop.variable, loop.max_parallel, loop.max_items, loop.tolerant) == ("item", 5, 10_000, False)


@pytest.mark.parametrize(
    "condition", ["{{forEach.x}} == 1", "{{forEach.index}} == 1", "true && {{forEach.x.y}} == 1"]
)
def test_a_condition_that_reads_the_item_filters_the_items(condition: str) -> None:
    action = action_of(
        {
            "taskRef": "one",
            "forEach": {"items": [1], "itemVar": "x"},
            "condition": {"if": condition, "else": {"taskRef": "two"}},
            "fallback": {"value": 1},
        }
    )
    assert (action.condition, action.otherwise, action.fallback) == (None, None, None)
    assert isinstance(action.body, ForEachPlan)
    item = action.body.action
    assert item.condition is not None
    assert item.condition_text == condition
    assert given(item.otherwise)[0] == "two"
    assert isinstance(item.fallback, ValuePlan)


@pytest.mark.parametrize(
    "condition", ["{{input.n}} == 1", "{{forEach.$parent.x}} == 1", "{{forEach.y}} == 1"]
)
def test_any_other_condition_decides_about_the_loop(condition: str) -> None:
    action = action_of(
        {
            "taskRef": "one",
            "forEach": {"items": [1], "itemVar": "x"},
            "condition": {"if": condition, "else": {"taskRef": "two"}},
        }
    )
    assert action.condition is not None
    assert action.condition_text == condition
    assert given(action.otherwise)[0] == "two"
    assert isinstance(action.body, ForEachPlan)
    assert action.body.action.condition is None
    assert action.body.action.otherwise is None


def test_an_else_without_an_input_takes_that_of_its_step() -> None:
    action = action_of(
        {
            "taskRef": "one",
            "input": {"n": "{{input.n}}"},
            "condition": {"if": "false", "else": {"taskRef": "two"}},
        }
    )
    assert given(action.otherwise) == ("two", {"n": 1})
    assert action_of({"taskRef": "one", "condition": {"if": "false"}}).otherwise is None


# Nested tasks and sub-workflows


def test_nested_tasks_are_a_graph_whose_output_is_theirs_by_id() -> None:
    step = {
        "tasks": [
            {"id": "y", "taskRef": "two", "input": {"x": "{{tasks.x.output}}", "a": "{{tasks.b.output}}"}},
            {"id": "x", "taskRef": "one"},
        ],
        "timeout": "3s",
    }
    plan = plan_of({"id": "a", **step}, {"id": "b", "taskRef": "one"})
    outer = plan.graph.steps[0]
    group = outer.action.body
    assert isinstance(group, GroupPlan)
    assert outer.dependencies == (1,)
    assert [step.id for step in group.steps] == ["y", "x"]
    assert [step.dependencies for step in group.steps] == [(1,), ()]
    assert group.groups == (("x",), ("y",))
    assert group.timeout_seconds == 3.0
    assert group.render(Scope(input=None, outputs={"x": 1, "y": 2})) == {"y": 2, "x": 1}


def test_nested_tasks_may_say_what_they_give() -> None:
    tasks = [{"id": "x", "taskRef": "one"}]
    group = body_of(GroupPlan, {"tasks": tasks, "output": "{{tasks.x.output}}"})
    assert group.render(Scope(input=None, outputs={"x": 1})) == 1
    group = body_of(GroupPlan, {"tasks": tasks, "output": None})
    assert group.render(Scope(input=None, outputs={"x": 1})) is None


def test_a_sub_workflow_is_the_plan_of_its_reference() -> None:
    child = plan_of({"id": "x", "taskRef": "one"})
    step = {"workflowRef": "billing/child@v2", "input": {"n": "{{input.n}}"}, "timeout": "3s"}
    body = body_of(SubworkflowPlan, step, workflows={"billing/child@v2": child})
    assert body.plan is child
    assert body.bind(SCOPE) == {"n": 1}
    assert (body.timeout_seconds, body.input) == (3.0, {"n": "{{input.n}}"})


# Effort


def test_a_task_says_how_hard_it_is_tried() -> None:
    call = body_of(CallPlan, {"taskRef": "call"})
    assert call.timeout_seconds == 2.0
    assert call.retry.max_attempts == 2
    assert call.circuit == CircuitPolicy(
        failure_threshold=7,
        sampling_seconds=10.0,
        break_seconds=20.0,
        half_open_requests=2,
        counts=frozenset((RetryOn.SERVER_ERROR, RetryOn.TOO_MANY_REQUESTS)),
    )
    assert call.cache is not None
    assert call.cache.ttl_seconds == 60.0
    assert call.cache.key is not None
    assert call.cache.key(Scope(input={"id": 3})) == 3
    assert call.cache.key_text == "{{input.id}}"


def test_a_step_may_say_otherwise_for_all_its_calls_but_those_that_stand_in() -> None:
    action = action_of(
        {
            "switch": {"value": 1, "cases": [{"match": 1, "taskRef": "call"}]},
            "timeout": "9s",
            "retry": {"maxAttempts": 5},
            "circuitBreaker": {},
            "cache": {"ttl": "5s"},
            "fallback": {"taskRef": "call"},
            "compensate": {"taskRef": "call"},
            "condition": {"if": "true", "else": {"taskRef": "call"}},
        }
    )
    assert isinstance(action.body, SwitchPlan)
    for body in (action.body.cases[0][1], action.otherwise):
        assert isinstance(body, CallPlan)
        assert (body.timeout_seconds, body.retry.max_attempts) == (9.0, 5)
        assert body.circuit == CircuitPolicy()
        assert body.cache is not None
        assert (body.cache.ttl_seconds, body.cache.key) == (5.0, None)
    for body in (action.fallback, action.compensate):
        assert isinstance(body, CallPlan)
        assert (body.timeout_seconds, body.retry, body.circuit) == (2.0, CALL.retry, CALL.circuit)


def test_a_task_that_says_nothing_has_no_circuit_and_no_cache() -> None:
    call = body_of(CallPlan, {"taskRef": "one"})
    assert (call.circuit, call.cache) == (None, None)


# Failures


def test_a_fallback_is_a_value_or_a_task_which_takes_the_step_s_input() -> None:
    value = action_of({"taskRef": "one", "fallback": {"value": "{{input.n}}"}}).fallback
    assert isinstance(value, ValuePlan)
    assert (value.evaluate(SCOPE), value.value) == (1, "{{input.n}}")
    step = {"taskRef": "one", "input": {"n": "{{input.n}}"}}
    assert given(action_of({**step, "fallback": {"taskRef": "two"}}).fallback) == ("two", {"n": 1})
    own = {"taskRef": "two", "input": {"own": 1}}
    assert given(action_of({**step, "fallback": own}).fallback) == ("two", {"own": 1})
    assert action_of(step).fallback is None


def test_a_compensation_reads_what_the_step_gave_and_waits_for_nothing() -> None:
    plan = plan_of(
        {
            "id": "a",
            "taskRef": "one",
            "optional": True,
            "compensate": {"taskRef": "two", "input": {"a": "{{tasks.a.output}}"}},
        }
    )
    (step,) = plan.graph.steps
    assert (step.optional, step.dependencies) == (True, ())
    assert given(step.action.compensate) == ("two", {"a": "done"})


# Responses


def response_of(**response: Any) -> ResponsePlan:
    plan = plan_of({"id": "a", "taskRef": "one"}, response=response)
    assert plan.response is not None
    return plan.response


def test_a_response_is_compiled_part_by_part() -> None:
    response = response_of(
        status="{{input.n}}",
        headers={"X-N": "{{input.n}}"},
        contentType="text/csv",
        body="{{tasks.a.output}}",
    )
    assert response.status(SCOPE) == 1
    assert [(name, value(SCOPE)) for name, value in response.headers] == [("X-N", "1")]
    assert response.content_type is not None
    assert response.content_type(SCOPE) == "text/csv"
    assert response.body is not None
    assert response.body(SCOPE) == "done"
    assert not response.is_json


def test_a_response_has_defaults() -> None:
    response = response_of(status=201)
    assert response.status(SCOPE) == 201
    assert (response.content_type, response.body, response.is_json) == (None, None, True)
    assert response_of(body=None).body is not None
    assert response_of(contentType="application/vnd.api+JSON").is_json
    assert plan_of({"id": "a", "taskRef": "one"}).response is None


def test_a_task_that_is_not_there_is_not_compiled() -> None:
    with pytest.raises(KeyError):
        action_of({"taskRef": "nowhere"})
