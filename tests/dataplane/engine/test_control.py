"""What is done to executions from outside: cancelled, failed, paused, resumed; one rule at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    DeadLettered,
    DeadLetterReason,
    Failure,
    FailureCode,
    TaskRetried,
    WorkflowCancelled,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowResumed,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.language.plan.model import ActionPlan, RetryPolicy, SubworkflowPlan
from tenantry.protocol.problems import Source
from tests.support.deciding import (
    BUSY,
    complete,
    fail,
    only,
    started,
    submit,
    without_letters,
)
from tests.support.plans import call, group, keyed, loop, make_plan, unsafe, workflow
from tests.support.stages import compensating, completed, failed, instants, paused

TWICE = RetryPolicy(max_attempts=2, initial_delay_seconds=0.5, jitter=False)
BROKEN = Failure(code=FailureCode.INTERNAL, message="it broke", source=Source.PLATFORM)


# Cancel


def test_a_running_execution_is_cancelled_at_once_and_once() -> None:
    state, _ = submit(make_plan({"a": []}))
    assert control.cancel(state, "key", 1.0) == [WorkflowCancelled(at=1.0, actor="key")]
    assert state.status is ExecutionStatus.CANCELLED
    assert control.cancel(state, "other", 2.0) == []


def test_a_paused_execution_can_be_cancelled() -> None:
    state = paused(make_plan({"a": []}))
    assert control.cancel(state, "key", 2.0) == [WorkflowCancelled(at=2.0, actor="key")]


def test_what_is_being_undone_is_not_cancelled() -> None:
    assert control.cancel(compensating(), "key", 1.0) == []


def test_calls_that_are_not_safe_and_are_cut_off_by_a_cancel_become_dead_letters() -> None:
    tasks = {"a": unsafe(), "b": keyed()}
    state, _ = submit(make_plan({"a": [], "b": [], "c": []}, tasks=tasks))
    *letters, end = control.cancel(state, "key", 1.0)
    assert isinstance(end, WorkflowCancelled)
    assert [(one.task, one.reason, one.attempts) for one in only(letters, DeadLettered)] == [
        ("a", DeadLetterReason.OUTCOME_UNKNOWN, 1),
        ("b", DeadLetterReason.OUTCOME_UNKNOWN, 1),
    ]


# Fail


def test_an_execution_can_be_ended_by_a_failure_that_is_not_its_own_and_that_is_a_dead_letter() -> None:
    state, _ = submit(make_plan({"a": []}))
    assert without_letters(control.fail(state, BROKEN, 1.0)) == [WorkflowFailed(at=1.0, failure=BROKEN)]
    assert state.lettered == {"": DeadLetterReason.PERMANENT}
    assert control.fail(state, BROKEN, 2.0) == []


def test_a_failure_from_outside_that_is_the_caller_s_fault_is_no_dead_letter() -> None:
    state, _ = submit(make_plan({"a": []}))
    wrong = Failure(code=FailureCode.INPUT_MISMATCH, message="", source=Source.CALLER)
    assert control.fail(state, wrong, 1.0) == [WorkflowFailed(at=1.0, failure=wrong)]


def test_what_has_completed_does_not_fail_any_more() -> None:
    state = completed()
    assert control.fail(state, BROKEN, 2.0) == []
    assert state.status is ExecutionStatus.COMPLETED


@pytest.mark.parametrize("undoing", [False, True])
def test_whatever_a_failure_from_outside_cuts_off_that_is_not_safe_is_a_dead_letter(*, undoing: bool) -> None:
    action = ActionPlan(body=call(unsafe()), compensate=call(unsafe()))
    state, _ = submit(workflow(group({"a": [], "b": ["a"]}, {"a": action})))
    if undoing:
        complete(state, "a")
        fail(state, "b")
    letters = only(control.fail(state, BROKEN, 1.0), DeadLettered)
    assert [one.task for one in letters] == ["a~compensate" if undoing else "a", ""]


# Pause and resume


def test_while_paused_nothing_begins_and_what_is_in_flight_is_waited_for() -> None:
    state, _ = submit(make_plan({"a": [], "b": ["a"]}))
    assert control.pause(state, "key", 1.0) == [WorkflowPaused(at=1.0, actor="key")]
    assert complete(state, "a", at=2.0) == []
    assert state.status is ExecutionStatus.PAUSED
    assert control.resume(state, "other", 5.0) == [WorkflowResumed(at=5.0, actor="other")]
    assert started(advance(state, None, 5.0)) == ["b"]


def test_a_failure_that_arrives_while_paused_is_dealt_with_when_it_is_resumed() -> None:
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}))
    control.pause(state, "key", 1.0)
    assert fail(state, "a", BUSY, at=2.0) == []
    control.resume(state, "key", 9.0)
    assert advance(state, None, 9.0) == [TaskRetried(at=9.0, task="a", attempt=2, not_before=9.5)]


@pytest.mark.parametrize("make", [completed, failed, compensating])
def test_only_what_runs_is_paused_and_only_what_is_paused_is_resumed(make: Any) -> None:
    state = make()
    assert control.pause(state, "key", 3.0) == []
    assert control.resume(state, "key", 3.0) == []
    state = paused(make_plan({"a": []}))
    assert control.pause(state, "key", 3.0) == []
    control.resume(state, "key", 3.0)
    assert control.resume(state, "key", 3.0) == []


def test_a_pause_postpones_every_deadline_and_every_retry_by_exactly_its_length() -> None:
    inner = group({"x": []}, {"x": call(retry=TWICE)}, timeout_seconds=10.0)
    child = SubworkflowPlan(
        plan=workflow(group({"y": []}), deadline_seconds=12.0), bind=lambda scope: scope.input
    )
    items = loop([0], group({"z": []}))
    plan = workflow(group({"a": [], "b": [], "c": []}, {"a": inner, "b": child, "c": items}))
    state, _ = submit(plan)
    fail(state, "a/x", BUSY, at=1.0)
    before = instants(state)
    assert {state.deadline_at, 10.0, 12.0, 1.5} <= set(before.values())
    control.pause(state, "key", 1.25)
    assert wake_at(state) == float("inf")
    assert advance(state, None, 1000.0) == []
    control.resume(state, "key", 1001.25)
    assert instants(state) == {name: at + 1000.0 for name, at in before.items()}
    assert advance(state, None, 1001.25) == []
    assert started(advance(state, None, 1001.5)) == ["a/x"]


def test_what_begins_after_a_pause_has_the_postponed_deadline() -> None:
    state, _ = submit(make_plan({"a": [], "b": ["a"]}))
    control.pause(state, "key", 1.0)
    complete(state, "a", at=2.0)
    control.resume(state, "key", 11.0)
    advance(state, None, 11.0)
    assert state.activities["b"].deadline_at == state.deadline_at == 40.0


def test_by_a_clock_that_is_behind_what_is_resumed_has_as_long_left_as_when_it_was_paused() -> None:
    state = paused(make_plan({"a": []}), at=5.0)
    control.recover(state, "another", -3000.0)
    control.resume(state, "key", -3595.0)
    assert state.deadline_at == -3595.0 + 25.0
