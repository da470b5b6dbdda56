"""The trace, read off events: who ran when, what it waited for, what ran beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from tenantry.dataplane.engine.core.events import (
    CompensationStarted,
    ConditionEvaluated,
    DeadLettered,
    DeadLetterReason,
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
    TaskSkipped,
    WorkflowCancelled,
    WorkflowRecovered,
)
from tenantry.dataplane.engine.core.trace import (
    MAX_BESIDE,
    AttemptTrace,
    BlockTrace,
    TaskTrace,
    Trace,
    trace,
)
from tests.support.histories import (
    BEGIN,
    BUSY,
    START,
    broken,
    completed,
    done,
    failed,
    retried,
    scheduled,
    started,
)

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent


def tasks(*events: AnyEvent) -> dict[str, TaskTrace]:
    return {task.id: task for task in trace("1", [*BEGIN, *events]).tasks}


def test_the_whole_of_it() -> None:
    found = trace("1", [*BEGIN, started("a", 0), completed("a", 2), done(2.5)])
    assert (found.execution_id, found.workflow, found.version) == ("1", "w", 3)
    assert (found.status, found.started_at, found.duration_seconds) == ("completed", START, 2.5)
    assert found.tasks == [
        TaskTrace("a", 0.0, "completed", 2.0, 2.0, critical=True, attempts=(AttemptTrace(1, 0.0, 2.0),)),
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
        failed("a", 1),
        retried("a", 1, not_before=1.75),
        started("a", 2, attempt=2),
        completed("a", 5, attempt=2),
        done(5),
    )
    assert found["a"].attempts == (AttemptTrace(1, 0.0, 1.0, BUSY, 0.75), AttemptTrace(2, 2.0, 5.0))
    assert (found["a"].status, found["a"].duration_seconds) == ("completed", 5.0)


def test_a_task_between_two_attempts_has_not_ended() -> None:
    events: list[AnyEvent] = [
        started("a", 0),
        failed("a", 1),
        retried("a", 1, not_before=2),
    ]
    between = tasks(*events)["a"]
    assert (between.status, between.end_seconds, between.duration_seconds) == ("retrying", None, None)
    again = tasks(*events, started("a", 2, attempt=2))["a"]
    assert (again.status, again.end_seconds, again.duration_seconds) == ("running", None, None)


def test_a_task_whose_condition_has_no_value_failed_before_any_attempt() -> None:
    failure = Failure(code=FailureCode.UNRESOLVED, message="no field x", task="a")
    found = tasks(
        failed("a", 1, 0, failure),
        broken(1, failure),
    )
    assert found["a"] == TaskTrace("a", 1.0, "failed", 1.0, 0.0, critical=True, failure=failure)


def test_what_still_ran_at_the_end_was_cancelled_then() -> None:
    events = [*BEGIN, started("a", 0), started("b", 1), WorkflowCancelled(at=START + 2, actor="key")]
    found = trace("1", events)
    assert found.status == "cancelled"
    assert [(task.status, task.end_seconds) for task in found.tasks] == [("cancelled", 2.0)] * 2
    assert found.tasks[1].attempts == (AttemptTrace(1, 1.0, 2.0),)
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
        failed("a", 1),
        FallbackStarted(at=START + 1, task="a"),
        completed("a~fallback", 1, 0),
        failed("b", 1, 0),
        FailureTolerated(at=START + 1, task="b"),
    )
    assert found["a"].status == "failed"
    assert (found["a~fallback"].status, found["a~fallback"].attempts) == ("completed", ())
    assert (found["b"].failure, found["b"].tolerated) == (BUSY, True)


def test_a_result_of_another_call_is_told() -> None:
    found = tasks(started("a", 0), completed("a", 0, cached=True))
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


def test_a_call_without_room_says_how_long_it_waited_and_behind_which_limit() -> None:
    found = tasks(
        SubworkflowStarted(at=START, task="sub", workflow="v", version=1, digest="", deadline_at=0.0),
        ForEachStarted(at=START, task="lines", item_count=9),
        started("a", 0),
        scheduled("b", 1),
        scheduled("sub/c", 1, "sub"),
        scheduled("lines[0]", 1, "lines"),
        started("b", 3),
        started("sub/c", 4),
    )
    assert found["b"].blocked == (BlockTrace("workflow", 1.0, "", 3.0),)
    assert found["sub/c"].blocked == (BlockTrace("sub-workflow", 1.0, "sub", 4.0),)
    assert found["lines[0]"].blocked == (BlockTrace("loop", 1.0, "lines"),)
    assert (found["lines[0]"].status, found["b"].status) == ("waiting", "running")
    assert (found["b"].start_seconds, found["b"].wait_seconds) == (3.0, 3.0)


def test_what_a_blocked_call_waited_for_is_told_when_it_was_blocked_or_when_it_began() -> None:
    found = tasks(
        started("a", 0),
        completed("a", 1),
        msgspec.structs.replace(scheduled("b", 1), waited_for=("a",)),
        started("b", 2),
        msgspec.structs.replace(scheduled("c", 1), waited_for=("a",)),
    )
    assert (found["b"].waited_for, found["b"].wait_seconds) == (("a",), 1.0)
    assert found["c"].waited_for == ("a",)


def test_a_call_cut_off_before_it_found_room_never_ran() -> None:
    found = tasks(started("a", 0), scheduled("b", 1), WorkflowCancelled(at=START + 2, actor="key"))
    assert (found["b"].status, found["b"].attempts) == ("cancelled", ())


def test_an_item_was_blocked_until_its_loop_took_it_up() -> None:
    found = tasks(
        ForEachStarted(at=START + 1, task="lines", item_count=2),
        ForEachIteration(at=START + 1, task="lines", index=0),
        started("lines[0]", 1),
        completed("lines[0]", 3),
        ForEachIteration(at=START + 3, task="lines", index=1),
        started("lines[1]", 3),
    )
    assert found["lines[0]"].blocked == ()
    assert found["lines[1]"].blocked == (BlockTrace("loop", 1.0, "lines", 3.0),)
    assert found["lines[1]"].wait_seconds == 2.0


def test_an_attempt_that_its_executor_did_not_survive_is_marked() -> None:
    gone = Failure(code=FailureCode.INTERRUPTED, message="the executor stopped", task="a")
    found = tasks(
        started("a", 0),
        started("b", 0),
        completed("b", 1),
        WorkflowRecovered(at=START + 5, executor="two"),
        failed("a", 5, failure=gone),
        retried("a", 5, not_before=5),
        started("a", 5, 2),
    )
    assert found["a"].attempts == (
        AttemptTrace(1, 0.0, 5.0, gone, 0.0, interrupted=True),
        AttemptTrace(2, 5.0),
    )
    assert not found["b"].attempts[0].interrupted


def test_an_output_of_an_earlier_run_and_a_dead_letter_are_told() -> None:
    letter = DeadLettered(at=START, task="b", reason=DeadLetterReason.PERMANENT, failure=BUSY)
    found = tasks(
        completed("a", 0, 0, reused=True),
        started("b", 0),
        failed("b", 0),
        letter,
        msgspec.structs.replace(letter, task=""),
    )
    assert (found["a"].reused, found["a"].attempts) == (True, ())
    assert found["b"].dead_lettered == "permanent"
    assert list(found) == ["a", "b"]


def test_what_fails_cuts_off_what_is_inside_and_nothing_else() -> None:
    found = tasks(
        GroupStarted(at=START, task="a", deadline_at=START + 3),
        started("a/x", 0),
        GroupStarted(at=START + 1, task="a/y", deadline_at=START + 9),
        started("a/y/z", 1),
        started("ab", 1),
        failed("a", 3, 0),
        started("ab/c", 4),
        failed("ab", 5, 0),
    )
    assert {path: (task.status, task.end_seconds) for path, task in found.items()} == {
        "a": ("failed", 3.0),
        "a/x": ("cancelled", 3.0),
        "a/y": ("cancelled", 3.0),
        "a/y/z": ("cancelled", 3.0),
        "ab": ("failed", 5.0),
        "ab/c": ("cancelled", 5.0),
    }
    assert found["a/y/z"].attempts == (AttemptTrace(1, 1.0, 3.0),)


def test_an_outcome_that_came_too_late_is_told_all_the_same() -> None:
    found = tasks(
        started("a", 0),
        started("b", 0),
        failed("b", 1),
        CompensationStarted(at=START + 1, failure=BUSY),
        completed("a", 4),
        broken(5),
    )
    assert (found["a"].status, found["a"].end_seconds, found["a"].attempts[0].end_seconds) == (
        "completed",
        4.0,
        4.0,
    )
