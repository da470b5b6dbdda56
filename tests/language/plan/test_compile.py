"""Compiling workflows and tasks: every field of a definition ends up where the data plane reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.plan.explain import explain_json
from tenantry.language.plan.model import (
    BodyEncoding,
    CallPlan,
    Durability,
    HttpOutput,
    HttpRequestPlan,
    Plan,
    RetryOn,
    RetryPolicy,
    StepPlan,
    TransformPlan,
)
from tenantry.language.schemas import SchemaError
from tenantry.language.templates import Scope, TemplateError, TemplateSyntaxError
from tests.support.definitions import make_task, make_workflow

if TYPE_CHECKING:
    from tenantry.language.documents.model import WorkflowTask

FETCH = make_task("fetch", {"type": "http", "request": {"url": "https://h/{{input.id}}"}})
SHAPE = make_task("shape", {"type": "transform", "expression": "{n: length(@)}"})


def request_of(spec: dict[str, Any]) -> HttpRequestPlan:
    action = compile_task(make_task("call", {"type": "http", **spec}), "digest").action
    assert isinstance(action, HttpRequestPlan)
    return action


def plan_of(spec: dict[str, Any], *tasks: WorkflowTask, labels: dict[str, str] | None = None) -> Plan:
    workflow = make_workflow("summary", spec, labels)
    compiled = {task.name: compile_task(task, task.name) for task in tasks}
    return compile_workflow(workflow, compiled, version=3, digest="abc")


def call_of(step: StepPlan) -> CallPlan:
    assert isinstance(step.action.body, CallPlan)
    return step.action.body


def test_a_workflow_is_compiled_with_its_settings() -> None:
    plan = plan_of(
        {
            "input": {"type": "object", "required": ["id"]},
            "deadline": "5s",
            "durability": "none",
            "maxParallel": 4,
            "tasks": [{"id": "a", "taskRef": "fetch"}],
            "output": {"email": "{{tasks.a.output.email}}", "status": "{{tasks.a.status}}"},
        },
        FETCH,
        labels={"team": "orders"},
    )

    assert (plan.workflow, plan.version, plan.digest) == ("summary", 3, "abc")
    assert (plan.deadline_seconds, plan.durability, plan.max_parallel) == (5.0, Durability.NONE, 4)
    assert plan.labels == (("team", "orders"),)
    assert plan.input_validator is not None
    assert not plan.input_validator.is_valid({})
    scope = Scope(input={}, outputs={"a": {"email": "a@b"}}, statuses={"a": "completed"})
    assert plan.graph.render(scope) == {"email": "a@b", "status": "completed"}


def test_how_long_executions_are_kept_is_no_part_of_what_a_plan_does() -> None:
    spec = {"tasks": [{"id": "a", "taskRef": "fetch"}]}
    kept = plan_of({**spec, "retention": {"executionHistory": "90d", "taskTraces": "7d"}}, FETCH)

    assert explain_json(kept) == explain_json(plan_of(spec, FETCH))


def test_steps_wait_for_what_they_read_and_what_they_name() -> None:
    plan = plan_of(
        {
            "tasks": [
                {"id": "last", "taskRef": "shape", "dependsOn": ["left"], "input": "{{tasks.right.output}}"},
                {"id": "left", "taskRef": "shape", "input": {"x": "{{tasks.first.output.id}}"}},
                {
                    "id": "right",
                    "taskRef": "shape",
                    "condition": {"if": "{{tasks.first.output.id}} == 1"},
                },
                {"id": "first", "taskRef": "fetch", "input": {"id": "{{input.id}}"}},
            ]
        },
        FETCH,
        SHAPE,
    )

    steps = plan.graph.steps
    assert [step.id for step in steps] == ["last", "left", "right", "first"]
    assert [step.index for step in steps] == [0, 1, 2, 3]
    assert [set(step.dependencies) for step in steps] == [{1, 2}, {3}, {3}, set()]
    assert [set(step.dependents) for step in steps] == [set(), {0}, {0}, {1, 2}]
    assert plan.graph.groups == (("first",), ("left", "right"), ("last",))
    assert call_of(steps[1]).task is call_of(steps[0]).task


def test_a_step_binds_its_input_and_knows_its_condition() -> None:
    plan = plan_of(
        {
            "tasks": [
                {"id": "always", "taskRef": "shape"},
                {
                    "id": "maybe",
                    "taskRef": "shape",
                    "input": {"n": "{{input.n}}"},
                    "condition": {"if": "{{input.n}} > 1"},
                },
            ]
        },
        SHAPE,
    )
    always, maybe = plan.graph.steps

    assert (always.action.condition, always.action.condition_text) == (None, "")
    assert call_of(always).bind(Scope(input=None)) == {}
    assert call_of(maybe).bind(Scope(input={"n": 2})) == {"n": 2}
    assert maybe.action.condition_text == "{{input.n}} > 1"
    assert maybe.action.condition is not None
    assert maybe.action.condition(Scope(input={"n": 2}))
    assert not maybe.action.condition(Scope(input={"n": 1}))


def test_a_step_overrides_the_timeout_and_the_retry_of_its_task() -> None:
    task = make_task(
        "slow",
        {
            "type": "http",
            "request": {"url": "https://h/"},
            "timeout": "2s",
            "retry": {
                "maxAttempts": 3,
                "initialDelay": "50ms",
                "maxDelay": "1s",
                "multiplier": 3,
                "jitter": False,
                "retryOn": [429, "timeout"],
            },
        },
    )
    step = {"taskRef": "slow"}
    plan = plan_of(
        {
            "tasks": [
                {"id": "own", **step},
                {"id": "other", **step, "timeout": "5s", "retry": {"maxAttempts": 2}},
                {"id": "pure", "taskRef": "shape"},
                {"id": "pure2", "taskRef": "shape", "timeout": "1s", "retry": {"maxAttempts": 2}},
            ]
        },
        task,
        SHAPE,
    )
    own, other, pure, pure2 = map(call_of, plan.graph.steps)

    assert own.timeout_seconds == 2.0
    assert own.retry == RetryPolicy(
        max_attempts=3,
        initial_delay_seconds=0.05,
        max_delay_seconds=1.0,
        multiplier=3.0,
        jitter=False,
        retry_on=frozenset((RetryOn.TOO_MANY_REQUESTS, RetryOn.TIMEOUT)),
    )
    assert (other.timeout_seconds, other.retry) == (5.0, RetryPolicy(max_attempts=2))
    assert (pure.timeout_seconds, pure.retry) == (30.0, RetryPolicy())
    assert (pure2.timeout_seconds, pure2.retry) == (1.0, RetryPolicy(max_attempts=2))


def test_a_request_is_compiled_part_by_part() -> None:
    request = request_of(
        {
            "request": {
                "method": "POST",
                "url": "https://h/users/{{input.id}}",
                "query": {"expand": "{{input.expand ?? null}}", "tag": ["a", "{{input.id}}"]},
                "headers": {"X-Tenant": "{{tenant.name}}"},
                "body": {"id": "{{input.id}}"},
            },
            "successStatus": ["2xx", 404],
            "output": "response",
        }
    )
    scope = Scope(input={"id": 7}, tenant_name="acme")

    assert request.method == "POST"
    assert request.origin == "https://h"
    assert request.url(scope) == "https://h/users/7"
    assert [(name, value(scope)) for name, value in request.query] == [("expand", None), ("tag", ["a", 7])]
    assert [(name, value(scope)) for name, value in request.headers] == [("X-Tenant", "acme")]
    assert request.body is not None
    assert request.body(scope) == {"id": 7}
    assert request.success == {*range(200, 300), 404}
    assert request.output is HttpOutput.RESPONSE


def test_a_request_has_defaults() -> None:
    request = request_of({"request": {"url": "https://h/"}})

    assert (request.method, request.query, request.headers, request.body) == ("GET", (), (), None)
    assert request.success == frozenset(range(200, 300))
    assert request.output is HttpOutput.BODY


@pytest.mark.parametrize(
    ("headers", "encoding"),
    [
        ({}, BodyEncoding.JSON),
        ({"Accept": "text/plain"}, BodyEncoding.JSON),
        ({"Content-Type": "application/json; charset=utf-8"}, BodyEncoding.JSON),
        ({"content-type": "application/merge-patch+JSON"}, BodyEncoding.JSON),
        ({"Content-Type": "{{input.type}}"}, BodyEncoding.JSON),
        ({"CONTENT-TYPE": "application/x-www-form-urlencoded"}, BodyEncoding.FORM),
        ({"Content-Type": "text/plain"}, BodyEncoding.TEXT),
        ({"Content-Type": "application/xml"}, BodyEncoding.TEXT),
    ],
)
def test_the_content_type_says_how_a_body_is_sent(headers: dict[str, str], encoding: BodyEncoding) -> None:
    assert request_of({"request": {"url": "https://h/", "headers": headers}}).body_encoding is encoding


@pytest.mark.parametrize(
    ("spec", "is_safe"),
    [
        ({"type": "http", "request": {"url": "https://h/"}}, True),
        ({"type": "http", "request": {"url": "https://h/", "method": "HEAD"}}, True),
        ({"type": "http", "request": {"url": "https://h/", "method": "POST"}}, False),
        ({"type": "http", "request": {"url": "https://h/", "method": "DELETE"}}, False),
        ({"type": "http", "request": {"url": "https://h/", "method": "PUT"}, "idempotent": True}, True),
        ({"type": "transform", "expression": "@"}, True),
    ],
)
def test_a_task_is_safe_when_it_may_be_repeated(
    spec: dict[str, Any],
    is_safe: bool,  # noqa: FBT001  (a column of the table)
) -> None:
    assert compile_task(make_task("task", spec), "digest").safe is is_safe


@pytest.mark.parametrize(
    ("spec", "is_repeatable"),
    [
        ({"type": "http", "request": {"url": "https://h/", "method": "OPTIONS"}}, True),
        ({"type": "http", "request": {"url": "https://h/", "method": "POST"}}, False),
        ({"type": "http", "request": {"url": "https://h/", "method": "POST"}, "idempotent": True}, True),
        (
            {
                "type": "http",
                "request": {
                    "url": "https://h/",
                    "method": "POST",
                    "headers": {"Idempotency-Key": "{{input}}"},
                },
            },
            True,
        ),
        (
            {
                "type": "http",
                "request": {
                    "url": "https://h/",
                    "method": "POST",
                    "headers": {"X-Key": "1", "iDEMPOTENCY-kEY": "{{input}}"},
                },
            },
            True,
        ),
        ({"type": "transform", "expression": "@"}, True),
    ],
)
def test_a_task_is_repeatable_when_it_is_safe_or_the_upstream_knows_a_repetition(
    spec: dict[str, Any],
    is_repeatable: bool,  # noqa: FBT001  (a column of the table)
) -> None:
    assert compile_task(make_task("task", spec), "digest").repeatable is is_repeatable


def test_a_key_of_its_own_does_not_make_a_task_safe() -> None:
    request = {"url": "https://h/", "method": "POST", "headers": {"Idempotency-Key": "{{input}}"}}
    assert not compile_task(make_task("task", {"type": "http", "request": request}), "digest").safe


def test_a_task_has_its_name_and_its_schemas() -> None:
    task = compile_task(
        make_task(
            "shape",
            {
                "type": "transform",
                "value": "{{input}}",
                "inputSchema": {"type": "integer"},
                "outputSchema": {"type": "string"},
            },
        ),
        "digest",
    )

    assert (task.name, task.digest) == ("shape", "digest")
    assert task.input_validator is not None
    assert task.output_validator is not None
    assert (task.input_validator.is_valid(1), task.output_validator.is_valid(1)) == (True, False)


@pytest.mark.parametrize(
    ("spec", "output"),
    [
        ({"expression": "{n: length(items)}"}, {"n": 2}),
        (
            {"value": {"first": "{{input.items[0]}}", "text": "x {{input.items}}"}},
            {"first": "a", "text": 'x ["a","b"]'},
        ),
        ({"value": None}, None),
    ],
)
def test_a_transform_is_a_function_of_its_input(spec: dict[str, Any], output: object) -> None:
    action = compile_task(make_task("shape", {"type": "transform", **spec}), "digest").action

    assert isinstance(action, TransformPlan)
    assert action.evaluate({"items": ["a", "b"]}) == output


def test_a_transform_that_has_no_value_raises_a_template_error() -> None:
    for spec in ({"expression": "length(@)"}, {"value": "{{input.a}}"}):
        action = compile_task(make_task("shape", {"type": "transform", **spec}), "digest").action
        assert isinstance(action, TransformPlan)
        with pytest.raises(TemplateError):
            action.evaluate(1)


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({"tasks": [{"id": "a", "taskRef": "gone"}]}, KeyError),
        ({"tasks": [{"id": "a", "taskRef": "shape", "input": "{{oops}}"}]}, TemplateSyntaxError),
        ({"tasks": [{"id": "a", "taskRef": "shape", "condition": {"if": "?"}}]}, TemplateSyntaxError),
        ({"tasks": [{"id": "a", "taskRef": "shape", "dependsOn": ["a"]}]}, ValueError),
        ({"input": {"type": "objct"}, "tasks": [{"id": "a", "taskRef": "shape"}]}, SchemaError),
    ],
)
def test_what_validation_would_refuse_is_not_compiled(spec: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        plan_of(spec, SHAPE)
