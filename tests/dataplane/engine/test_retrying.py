"""Executions that failed or were cancelled, run again; one rule at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.events import (
    CompensationStarted,
    FallbackStarted,
    TaskCompleted,
    TaskRetried,
    TaskScheduled,
    WorkflowFailed,
    WorkflowRetried,
)
from tenantry.dataplane.engine.core.failures import MAX_RECOVERIES
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.language.plan.model import ActionPlan, RetryPolicy, ValuePlan
from tests.support.deciding import (
    BUSY,
    GONE,
    complete,
    fail,
    only,
    recover,
    retry,
    started,
    submit,
)
from tests.support.plans import call, group, loop, make_plan, transform, unsafe, workflow
from tests.support.stages import compensating, completed, one, paused, saga

TWICE = RetryPolicy(max_attempts=2, initial_delay_seconds=0.5, jitter=False)


def test_a_retry_makes_only_those_calls_that_did_not_complete() -> None:
    state, _ = submit(make_plan({"a": [], "b": ["a"], "c": ["b"]}))
    complete(state, "a", output="kept")
    fail(state, "b")
    events = retry(state, at=5.0)
    assert isinstance(events[0], WorkflowRetried)
    assert only(events, TaskCompleted) == [
        TaskCompleted(at=5.0, task="a", attempt=0, output="kept", reused=True)
    ]
    assert started(events) == ["b"]
    assert (state.run, state.status, state.deadline_at) == (2, ExecutionStatus.RUNNING, 35.0)
    complete(state, "b", output=2)
    assert complete(state, "c", output=3)[-1].output == {"a": "kept", "b": 2, "c": 3}


def test_what_was_cancelled_can_be_retried() -> None:
    state, _ = submit(make_plan({"a": [], "b": []}))
    complete(state, "a")
    control.cancel(state, "key", 2.0)
    assert started(retry(state)) == ["b"]


@pytest.mark.parametrize("make", [completed, compensating, lambda: paused(make_plan({"a": []}))])
def test_only_what_failed_or_was_cancelled_is_retried(make: Any) -> None:
    assert control.retry(make(), "key", 5.0, 35.0, {}) == []


def test_a_retry_begins_with_all_attempts_and_recoveries_again() -> None:
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}))
    for number in range(MAX_RECOVERIES + 1):
        recover(state, at=float(number))
    assert state.ended
    retry(state, at=20.0)
    assert state.recoveries == 0
    assert started(recover(state, at=21.0)) == ["a"]
    assert isinstance(fail(state, "a", BUSY, at=22.0)[-1], TaskRetried)


def test_what_was_undone_is_done_again_and_what_could_not_be_undone_is_not() -> None:
    def action() -> ActionPlan:
        return ActionPlan(body=call(), compensate=call(transform("undo")))

    state, _ = submit(workflow(group({"a": [], "b": ["a"], "c": ["b"]}, {"a": action(), "b": action()})))
    complete(state, "a", output="done a")
    complete(state, "b", output="done b")
    fail(state, "c")
    complete(state, "b~compensate")
    assert isinstance(fail(state, "a~compensate", GONE)[-1], WorkflowFailed)
    events = retry(state)
    assert [one.task for one in only(events, TaskCompleted) if one.reused] == ["a"]
    assert started(events) == ["b"]


def test_what_was_undone_as_a_whole_is_done_again_as_a_whole() -> None:
    inner = ActionPlan(body=group({"x": [], "y": []}), compensate=call(transform("undo")))
    state, _ = submit(workflow(group({"a": [], "b": ["a"]}, {"a": inner})))
    complete(state, "a/x")
    complete(state, "a/y")
    fail(state, "b")
    complete(state, "a~compensate")
    assert started(retry(state)) == ["a/x", "a/y"]


def test_what_is_reused_is_undone_like_everything_else_when_the_retry_fails_too() -> None:
    state, _ = submit(saga())
    complete(state, "a", output="done")
    control.cancel(state, "key", 2.0)
    retry(state)
    events = fail(state, "b", at=6.0)
    assert only(events, CompensationStarted)
    assert started(events) == ["a~compensate"]
    complete(state, "a~compensate", at=7.0)
    assert started(retry(state, at=8.0)) == ["a"]


@pytest.mark.parametrize("fallback", [call(transform("other")), ValuePlan(evaluate=lambda _scope: "plain")])
@pytest.mark.parametrize("body", [call(), group({"x": []})])
def test_what_stood_in_for_something_stands_in_for_it_again(fallback: Any, body: Any) -> None:
    action = ActionPlan(body=body, fallback=fallback)
    state, _ = submit(workflow(group({"a": [], "b": ["a"]}, {"a": action})))
    events = fail(state, "a/x" if "a/x" in state.activities else "a")
    if started(events) == ["a~fallback"]:
        complete(state, "a~fallback", output="plain")
    fail(state, "b")
    events = retry(state)
    assert only(events, FallbackStarted) == [FallbackStarted(at=5.0, task="a")]
    assert started(events) == ["b"]
    assert complete(state, "b", output=1)[-1].output == {"a": "plain", "b": 1}


def test_items_that_completed_are_not_done_again() -> None:
    state, _ = submit(one(loop([1, 2, 3], max_parallel=1)))
    complete(state, "a[0]", output="first")
    fail(state, "a[1]")
    assert started(retry(state)) == ["a[1]"]
    complete(state, "a[1]", output="second")
    assert complete(state, "a[2]", output="third")[-1].output == {"a": ["first", "second", "third"]}


def test_what_is_reused_waits_for_no_room() -> None:
    action = ActionPlan(body=call(), fallback=ValuePlan(evaluate=lambda _scope: "plain"))
    plan = workflow(group({"a": [], "b": [], "c": []}, {"c": action}), max_parallel=1)
    state, _ = submit(plan)
    control.cancel(state, "key", 1.0)
    state.done.update({"b": "kept", "c~fallback": "plain"})
    events = retry(state)
    assert [event.task for event in only(events, TaskCompleted)] == ["b", "c~fallback"]
    assert only(events, TaskScheduled) == []
    assert started(events) == ["a"]


def test_inside_of_what_waits_to_fail_nothing_is_reused() -> None:
    inner = group({"x": [], "y": [], "z": [], "after": ["z"]}, {"y": call(unsafe())})
    state, _ = submit(one(inner), reused={"a/after": "kept"})
    fail(state, "a/x", GONE)
    assert complete(state, "a/z") == []
    assert only(complete(state, "a/y"), TaskCompleted) == []


def test_inputs_given_to_a_retry_are_kept_and_what_they_change_is_done_again() -> None:
    state, _ = submit(make_plan({"a": [], "b": ["a"], "ab": ["b"], "beside": []}))
    for task in ("a", "b", "beside"):
        complete(state, task)
    fail(state, "ab")
    events = retry(state, a={"n": 2})
    assert events[0] == WorkflowRetried(at=5.0, actor="key", deadline_at=35.0, inputs={"a": {"n": 2}})
    assert started(events) == ["a"]
    assert [one.task for one in only(events, TaskCompleted) if one.reused] == ["beside"]
    assert started(complete(state, "a")) == ["b"]
    assert started(complete(state, "b")) == ["ab"]
    fail(state, "ab")
    assert started(retry(state, ab=3)) == ["ab"]
    assert state.inputs == {"a": {"n": 2}, "ab": 3}


def test_an_input_for_what_something_stood_in_for_as_a_whole_has_it_tried_again() -> None:
    inner = ActionPlan(body=group({"x": [], "y": ["x"]}), fallback=call(transform("other")))
    state, _ = submit(workflow(group({"a": [], "b": ["a"]}, {"a": inner})))
    complete(state, "a/x")
    fail(state, "a/y")
    complete(state, "a~fallback")
    fail(state, "b")
    assert started(retry(state, 5.0, **{"a/y": "better"})) == ["a/y"]


def test_of_a_loop_the_items_beside_the_one_that_is_given_an_input_stay() -> None:
    state, _ = submit(workflow(group({"a": [], "b": ["a"], "c": ["b"]}, {"a": loop([1, 2])})))
    for task in ("a[0]", "a[1]", "b"):
        complete(state, task)
    fail(state, "c")
    assert started(retry(state, 5.0, **{"a[1]": "better"})) == ["a[1]"]
    assert started(complete(state, "a[1]")) == ["b"]


def test_an_input_that_no_task_takes_was_journaled_once_and_is_still_folded() -> None:
    state, _ = submit(make_plan({"a": [], "b": ["a"]}))
    complete(state, "a")
    fail(state, "b")
    assert started(retry(state, 5.0, **{"nobody": 1, "a/": 2, "": 3})) == ["b"]


def test_a_task_that_is_given_another_input_is_tried_again_though_something_stood_in_for_it() -> None:
    plan = workflow(
        group({"a": [], "b": ["a"]}, {"a": ActionPlan(body=call(), fallback=call(transform("other")))})
    )
    state, _ = submit(plan)
    fail(state, "a")
    complete(state, "a~fallback")
    fail(state, "b")
    assert started(retry(state, a="better")) == ["a"]


def test_what_was_reused_in_one_retry_is_in_the_next() -> None:
    state, _ = submit(make_plan({"a": [], "b": [], "c": ["a", "b"]}))
    complete(state, "a", output=1)
    fail(state, "b")
    retry(state)
    fail(state, "b")
    events = retry(state)
    assert started(events) == ["b"]
    assert state.run == 3
    assert only(events, TaskCompleted)[0].output == 1


def test_a_fork_calls_nothing_of_what_it_reuses_not_even_when_it_is_retried() -> None:
    plan = make_plan({"new": [], "kept": []}, max_parallel=1)
    state, events = submit(plan, reused={"kept": "of the origin"})
    assert started(events) == ["new"]
    fail(state, "new")
    assert started(retry(state)) == ["new"]
    events = complete(state, "new", output=1)
    assert events[-1].output == {"new": 1, "kept": "of the origin"}
