"""The core's decisions, one rule at a time: time is a number in these tests and nothing runs."""

from __future__ import annotations

import pytest

from tenantry.dataplane.engine.core.decide import advance, decide, wake_at
from tenantry.dataplane.engine.core.events import (
    ConditionEvaluated,
    Failure,
    FailureCode,
    ForEachIteration,
    TaskFailed,
    TaskRetried,
    TaskScheduled,
    TaskSkipped,
    TaskStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowSubmitted,
    WorkflowValidated,
)
from tenantry.dataplane.engine.core.state import ExecutionState, ExecutionStatus
from tenantry.language.plan.model import ActionPlan, RetryOn, RetryPolicy, SubworkflowPlan
from tenantry.language.templates.errors import TemplateError
from tests.support.deciding import BUSY, GONE, complete, fail, of, only, started, submit, without_letters
from tests.support.plans import call, group, http, loop, make_plan, unsafe, workflow

TWICE = RetryPolicy(max_attempts=2, initial_delay_seconds=0.5, jitter=False)


def test_steps_without_dependencies_start_together() -> None:
    _state, events = submit(make_plan({"a": [], "b": [], "c": ["a"]}))
    assert [type(event) for event in events[:3]] == [WorkflowSubmitted, WorkflowValidated, WorkflowStarted]
    assert started(events) == ["a", "b"]


def test_a_step_starts_when_its_last_dependency_ends_and_names_what_it_waited_for() -> None:
    state, _ = submit(make_plan({"a": [], "b": [], "c": ["a", "b"]}))
    assert complete(state, "a") == []
    (start,) = complete(state, "b", at=2.0)
    assert start == TaskStarted(at=2.0, task="c", attempt=1, waited_for=("a", "b"))


def test_the_output_is_rendered_when_every_step_ended() -> None:
    state, _ = submit(make_plan({"a": []}))
    assert complete(state, "a", output={"id": 1}) == [WorkflowCompleted(at=1.0, output={"a": {"id": 1}})]
    assert state.status is ExecutionStatus.COMPLETED
    assert state.output == {"a": {"id": 1}}


def test_a_workflow_without_steps_completes_at_once() -> None:
    _, events = submit(make_plan({}, output=lambda scope: scope.input))
    assert events[-1] == WorkflowCompleted(at=0.0, output={})


def test_max_parallel_bounds_what_runs_at_once() -> None:
    state, events = submit(make_plan({"a": [], "b": [], "c": []}, max_parallel=2))
    assert started(events) == ["a", "b"]
    assert started(complete(state, "b")) == ["c"]


def test_a_call_that_finds_no_room_says_so_once_and_what_is_full() -> None:
    state, events = submit(make_plan({"a": [], "b": [], "c": [], "d": ["a"]}, max_parallel=1))
    assert only(events, TaskScheduled) == [TaskScheduled(at=0.0, task="b"), TaskScheduled(at=0.0, task="c")]
    events = complete(state, "a")
    assert started(events) == ["b"]
    assert only(events, TaskScheduled) == [TaskScheduled(at=1.0, task="d", waited_for=("a",))]
    assert complete(state, "b", at=2.0) == [TaskStarted(at=2.0, task="c", attempt=1)]
    assert complete(state, "c", at=3.0) == [TaskStarted(at=3.0, task="d", attempt=1, waited_for=("a",))]


def test_a_call_without_room_in_its_sub_workflow_names_that() -> None:
    child = workflow(group({"x": [], "y": []}), max_parallel=1)
    body = SubworkflowPlan(plan=child, bind=lambda scope: scope.input)
    _, events = submit(workflow(group({"a": [], "b": []}, {"a": body})))
    assert started(events) == ["b", "a/x"]
    assert only(events, TaskScheduled) == [TaskScheduled(at=0.0, task="a/y", blocked_by="a")]


def test_an_item_without_room_says_nothing_for_it_was_taken_up_ahead_of_its_time() -> None:
    _, events = submit(workflow(group({"a": []}, {"a": loop([0] * 5)}), max_parallel=2))
    assert started(events) == ["a[0]", "a[1]"]
    assert only(events, TaskScheduled) == []


def test_a_call_in_something_that_waits_to_fail_waits_for_no_room() -> None:
    inner = group({"x": [], "y": [], "z": [], "after": ["z"]}, {"y": call(unsafe())})
    state, _ = submit(workflow(group({"a": []}, {"a": inner}), max_parallel=3))
    fail(state, "a/x", GONE)
    assert complete(state, "a/z") == []


def test_a_false_condition_skips_the_step_and_those_after_it_read_null() -> None:
    plan = make_plan({"a": [], "b": ["a"]}, conditions={"a": lambda _scope: False})
    state, events = submit(plan)
    assert events[3] == ConditionEvaluated(at=0.0, task="a", result=False)
    assert events[4] == TaskSkipped(at=0.0, task="a", reason="condition is false: the condition")
    assert started(events) == ["b"]
    assert state.scope.outputs == {"a": None}
    assert state.scope.statuses == {"a": "skipped"}


def test_a_true_condition_is_evaluated_once_even_when_the_step_is_retried() -> None:
    plan = make_plan({"a": []}, conditions={"a": lambda _scope: True}, retries={"a": TWICE})
    state, events = submit(plan)
    assert ConditionEvaluated(at=0.0, task="a", result=True) in events
    fail(state, "a", BUSY)
    assert advance(state, None, 1.5) == [TaskStarted(at=1.5, task="a", attempt=2)]


def test_a_condition_without_a_value_fails_the_execution() -> None:
    def broken(_scope: object) -> bool:
        raise TemplateError("input.x", "there is no field x")

    _, events = submit(make_plan({"a": []}, conditions={"a": broken}))
    assert isinstance(events[-1], WorkflowFailed)
    assert events[-1].failure.code is FailureCode.UNRESOLVED
    assert events[-1].failure.task == "a"


def test_an_output_without_a_value_fails_the_execution() -> None:
    def broken(_scope: object) -> None:
        raise TemplateError("tasks.a.output.x", "there is no field x")

    state, _ = submit(make_plan({"a": []}, output=broken))
    event = complete(state, "a")[-1]
    assert isinstance(event, WorkflowFailed)
    assert "the output cannot be resolved" in event.failure.message


def test_a_retryable_failure_is_retried_after_its_delay() -> None:
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}))
    assert fail(state, "a", BUSY, at=1.0) == [TaskRetried(at=1.0, task="a", attempt=2, not_before=1.5)]
    assert wake_at(state) == 1.5
    assert decide(state, 1.4) is None
    assert advance(state, None, 1.5) == [TaskStarted(at=1.5, task="a", attempt=2)]


def test_a_retry_that_is_due_and_has_no_room_is_not_looked_at_again_until_something_ends() -> None:
    state, _ = submit(make_plan({"a": [], "b": []}, retries={"a": TWICE}, max_parallel=1))
    assert started(fail(state, "a", BUSY, at=1.0)) == ["b"]
    assert wake_at(state, 1.0) == 1.5
    assert advance(state, None, 1.6) == []
    assert wake_at(state, 1.6) == 30.0
    assert started(complete(state, "b", at=2.0)) == ["a"]


def test_a_long_row_of_decisions_can_be_taken_in_parts() -> None:
    plan = workflow(group({"a": []}, {"a": loop([0] * 10, condition=lambda _scope: False)}))
    _, whole = submit(plan)
    state = ExecutionState(plan, "id", "acme")
    parts = [advance(state, whole[0], 0.0, most=4)]
    while parts[-1]:
        parts.append(advance(state, None, 0.0, most=4))
    assert [len(part) for part in parts[:-2]] == [4] * (len(parts) - 2)
    assert [event for part in parts for event in part] == whole
    assert state.ended


def test_the_last_attempt_s_failure_fails_the_execution() -> None:
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}))
    fail(state, "a", BUSY)
    advance(state, None, 1.5)
    assert fail(state, "a", BUSY, at=2.0)[-1] == WorkflowFailed(at=2.0, failure=of("a", BUSY))


def test_a_failure_that_repeating_cannot_cure_is_not_retried() -> None:
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}))
    events = fail(state, "a", GONE)
    assert without_letters(events) == [WorkflowFailed(at=1.0, failure=of("a", GONE))]


def test_a_failure_the_policy_does_not_list_is_not_retried() -> None:
    policy = RetryPolicy(max_attempts=5, retry_on=frozenset({RetryOn.TIMEOUT}))
    state, _ = submit(make_plan({"a": []}, retries={"a": policy}))
    assert isinstance(fail(state, "a", BUSY)[-1], WorkflowFailed)


def test_a_retry_waits_as_long_as_the_upstream_asks() -> None:
    asked = Failure(
        code=FailureCode.UPSTREAM_STATUS, message="", retry_on=RetryOn.SERVER_ERROR, retry_after_seconds=4.0
    )
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}))
    assert fail(state, "a", asked, at=1.0) == [TaskRetried(at=1.0, task="a", attempt=2, not_before=5.0)]


def test_a_retry_that_cannot_begin_before_the_deadline_is_not_waited_for() -> None:
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}), deadline_at=1.2)
    events = fail(state, "a", BUSY, at=1.0)
    assert without_letters(events) == [WorkflowFailed(at=1.0, failure=of("a", BUSY))]


def test_an_unsafe_call_whose_outcome_is_unknown_is_not_repeated() -> None:
    unknown = Failure(
        code=FailureCode.UPSTREAM_TIMEOUT, message="", retry_on=RetryOn.TIMEOUT, outcome_unknown=True
    )
    plan = make_plan({"a": []}, tasks={"a": http("http://x", "POST", safe=False)}, retries={"a": TWICE})
    state, _ = submit(plan)
    assert isinstance(fail(state, "a", unknown)[-1], WorkflowFailed)
    plan = make_plan({"a": []}, retries={"a": TWICE})
    state, _ = submit(plan)
    assert isinstance(fail(state, "a", unknown)[-1], TaskRetried)


def test_jitter_is_drawn_from_the_seed_and_so_repeatable() -> None:
    policy = RetryPolicy(max_attempts=2, initial_delay_seconds=1.0)
    delays = set()
    for _ in range(2):
        state, _ = submit(make_plan({"a": []}, retries={"a": policy}))
        (retried,) = fail(state, "a", BUSY, at=1.0)
        assert isinstance(retried, TaskRetried)
        delays.add(retried.not_before)
    (delay,) = delays
    assert 1.0 <= delay < 2.0


def test_after_a_failure_nothing_new_starts_and_an_unsafe_call_is_awaited() -> None:
    plan = make_plan({"a": [], "b": [], "c": ["b"]}, tasks={"b": http("http://x", "POST", safe=False)})
    state, _ = submit(plan)
    assert fail(state, "a", GONE) == []
    events = complete(state, "b", at=2.0)
    assert without_letters(events) == [WorkflowFailed(at=2.0, failure=of("a", GONE))]


def test_while_a_part_waits_to_fail_nothing_is_decided_in_it() -> None:
    fine = ActionPlan(body=call(), condition=lambda _scope: True)
    inner = group({"x": [], "y": [], "z": [], "after": ["z"]}, {"y": call(unsafe()), "after": fine})
    plan = workflow(group({"a": [], "b": [], "after": ["b"]}, {"a": inner, "after": fine}))
    state, _ = submit(plan)
    assert fail(state, "a/x", GONE) == []
    assert complete(state, "a/z") == []
    assert started(complete(state, "b")) == ["after"]
    assert only(complete(state, "a/y", at=2.0), TaskFailed)[0].task == "a"


def test_a_loop_that_waits_to_fail_takes_up_no_item_and_others_do() -> None:
    loops = {"a": loop([0] * 5, call(unsafe())), "b": loop([0] * 5)}
    state, _ = submit(workflow(group({"a": [], "b": []}, loops), max_parallel=3))
    assert {"a[0]", "b[0]", "a[1]"} <= state.activities.keys()
    events = fail(state, "a[0]", GONE)
    assert events == [
        TaskStarted(at=1.0, task="b[1]", attempt=1),
        ForEachIteration(at=1.0, task="b", index=2),
    ]


def test_the_deadline_ends_everything_and_names_what_had_not_ended() -> None:
    state, _ = submit(make_plan({"a": [], "b": ["a"]}), deadline_at=5.0)
    assert wake_at(state) == 5.0
    event = advance(state, None, 5.0)[-1]
    assert isinstance(event, WorkflowFailed)
    assert event.failure.code is FailureCode.DEADLINE
    assert event.failure.message == "the deadline passed before a, b ended"


def test_a_result_that_arrives_at_the_deadline_still_counts() -> None:
    state, _ = submit(make_plan({"a": []}), deadline_at=5.0)
    assert isinstance(complete(state, "a", at=5.0)[-1], WorkflowCompleted)


@pytest.mark.parametrize("late", [None, "complete"])
def test_nothing_happens_after_the_end(late: str | None) -> None:
    state, _ = submit(make_plan({"a": []}))
    advance(state, WorkflowCancelled(at=1.0, actor="key"), 1.0)
    assert state.status is ExecutionStatus.CANCELLED
    assert decide(state, 100.0) is None
    if late:
        assert complete(state, "a", at=2.0) == []
        assert state.status is ExecutionStatus.CANCELLED
