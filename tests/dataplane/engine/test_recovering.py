"""What another executor does with an execution it takes over; one rule at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import (
    DeadLettered,
    DeadLetterReason,
    FailureCode,
    FallbackStarted,
    TaskCompleted,
    TaskFailed,
    TaskRetried,
    TaskStarted,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowRecovered,
)
from tenantry.dataplane.engine.core.failures import MAX_RECOVERIES
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.language.plan.model import ActionPlan, RetryPolicy, ValuePlan
from tenantry.protocol.problems import Source
from tests.support.deciding import (
    BUSY,
    GONE,
    complete,
    fail,
    of,
    only,
    recover,
    started,
    submit,
)
from tests.support.plans import call, group, keyed, make_plan, transform, unsafe
from tests.support.stages import compensating, completed, failed, instants, one, paused

TWICE = RetryPolicy(max_attempts=2, initial_delay_seconds=0.5, jitter=False)


def test_whoever_takes_an_execution_over_makes_up_for_the_time_nobody_ran_it() -> None:
    state, _ = submit(make_plan({"a": [], "b": []}, retries={"a": TWICE}))
    fail(state, "a", BUSY, at=1.0)
    before = instants(state)
    control.recover(state, "another", 21.0)
    assert instants(state) == {name: at + 20.0 for name, at in before.items()}
    assert state.recoveries == 1


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_what_was_due_in_a_moment_is_whatever_the_clock_of_whoever_takes_it_over_says(ahead: float) -> None:
    state, _ = submit(make_plan({"a": [], "b": []}, retries={"a": TWICE}))
    fail(state, "a", BUSY, at=9.0)
    before = instants(state)
    assert before["a again"] == 9.5
    control.recover(state, "another", 9.0 + ahead)
    assert instants(state) == {name: at + ahead for name, at in before.items()}
    assert started(advance(state, None, 9.4 + ahead)) == ["b"]
    assert started(advance(state, None, 9.5 + ahead)) == ["a"]


def test_a_pause_that_outlives_its_executor_is_made_up_for_once() -> None:
    state = paused(make_plan({"a": []}), at=1.0)
    assert [type(event) for event in recover(state, at=7.0)] == [WorkflowRecovered, TaskFailed]
    assert (state.status, state.deadline_at) == (ExecutionStatus.PAUSED, 30.0)
    control.resume(state, "key", 11.0)
    assert state.deadline_at == 40.0
    assert started(advance(state, None, 11.0)) == ["a"]


@pytest.mark.parametrize("make", [completed, failed])
def test_what_has_ended_is_not_taken_over(make: Any) -> None:
    assert control.recover(make(), "another", 2.0) == []


@pytest.mark.parametrize("task", [transform(), keyed()])
def test_an_interrupted_call_that_may_be_repeated_is(task: Any) -> None:
    state, _ = submit(make_plan({"a": []}, tasks={"a": task}))
    events = recover(state, at=1.0)
    assert [type(event) for event in events] == [WorkflowRecovered, TaskFailed, TaskRetried, TaskStarted]
    failure = events[1].failure
    assert (failure.code, failure.source, failure.task) == (FailureCode.INTERRUPTED, Source.PLATFORM, "a")
    assert failure.outcome_unknown is not task.safe
    assert events[3] == TaskStarted(at=1.0, task="a", attempt=2)
    assert complete(state, "a", output=1, at=2.0)[-1] == WorkflowCompleted(at=2.0, output={"a": 1})


def test_an_interrupted_attempt_does_not_count_against_those_the_task_may_have() -> None:
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}))
    recover(state, at=1.0)
    (again,) = fail(state, "a", BUSY, at=2.0)
    assert again == TaskRetried(at=2.0, task="a", attempt=3, not_before=2.5)
    advance(state, None, 2.5)
    recover(state, at=3.0)
    assert isinstance(fail(state, "a", BUSY, at=4.0)[-1], WorkflowFailed)


def test_a_fallback_has_all_of_its_attempts_whatever_was_interrupted_before_it() -> None:
    state, _ = submit(one(ActionPlan(body=call(), fallback=call(retry=TWICE))))
    recover(state, at=1.0)
    assert started(fail(state, "a", GONE, at=2.0)) == ["a~fallback"]
    assert isinstance(fail(state, "a~fallback", BUSY, at=2.0)[-1], TaskRetried)
    advance(state, None, 2.5)
    assert isinstance(fail(state, "a~fallback", BUSY, at=3.0)[-1], WorkflowFailed)


def test_a_call_that_may_be_what_kills_executors_is_not_repeated_for_ever() -> None:
    state, _ = submit(make_plan({"a": []}))
    for number in range(1, MAX_RECOVERIES + 1):
        assert started(recover(state, at=float(number))) == ["a"]
    events = recover(state, at=11.0)
    assert isinstance(events[-1], WorkflowFailed)
    assert events[-1].failure.code is FailureCode.INTERRUPTED
    assert only(events, DeadLettered)[0].reason is DeadLetterReason.RETRIES_EXHAUSTED


def test_an_interrupted_call_that_may_not_be_repeated_is_a_dead_letter_and_takes_no_fallback() -> None:
    state, _ = submit(one(ActionPlan(body=call(unsafe(), retry=TWICE), fallback=call())))
    events = recover(state)
    assert [type(event) for event in events] == [WorkflowRecovered, TaskFailed, DeadLettered, WorkflowFailed]
    letter, end = events[2:]
    assert (letter.task, letter.reason, letter.attempts) == ("a", DeadLetterReason.OUTCOME_UNKNOWN, 1)
    assert end.failure.code is FailureCode.OUTCOME_UNKNOWN
    assert end.failure.message == ("the executor stopped during attempt 1 at a: it may have taken effect")


def test_a_keyed_call_that_is_not_repeated_any_more_is_a_dead_letter_and_takes_no_fallback() -> None:
    state, _ = submit(one(ActionPlan(body=call(keyed()), fallback=call())))
    for number in range(MAX_RECOVERIES):
        recover(state, at=float(number))
    events = recover(state, at=20.0)
    assert only(events, FallbackStarted) == []
    assert only(events, DeadLettered)[0].reason is DeadLetterReason.OUTCOME_UNKNOWN


def test_an_unknown_outcome_is_a_dead_letter_even_when_something_else_fails_the_execution() -> None:
    state, _ = submit(make_plan({"a": [], "b": []}, tasks={"b": unsafe()}))
    assert fail(state, "a", GONE) == []  # b is waited for
    events = recover(state, at=2.0)
    assert [one.task for one in only(events, DeadLettered)] == ["b", "a"]
    assert events[-1] == WorkflowFailed(at=2.0, failure=of("a", GONE))


def test_nothing_stands_in_for_a_whole_in_which_an_outcome_is_unknown() -> None:
    inner = group({"x": [], "y": []}, {"y": call(unsafe())})
    state, _ = submit(one(ActionPlan(body=inner, fallback=ValuePlan(evaluate=lambda _scope: "plain"))))
    fail(state, "a/x", GONE)
    events = recover(state, at=2.0)
    assert only(events, FallbackStarted) == []
    assert isinstance(events[-1], WorkflowFailed)


def test_a_compensation_that_was_interrupted_is_made_again_or_told_of() -> None:
    state = compensating()
    assert started(recover(state, at=2.0)) == ["a~compensate"]
    events = recover(compensating(unsafe()), at=2.0)
    assert only(events, DeadLettered)[0].task == "a~compensate"
    assert events[-1].failure.message == "410; the compensation of a failed"


def test_whoever_takes_what_is_paused_recovers_it_if_calls_were_left_in_flight_and_else_does_nothing() -> (
    None
):
    state = paused()
    assert [type(event) for event in control.settle(state, "another", 2.0)] == [WorkflowRecovered, TaskFailed]
    assert control.settle(state, "another", 2.0) == []
    state, _ = submit(make_plan({"a": []}))
    control.cancel(state, "key", 1.0)
    assert control.settle(state, "another", 2.0) == []


def test_an_outcome_counts_once_and_only_for_its_attempt() -> None:
    state, _ = submit(make_plan({"a": [], "b": []}, retries={"a": TWICE}))
    first = TaskFailed(at=1.0, task="a", attempt=1, failure=of("a", BUSY))
    late = TaskCompleted(at=1.0, task="a", attempt=1, output="late")
    assert only(advance(state, first, 1.0), TaskRetried)
    assert advance(state, first, 1.0) == [first]
    assert advance(state, late, 1.0) == [late]
    assert started(advance(state, None, 1.5)) == ["a"]
    assert advance(state, first, 2.0) == [first]
    assert advance(state, late, 2.0) == [late]
    assert state.root.running == 2
    complete(state, "a", output="second")
    assert advance(state, late, 2.0) == [late]
    assert complete(state, "b", at=3.0, output=1)[-1].output == {"a": "second", "b": 1}
