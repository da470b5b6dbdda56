"""Control flow: switches, loops, nested tasks and sub-workflows, one rule at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.core import begin
from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    Answer,
    ConditionEvaluated,
    FailureCode,
    ForEachCompleted,
    ForEachIteration,
    ForEachStarted,
    GroupCompleted,
    GroupStarted,
    SubworkflowStarted,
    SwitchMatched,
    TaskFailed,
    TaskSkipped,
    WorkflowCompleted,
    WorkflowFailed,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.language.plan.model import (
    ActionPlan,
    ResponsePlan,
    SubworkflowPlan,
    SwitchPlan,
)
from tenantry.language.schemas import compile_validator
from tenantry.language.templates.compiling import compile_value
from tenantry.language.templates.errors import TemplateError
from tenantry.protocol.problems import Source
from tests.support.deciding import complete, fail, only, started, submit, without_letters
from tests.support.plans import call, group, loop, make_plan, transform, unsafe, workflow

if TYPE_CHECKING:
    from tenantry.language.plan.model import BodyPlan


def broken(_scope: object) -> Any:
    raise TemplateError("input.x", "there is no 'x'")


def one(body: Any, **options: Any) -> Any:
    """A workflow of the one step `a`."""
    return workflow(group({"a": []}, {"a": body}), **options)


def switch(value: Any, *literals: Any, default: bool = False) -> SwitchPlan:
    cases = tuple((literal, call(transform(f"case {literal}"))) for literal in literals)
    return SwitchPlan(
        value=lambda _scope: value, cases=cases, default=call(transform("default")) if default else None
    )


# Conditions


def test_a_false_condition_with_an_else_does_that_instead() -> None:
    action = ActionPlan(body=call(), condition=lambda _scope: False, otherwise=call(transform("other")))
    state, events = submit(one(action))
    assert started(events) == ["a"]
    assert state.activities["a"].body.task.name == "other"
    assert complete(state, "a", output=2)[-1] == WorkflowCompleted(at=1.0, output={"a": 2})


# Switches


@pytest.mark.parametrize(
    ("value", "case"),
    [("stripe", 0), (1, 1), (1.0, 1), (True, 2), (None, 3), (False, None), ("1", None), ([1], None)],
)
def test_the_first_equal_case_wins_and_nothing_is_coerced(value: Any, case: int | None) -> None:
    state, events = submit(one(switch(value, "stripe", 1, True, None, "stripe", default=True)))
    assert only(events, SwitchMatched) == [SwitchMatched(at=0.0, task="a", case=case)]
    name = "default" if case is None else f"case {['stripe', 1, True, None][case]}"
    assert state.activities["a"].body.task.name == name


@pytest.mark.parametrize(
    ("value", "shown"), [("x", '"x"'), ({"big": 1}, "a object"), ([], "a array"), ("y" * 99, "...")]
)
def test_a_switch_without_a_match_or_a_default_fails_its_task(value: Any, shown: str) -> None:
    state, events = submit(one(switch(value, "stripe")))
    assert isinstance(events[-1], WorkflowFailed)
    failure = events[-1].failure
    assert (failure.code, failure.task, failure.source) == (FailureCode.NO_CASE, "a", Source.CALLER)
    assert shown in failure.message
    assert state.status is ExecutionStatus.FAILED


def test_a_switch_whose_value_cannot_be_read_fails_its_task() -> None:
    _, events = submit(one(SwitchPlan(value=broken, cases=())))
    assert isinstance(events[-1], WorkflowFailed)
    assert "the value of the switch cannot be resolved" in events[-1].failure.message


# Loops


def test_items_are_done_several_at_a_time_and_their_outputs_keep_their_order() -> None:
    state, events = submit(one(loop([10, 20, 30], max_parallel=2)))
    assert only(events, ForEachStarted) == [ForEachStarted(at=0.0, task="a", item_count=3)]
    assert started(events) == ["a[0]", "a[1]"]
    assert state.activities["a[1]"].scope.items == {"item": 20, "index": 1}
    assert started(complete(state, "a[1]", output="second")) == ["a[2]"]
    complete(state, "a[2]", output="third")
    events = complete(state, "a[0]", at=2.0, output="first")
    assert events[0] == ForEachCompleted(at=2.0, task="a", success_count=3, failure_count=0)
    assert state.output == {"a": ["first", "second", "third"]}


def test_a_loop_over_nothing_completes_at_once() -> None:
    state, events = submit(one(loop([])))
    assert only(events, ForEachCompleted) == [
        ForEachCompleted(at=0.0, task="a", success_count=0, failure_count=0)
    ]
    assert state.output == {"a": []}


def test_a_condition_inside_a_loop_filters_its_items() -> None:
    plan = one(loop([1, 2, 3], condition=lambda scope: scope.items["item"] != 2, condition_text="not 2"))
    state, events = submit(plan)
    assert only(events, ConditionEvaluated)[1] == ConditionEvaluated(at=0.0, task="a[1]", result=False)
    assert only(events, TaskSkipped) == [TaskSkipped(at=0.0, task="a[1]", reason="condition is false: not 2")]
    complete(state, "a[0]", output="x")
    complete(state, "a[2]", output="z")
    assert state.output == {"a": ["x", "z"]}
    assert state.scope.loops["a"] == {
        "outputs": ["x", "z"],
        "itemCount": 3,
        "successCount": 2,
        "failureCount": 0,
        "itemResults": [
            {"index": 0, "status": "completed", "output": "x"},
            {"index": 1, "status": "skipped", "output": None},
            {"index": 2, "status": "completed", "output": "z"},
        ],
    }


def test_an_item_that_fails_is_counted_when_the_loop_goes_on() -> None:
    state, _ = submit(one(loop([1, 2], tolerant=True)))
    fail(state, "a[0]")
    complete(state, "a[1]", output="fine")
    assert state.output == {"a": ["fine"]}
    results: Any = state.scope.loops["a"]
    assert (results["itemCount"], results["successCount"], results["failureCount"]) == (2, 1, 1)
    assert results["itemResults"][0] == {
        "index": 0,
        "status": "failed",
        "output": None,
        "error": {"code": "upstream-status", "message": "410"},
    }


def test_an_item_that_fails_fails_the_loop_and_what_runs_beside_it_is_given_up() -> None:
    state, _ = submit(one(loop([1, 2, 3], max_parallel=2)))
    events = fail(state, "a[0]")
    assert [type(event) for event in without_letters(events)] == [TaskFailed, WorkflowFailed]
    assert events[0].task == "a"
    assert "a[1]" not in state.activities
    assert state.root.running == 0


def test_a_failing_loop_awaits_its_unsafe_calls_and_takes_up_nothing_more() -> None:
    state, _ = submit(one(loop([1, 2, 3], call(unsafe()), max_parallel=2)))
    assert fail(state, "a[0]") == []
    events = complete(state, "a[1]")
    assert started(events) == []
    assert only(events, ForEachIteration) == []
    assert isinstance(events[-1], WorkflowFailed)


@pytest.mark.parametrize("items", [None, 7, {"a": 1}, "text"])
def test_a_loop_goes_through_lists_only(items: Any) -> None:
    _, events = submit(one(loop(lambda _scope: items)))
    assert isinstance(events[-1], WorkflowFailed)
    assert "forEach of a needs a list" in events[-1].failure.message


def test_a_list_longer_than_the_loop_takes_fails_it() -> None:
    _, events = submit(one(loop([1, 2, 3], max_items=2)))
    assert isinstance(events[-1], WorkflowFailed)
    assert events[-1].failure.code is FailureCode.TOO_MANY_ITEMS
    assert "takes at most 2 items, and these are 3" in events[-1].failure.message


def test_the_items_of_an_execution_are_bounded_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(begin, "MAX_ITERATIONS", 5)
    inner = loop([1, 2, 3])
    state, _ = submit(one(loop([1, 2], inner, max_parallel=1)))
    complete(state, "a[0][0]")
    complete(state, "a[0][1]")
    events = complete(state, "a[0][2]")
    assert isinstance(events[-1], WorkflowFailed)
    assert events[-1].failure.code is FailureCode.TOO_MANY_ITEMS


def test_loops_in_loops_know_the_items_around_them() -> None:
    plan = one(loop(["x", "y"], loop([1, 2], variable="inner"), variable="outer"))
    state, events = submit(plan)
    assert started(events) == ["a[0][0]", "a[1][0]", "a[0][1]", "a[1][1]"]
    around = {"outer": "y", "index": 1}
    assert state.activities["a[1][0]"].scope.items == {
        "outer": "y",
        "inner": 1,
        "index": 0,
        "$parent": around,
        "$root": around,
    }
    for name in ("a[0][0]", "a[0][1]", "a[1][0]", "a[1][1]"):
        complete(state, name, output=name)
    assert state.output == {"a": [["a[0][0]", "a[0][1]"], ["a[1][0]", "a[1][1]"]]}


def test_items_are_taken_up_no_faster_than_calls_find_room() -> None:
    state, events = submit(one(loop(list(range(100)), max_parallel=50), max_parallel=2))
    assert started(events) == ["a[0]", "a[1]"]
    assert len(only(events, ForEachIteration)) == 3
    assert len(complete(state, "a[0]")) == 2


def test_a_skipped_loop_gives_null_and_counts_nothing() -> None:
    action = ActionPlan(body=loop([1]), condition=lambda _scope: False)
    state, _ = submit(one(action))
    assert state.output == {"a": None}
    assert state.scope.loops["a"]["itemCount"] == 0
    assert state.scope.loops["a"]["outputs"] == []


# Nested tasks


def test_nested_tasks_are_a_graph_of_their_own() -> None:
    inner = group({"x": [], "y": ["x"]}, output=lambda scope: [scope.outputs["x"], scope.outputs["y"]])
    state, events = submit(workflow(group({"a": [], "b": ["a"]}, {"a": inner})))
    assert only(events, GroupStarted) == [GroupStarted(at=0.0, task="a", deadline_at=30.0)]
    assert started(events) == ["a/x"]
    (start,) = only(complete(state, "a/x", output=1), type(events[-1]))
    assert (start.task, start.waited_for) == ("a/y", ("a/x",))
    events = complete(state, "a/y", output=2)
    assert only(events, GroupCompleted) == [GroupCompleted(at=1.0, task="a")]
    assert started(events) == ["b"]
    assert state.scope.outputs == {"a": [1, 2]}


def test_nested_tasks_read_what_is_around_them_and_nobody_outside_reads_theirs() -> None:
    seen: list[Any] = []

    def look(scope: Any) -> Any:
        seen.append((scope.outputs["first"], scope.statuses["first"]))
        return scope.input

    inner = group({"x": []}, {"x": ActionPlan(body=call(), condition=lambda s: look(s) is not None)})
    plan = workflow(group({"first": [], "a": ["first"]}, {"a": inner}))
    state, _ = submit(plan)
    complete(state, "first", output="seen")
    complete(state, "a/x")
    assert seen == [("seen", "completed")]
    assert set(state.scope.outputs) == {"first", "a"}


def test_the_output_of_nested_tasks_may_have_no_value() -> None:
    state, _ = submit(one(group({"x": []}, output=broken)))
    events = complete(state, "a/x")
    assert [type(event) for event in events] == [TaskFailed, WorkflowFailed]
    assert events[0].failure.message.startswith("the output cannot be resolved")


def test_a_timeout_of_nested_tasks_bounds_them_as_a_whole() -> None:
    plan = workflow(group({"a": []}, {"a": group({"x": []}, timeout_seconds=5.0)}, optional=["a"]))
    state, _ = submit(plan)
    assert wake_at(state) == 5.0
    assert advance(state, None, 4.9) == []
    events: list[Any] = advance(state, None, 5.0)
    assert isinstance(events[0], TaskFailed)
    assert (events[0].task, events[0].failure.code) == ("a", FailureCode.DEADLINE)
    assert events[0].failure.message == "the deadline passed before a/x ended"
    assert state.status is ExecutionStatus.COMPLETED
    assert state.timed == []


# Sub-workflows


def child(**options: Any) -> SubworkflowPlan:
    inner = workflow(
        group({"x": []}),
        **{"workflow": "child", "version": 3, "digest": "d", **options},
    )
    return SubworkflowPlan(plan=inner, bind=compile_value({"n": "{{input.m}}"}))


def test_a_sub_workflow_sees_its_own_input_and_nothing_of_its_parent_s() -> None:
    state, events = submit(one(child(deadline_seconds=10.0)), {"m": 7})
    assert only(events, SubworkflowStarted) == [
        SubworkflowStarted(at=0.0, task="a", workflow="child", version=3, digest="d", deadline_at=10.0)
    ]
    scope = state.activities["a/x"].scope
    assert (scope.input, scope.workflow_name, scope.outputs) == ({"n": 7}, "child", {})
    assert (scope.execution_id, scope.tenant_name) == ("id", "acme")
    assert complete(state, "a/x", output=1)[-1] == WorkflowCompleted(at=1.0, output={"a": {"x": 1}})


def test_a_sub_workflow_ends_by_its_own_deadline_and_fails_its_step() -> None:
    state, _ = submit(one(child(deadline_seconds=2.0)), {"m": 7})
    events: list[Any] = advance(state, None, 2.0)
    assert [type(event) for event in without_letters(events)] == [TaskFailed, WorkflowFailed]
    assert events[-1].failure.code is FailureCode.DEADLINE
    assert events[-1].failure.task == "a"


def test_a_sub_workflow_has_no_more_time_than_its_parent() -> None:
    state, _ = submit(one(child(deadline_seconds=99.0)), {"m": 7}, deadline_at=4.0)
    assert state.activities["a/x"].deadline_at == 4.0


def test_the_input_of_a_sub_workflow_is_validated() -> None:
    schema = compile_validator({"properties": {"n": {"type": "string"}}})
    _, events = submit(one(child(input_validator=schema)), {"m": 7})
    assert isinstance(events[-1], WorkflowFailed)
    failure = events[-1].failure
    assert (failure.code, failure.source) == (FailureCode.INPUT_MISMATCH, Source.CALLER)
    assert failure.message.startswith("the input of workflow child does not match its schema: /n:")


def test_a_sub_workflow_runs_no_more_at_once_than_it_says() -> None:
    inner = workflow(group({"x": [], "y": []}), max_parallel=1)
    plan = workflow(
        group({"a": [], "b": []}, {"a": SubworkflowPlan(plan=inner, bind=lambda scope: scope.input)})
    )
    state, events = submit(plan)
    assert started(events) == ["b", "a/x"]
    assert started(complete(state, "a/x")) == ["a/y"]


# Responses


def response(**options: Any) -> ResponsePlan:
    return ResponsePlan(**{"status": lambda _scope: 201, **options})


def test_a_response_is_decided_with_the_output() -> None:
    plan = one(
        call(),
        response=response(
            headers=(("Location", lambda scope: f"/orders/{scope.outputs['a']}"),),
            content_type=lambda _scope: "text/csv",
            body=lambda _scope: "a,b",
            is_json=False,
        ),
    )
    state, _ = submit(plan)
    (event,) = complete(state, "a", output=7)
    assert event.answer == Answer(
        status=201,
        headers={"Location": "/orders/7"},
        content_type="text/csv",
        body="a,b",
        is_json=False,
    )
    assert state.answer is event.answer


@pytest.mark.parametrize("status", [199, 600, "200", True, 200.5, None])
def test_a_response_needs_a_status_that_is_one(status: Any) -> None:
    state, _ = submit(one(call(), response=response(status=lambda _scope: status)))
    event = complete(state, "a")[-1]
    assert isinstance(event, WorkflowFailed)
    assert "the response cannot be resolved: status" in event.failure.message


def test_a_raw_response_needs_a_text() -> None:
    plan = one(
        call(),
        response=response(content_type=lambda _scope: "text/plain", body=lambda _scope: 7, is_json=False),
    )
    state, _ = submit(plan)
    event = complete(state, "a")[-1]
    assert isinstance(event, WorkflowFailed)
    assert "needs a text as its body" in event.failure.message


def test_the_values_of_a_step_are_the_caller_s_only_when_nothing_comes_before_it() -> None:
    plan = make_plan({"a": [], "b": ["a"]}, conditions={"b": broken})
    state, _ = submit(plan)
    (failed, *_) = complete(state, "a")
    assert isinstance(failed, TaskFailed)
    assert failed.failure.source is Source.UPSTREAM


def test_whatever_a_step_does_it_tells_what_it_waited_for() -> None:
    bodies: dict[str, BodyPlan] = {"loop": loop([1]), "group": group({"x": []}), "child": child()}
    plan = workflow(group({"first": [], **{step: ["first"] for step in bodies}}, bodies))
    state, _ = submit(plan, {"m": 1})
    events = complete(state, "first")
    begun = [
        event for event in events if isinstance(event, ForEachStarted | GroupStarted | SubworkflowStarted)
    ]
    assert {event.task: event.waited_for for event in begun} == dict.fromkeys(bodies, ("first",))
