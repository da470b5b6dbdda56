"""The trace, read off events: who ran when, what it waited for, what ran beside it."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    ConditionEvaluated,
    Failure,
    FailureCode,
    FailureTolerated,
    FallbackStarted,
    ForEachCompleted,
    ForEachIteration,
    ForEachStarted,
    GroupCompleted,
    GroupStarted,
    SubworkflowStarted,
    SwitchMatched,
    TaskCompleted,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.trace import MAX_BESIDE, AttemptTrace, TaskTrace, Trace, trace

START = 1000.0
BUSY = Failure(code=FailureCode.UPSTREAM_STATUS, message="503")
BEGIN: list[AnyEvent] = [
    WorkflowSubmitted(
        at=START, workflow="w", version=3, digest="", input={}, actor="key", seed=1, deadline_at=START + 30
    ),
    WorkflowStarted(at=START),
]


def started(task: str, at: float, attempt: int = 1, waited_for: tuple[str, ...] = ()) -> TaskStarted:
    return TaskStarted(at=START + at, task=task, attempt=attempt, waited_for=waited_for)


def completed(task: str, at: float, attempt: int = 1) -> TaskCompleted:
    return TaskCompleted(at=START + at, task=task, attempt=attempt, output=None)


def done(at: float) -> WorkflowCompleted:
    return WorkflowCompleted(at=START + at, output=None)


def tasks(*events: AnyEvent) -> dict[str, TaskTrace]:
    return {task.id: task for task in trace("1", [*BEGIN, *events]).tasks}


def test_the_whole_of_it() -> None:
    found = trace("1", [*BEGIN, started("a", 0), completed("a", 2), done(2.5)])
    assert (found.execution_id, found.workflow, found.version) == ("1", "w", 3)
    assert (found.status, found.started_at, found.duration_seconds) == ("completed", START, 2.5)
    assert found.tasks == [
        TaskTrace("a", 0.0, "completed", 2.0, 2.0, attempts=[AttemptTrace(1, 0.0, 2.0)]),
    ]


def test_a_task_waits_from_the_end_of_the_last_one_it_waited_for() -> None:
    found = tasks(
        started("a", 0),
        started("b", 0),
        completed("a", 1),
        completed("b", 3),
        started("c", 3.25, waited_for=("a", "b")),
    )
    assert (found["c"].waited_for, found["c"].wait_seconds) == (("a", "b"), 0.25)


def test_tasks_ran_beside_each_other_when_their_times_overlap_and_not_when_they_touch() -> None:
    found = tasks(
        started("a", 0),
        started("b", 1),
        completed("a", 2),
        started("c", 2),
        completed("b", 3),
        completed("c", 4),
        done(4),
    )
    assert found["a"].ran_beside == ("b",)
    assert found["b"].ran_beside == ("a", "c")
    assert found["c"].ran_beside == ("b",)


def test_a_skipped_task_says_why_and_ran_beside_nobody() -> None:
    found = tasks(
        started("a", 0),
        ConditionEvaluated(at=START + 1, task="b", result=False),
        TaskSkipped(at=START + 1, task="b", reason="condition is false"),
        completed("a", 2),
    )
    assert found["b"] == TaskTrace("b", 1.0, "skipped", 1.0, 0.0, skip_reason="condition is false")
    assert found["a"].ran_beside == ()


def test_every_attempt_is_told_and_the_task_lasts_from_the_first_to_the_last() -> None:
    found = tasks(
        started("a", 0),
        TaskFailed(at=START + 1, task="a", attempt=1, failure=BUSY),
        TaskRetried(at=START + 1, task="a", attempt=2, not_before=START + 2),
        started("a", 2, attempt=2),
        completed("a", 5, attempt=2),
        done(5),
    )
    assert found["a"].attempts == [AttemptTrace(1, 0.0, 1.0, BUSY), AttemptTrace(2, 2.0, 5.0)]
    assert (found["a"].status, found["a"].duration_seconds) == ("completed", 5.0)


def test_a_task_between_two_attempts_is_running_again() -> None:
    found = tasks(
        started("a", 0),
        TaskFailed(at=START + 1, task="a", attempt=1, failure=BUSY),
        started("a", 2, attempt=2),
    )
    assert (found["a"].status, found["a"].end_seconds, found["a"].duration_seconds) == ("running", None, None)


def test_a_task_whose_condition_has_no_value_failed_before_any_attempt() -> None:
    failure = Failure(code=FailureCode.UNRESOLVED, message="no field x", task="a")
    found = tasks(
        TaskFailed(at=START + 1, task="a", attempt=0, failure=failure),
        WorkflowFailed(at=START + 1, failure=failure),
    )
    assert found["a"] == TaskTrace("a", 1.0, "failed", 1.0, 0.0, failure=failure)


def test_what_still_ran_at_the_end_was_cancelled() -> None:
    events = [*BEGIN, started("a", 0), started("b", 1), WorkflowCancelled(at=START + 2, actor="key")]
    found = trace("1", events)
    assert found.status == "cancelled"
    assert [task.status for task in found.tasks] == ["cancelled", "cancelled"]
    assert found.tasks[0].ran_beside == ("b",)


def test_an_execution_that_goes_on_has_no_duration() -> None:
    found = trace("1", [*BEGIN, started("a", 0)])
    assert (found.status, found.duration_seconds, found.tasks[0].status) == ("running", None, "running")


def test_when_a_task_began_and_where_it_stands_is_always_told() -> None:
    answer = msgspec.to_builtins(trace("1", [*BEGIN, started("a", 0)]))
    assert (answer["tasks"][0]["startSeconds"], answer["tasks"][0]["status"]) == (0.0, "running")
    assert msgspec.convert(answer, Trace).tasks[0].start_seconds == 0.0


def test_what_is_inside_a_task_has_lines_of_its_own() -> None:
    found = tasks(
        ForEachStarted(at=START, task="a", item_count=1),
        ForEachIteration(at=START, task="a", index=0),
        GroupStarted(at=START + 1, task="a[0]", deadline_at=0.0),
        started("a[0]/x", 1),
        completed("a[0]/x", 2),
        GroupCompleted(at=START + 2, task="a[0]"),
        ForEachCompleted(at=START + 3, task="a", success_count=1, failure_count=0),
    )
    assert list(found) == ["a", "a[0]", "a[0]/x"]
    assert (found["a"].status, found["a"].duration_seconds) == ("completed", 3.0)
    assert (found["a[0]"].start_seconds, found["a[0]"].duration_seconds) == (1.0, 1.0)


def test_a_switch_tells_what_it_chose() -> None:
    found = tasks(SwitchMatched(at=START, task="a", case=1), SwitchMatched(at=START, task="b", case=None))
    assert (found["a"].chose, found["b"].chose) == ("1", "default")


def test_a_failure_that_was_tolerated_and_a_fallback_s_value_are_told() -> None:
    found = tasks(
        started("a", 0),
        TaskFailed(at=START + 1, task="a", attempt=1, failure=BUSY),
        FallbackStarted(at=START + 1, task="a"),
        TaskCompleted(at=START + 1, task="a~fallback", attempt=0, output=1),
        TaskFailed(at=START + 1, task="b", attempt=0, failure=BUSY),
        FailureTolerated(at=START + 1, task="b"),
    )
    assert found["a"].status == "failed"
    assert (found["a~fallback"].status, found["a~fallback"].attempts) == ("completed", [])
    assert (found["b"].failure, found["b"].tolerated) == (BUSY, True)


def test_a_result_of_another_call_is_told() -> None:
    found = tasks(started("a", 0), TaskCompleted(at=START, task="a", attempt=1, output=1, cached=True))
    assert found["a"].cached


def test_no_more_than_twenty_neighbours_are_named() -> None:
    found = tasks(*(started(f"s{number}", 0) for number in range(30)))
    assert len(found["s0"].ran_beside) == MAX_BESIDE
    assert len(found["s29"].ran_beside) == MAX_BESIDE


def overlapping(spans: list[tuple[int, int]]) -> dict[str, tuple[str, ...]]:
    """What each ran beside, by looking at every pair in the order in which they began."""
    order = sorted(range(len(spans)), key=lambda at: spans[at][0])
    beside: dict[int, list[int]] = {at: [] for at in order}
    for number, later in enumerate(order):
        for sooner in order[:number]:
            if spans[sooner][1] > spans[later][0]:
                for one, two in ((later, sooner), (sooner, later)):
                    beside[one] += [two] if len(beside[one]) < MAX_BESIDE else []
    place = {at: index for index, at in enumerate(order)}
    return {f"s{at}": tuple(f"s{one}" for one in sorted(beside[at], key=place.__getitem__)) for at in order}


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=60))
def test_neighbours_are_those_whose_times_overlap(pairs: list[tuple[int, int]]) -> None:
    spans = [(start, start + seconds) for start, seconds in pairs]
    events: list[AnyEvent] = []
    for at, (start, end) in enumerate(spans):
        events += [started(f"s{at}", start), completed(f"s{at}", end)]
    events.sort(key=lambda event: (event.at, isinstance(event, TaskCompleted)))
    found = tasks(*events)
    assert {name: task.ran_beside for name, task in found.items()} == overlapping(spans)


def test_what_is_inside_waits_from_the_beginning_of_what_is_around_it() -> None:
    found = tasks(
        started("first", 0),
        completed("first", 1),
        ForEachStarted(at=START + 1.5, task="a", item_count=1, waited_for=("first",)),
        started("a[0]", 2),
        SubworkflowStarted(
            at=START + 3, task="b", workflow="w", version=1, digest="", deadline_at=0.0, waited_for=("first",)
        ),
        started("b/x", 3.5),
    )
    assert (found["a"].waited_for, found["a"].wait_seconds) == (("first",), 0.5)
    assert (found["a[0]"].waited_for, found["a[0]"].wait_seconds) == ((), 0.5)
    assert (found["b"].waited_for, found["b"].wait_seconds) == (("first",), 2.0)
    assert found["b/x"].wait_seconds == 0.5
