"""Dead letters: which failures become one, why, and which do not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tenantry.dataplane.engine.core import letters
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import (
    CompensationStarted,
    DeadLettered,
    DeadLetterReason,
    Failure,
    FailureCode,
    FailureTolerated,
    TaskFailed,
    TaskRetried,
    WorkflowCompleted,
    WorkflowFailed,
)
from tenantry.language.plan.model import ActionPlan, RetryOn, RetryPolicy, ValuePlan
from tenantry.protocol.problems import Source
from tests.support.deciding import BUSY, GONE, complete, fail, of, only, retry, submit
from tests.support.plans import call, group, keyed, loop, make_plan, transform, unsafe, workflow
from tests.support.stages import compensating, one, saga

TWICE = RetryPolicy(max_attempts=2, initial_delay_seconds=0.5, jitter=False)
SLOW = Failure(
    code=FailureCode.UPSTREAM_TIMEOUT, message="slow", retry_on=RetryOn.TIMEOUT, outcome_unknown=True
)


def failure(code: FailureCode, **fields: Any) -> Failure:
    return Failure(code=code, message="", **fields)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (BUSY, DeadLetterReason.RETRIES_EXHAUSTED),
        (failure(FailureCode.CIRCUIT_OPEN), DeadLetterReason.RETRIES_EXHAUSTED),
        (failure(FailureCode.JOURNAL_UNAVAILABLE), DeadLetterReason.RETRIES_EXHAUSTED),
        (GONE, DeadLetterReason.PERMANENT),
        (failure(FailureCode.OUTPUT_MISMATCH), DeadLetterReason.PERMANENT),
        (failure(FailureCode.DEADLINE), DeadLetterReason.DEADLINE),
        (SLOW, DeadLetterReason.OUTCOME_UNKNOWN),
    ],
)
def test_a_letter_says_why_it_is_one(what: Failure, reason: DeadLetterReason) -> None:
    state, _ = submit(make_plan({"a": []}, tasks={"a": unsafe()}))
    letter, end = fail(state, "a", what, at=2.0)
    assert letter == DeadLettered(
        at=2.0, task="a", reason=reason, failure=of("a", what), attempts=1, task_name="call"
    )
    assert isinstance(end, WorkflowFailed)


def test_a_letter_tells_how_often_the_task_was_tried() -> None:
    state, _ = submit(make_plan({"a": []}, retries={"a": TWICE}))
    assert [type(event) for event in fail(state, "a", BUSY)] == [TaskRetried]
    advance(state, None, 1.5)
    assert fail(state, "a", BUSY, at=2.0)[0].attempts == 2


def test_the_fault_of_a_caller_is_no_letter() -> None:
    state, _ = submit(make_plan({"a": []}))
    wrong = failure(FailureCode.INPUT_MISMATCH, source=Source.CALLER)
    assert [type(event) for event in fail(state, "a", wrong)] == [WorkflowFailed]


def test_what_a_fallback_makes_up_for_is_no_letter_but_its_own_failure_is() -> None:
    state, _ = submit(one(ActionPlan(body=call(), fallback=ValuePlan(evaluate=lambda _scope: 1))))
    events = fail(state, "a")
    assert isinstance(events[-1], WorkflowCompleted)
    assert only(events, DeadLettered) == []
    state, _ = submit(one(ActionPlan(body=call(), fallback=call(transform("other")))))
    fail(state, "a")
    (letter,) = only(fail(state, "a~fallback"), DeadLettered)
    assert (letter.task, letter.task_name) == ("a~fallback", "other")


def test_what_is_tolerated_is_a_letter_all_the_same() -> None:
    state, _ = submit(workflow(group({"a": []}, optional=["a"])))
    kinds = [type(event) for event in fail(state, "a")]
    assert kinds == [DeadLettered, FailureTolerated, WorkflowCompleted]
    state, _ = submit(one(loop([1, 2], tolerant=True)))
    assert only(fail(state, "a[0]"), DeadLettered)[0].task == "a[0]"


def test_the_letter_comes_before_anything_is_undone_and_what_cannot_be_undone_has_one_too() -> None:
    state, _ = submit(saga())
    complete(state, "a")
    events = fail(state, "b")
    assert [type(event) for event in events[:2]] == [DeadLettered, CompensationStarted]
    (letter,) = only(fail(state, "a~compensate"), DeadLettered)
    assert (letter.task, letter.task_name) == ("a~compensate", "undo")


def test_a_failure_passed_on_through_wholes_is_one_letter() -> None:
    inner = group({"x": []})
    state, _ = submit(one(group({"y": []}, {"y": inner})))
    events = fail(state, "a/y/x")
    assert [event.task for event in only(events, TaskFailed)] == ["a/y", "a"]
    assert [event.task for event in only(events, DeadLettered)] == ["a/y/x"]


def test_there_is_one_letter_for_a_path_and_no_more_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "MAX_LETTERS", 2)
    state, _ = submit(one(loop([1, 2, 3], tolerant=True)))
    told = [only(fail(state, f"a[{index}]"), DeadLettered) for index in range(3)]
    assert [len(events) for events in told] == [1, 1, 0]
    assert state.ended


def test_every_run_has_letters_of_its_own() -> None:
    state, _ = submit(make_plan({"a": []}))
    assert only(fail(state, "a"), DeadLettered)
    retry(state)
    assert only(fail(state, "a", at=6.0), DeadLettered)


# What is cut off


def test_a_deadline_that_cuts_off_calls_that_are_not_safe_makes_letters_of_them() -> None:
    tasks = {"a": unsafe(), "c": keyed()}
    state, _ = submit(make_plan({"a": [], "b": [], "c": []}, tasks=tasks), deadline_at=5.0)
    events = advance(state, None, 5.0)
    told, end = only(events, DeadLettered), events[-1]
    assert [(letter.task, letter.reason) for letter in told] == [
        ("a", DeadLetterReason.OUTCOME_UNKNOWN),
        ("c", DeadLetterReason.OUTCOME_UNKNOWN),
    ]
    assert isinstance(end, WorkflowFailed)
    assert (end.failure.code, end.failure.outcome_unknown) == (FailureCode.DEADLINE, True)
    assert told[0].failure.message == "a was cut off in its attempt 1: it may have taken effect"


def test_a_deadline_that_cuts_off_safe_calls_only_is_one_letter_of_its_own() -> None:
    state, _ = submit(make_plan({"a": []}), deadline_at=5.0)
    letter, end = advance(state, None, 5.0)
    assert isinstance(letter, DeadLettered)
    assert isinstance(end, WorkflowFailed)
    assert (letter.task, letter.reason, letter.attempts) == ("a", DeadLetterReason.DEADLINE, 0)
    assert not end.failure.outcome_unknown


def test_a_timeout_cuts_off_only_what_is_inside_and_nothing_stands_in_for_that() -> None:
    inner = group({"x": []}, {"x": call(unsafe())}, timeout_seconds=5.0)
    action = ActionPlan(body=inner, fallback=call())
    state, _ = submit(workflow(group({"a": [], "b": []}, {"a": action, "b": call(unsafe())})))
    events = advance(state, None, 5.0)
    assert [(letter.task, letter.reason) for letter in only(events, DeadLettered)] == [
        ("a/x", DeadLetterReason.OUTCOME_UNKNOWN)
    ]
    events = complete(state, "b", at=6.0)
    assert [type(event) for event in events] == [DeadLettered, WorkflowFailed]


def test_a_call_that_may_have_taken_effect_and_is_not_repeated_after_all_is_a_letter() -> None:
    state, _ = submit(make_plan({"a": [], "b": []}, tasks={"a": keyed()}, retries={"a": TWICE}))
    assert [type(event) for event in fail(state, "a", SLOW)] == [TaskRetried]
    events = fail(state, "b", GONE)
    assert [(letter.task, letter.reason) for letter in only(events, DeadLettered)] == [
        ("a", DeadLetterReason.OUTCOME_UNKNOWN),
        ("b", DeadLetterReason.PERMANENT),
    ]


def test_a_call_that_fails_with_a_known_outcome_at_last_is_no_unknown_one() -> None:
    state, _ = submit(make_plan({"a": []}, tasks={"a": keyed()}, retries={"a": TWICE}))
    fail(state, "a", SLOW)
    advance(state, None, 1.5)
    (letter,) = only(fail(state, "a", GONE, at=2.0), DeadLettered)
    assert letter.reason is DeadLetterReason.PERMANENT


def test_nothing_stands_in_for_a_loop_of_which_an_item_may_have_taken_effect() -> None:
    body = loop([1, 2], call(unsafe()), tolerant=False)
    state, _ = submit(one(ActionPlan(body=body, fallback=call())))
    fail(state, "a[0]", SLOW)
    events = fail(state, "a[1]", GONE)
    assert [letter.task for letter in only(events, DeadLettered)] == ["a[0]"]
    assert isinstance(events[-1], WorkflowFailed)


def test_an_attempt_that_failed_without_being_made_is_no_unknown_outcome() -> None:
    """Its input had no value, say."""
    state, _ = submit(make_plan({"a": [], "b": []}, tasks={"a": unsafe()}))
    unresolved = msgspec.structs.replace(GONE, code=FailureCode.UNRESOLVED)
    events = fail(state, "a", unresolved)
    assert [letter.reason for letter in only(events, DeadLettered)] == [DeadLetterReason.PERMANENT]


def test_while_something_is_undone_its_own_calls_are_not_cut_off() -> None:
    state = compensating(unsafe())
    assert advance(state, None, 1000.0) == []
    assert "a~compensate" not in state.lettered
