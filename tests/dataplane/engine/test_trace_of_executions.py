"""What a trace says of the execution as a whole: runs, pauses, recoveries, parallelism, its critical path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.engine.core.control import RETRIABLE, pause, recover, resume, retry
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import (
    CompensationStarted,
    Failure,
    FailureCode,
    FallbackStarted,
    ForEachCompleted,
    ForEachIteration,
    ForEachStarted,
    GroupCompleted,
    GroupStarted,
    Origin,
    TaskSkipped,
    TaskStarted,
    WorkflowCancelled,
    WorkflowPaused,
    WorkflowRecovered,
    WorkflowResumed,
    WorkflowRetried,
    WorkflowStarted,
)
from tenantry.dataplane.engine.core.letters import calls_in_flight
from tenantry.dataplane.engine.core.state import ENDED
from tenantry.dataplane.engine.core.trace import (
    Parallelism,
    PauseTrace,
    RecoveryTrace,
    RunTrace,
    TraceBuilder,
    trace,
)
from tests.support.deciding import submit
from tests.support.histories import (
    BEGIN,
    BUSY,
    START,
    broken,
    completed,
    done,
    failed,
    started,
    submitted,
)
from tests.support.trees import Trees, ended

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.language.plan.model import Plan

RETRIED = WorkflowRetried(at=START + 10, actor="ops", deadline_at=START + 40)


def test_who_submitted_it_and_where_it_comes_from_is_told() -> None:
    origin = Origin(execution_id="0", task="b")
    event = submitted(actor="key-7", traceparent="00-1-2-01", origin=origin)
    found = trace("1", [event])
    assert (found.actor, found.traceparent, found.origin) == ("key-7", "00-1-2-01", origin)
    assert (found.status, found.duration_seconds, found.task_count) == ("submitted", None, 0)


def test_an_execution_without_events_has_an_empty_trace() -> None:
    found = trace("1", [])
    assert (found.tasks, found.runs, found.critical_path, found.parallelism) == ([], [], (), Parallelism())


def test_every_run_is_told_with_its_tasks() -> None:
    found = trace(
        "1",
        [
            *BEGIN,
            started("a", 0),
            completed("a", 1),
            started("b", 1, waited_for=("a",)),
            failed("b", 2),
            broken(2),
            RETRIED,
            WorkflowStarted(at=START + 10),
            completed("a", 10, 0, reused=True),
            started("b", 11),
            completed("b", 12),
            done(12.5),
        ],
    )
    assert found.runs == [
        RunTrace(1, 0.0, "failed", "key", 2.0, BUSY),
        RunTrace(2, 10.0, "completed", "ops", 12.5),
    ]
    assert (found.status, found.duration_seconds) == ("completed", 12.5)
    assert [(task.run, task.id, task.status) for task in found.tasks] == [
        (1, "a", "completed"),
        (1, "b", "failed"),
        (2, "a", "completed"),
        (2, "b", "completed"),
    ]
    assert (found.tasks[3].wait_seconds, len(found.tasks[3].attempts)) == (1.0, 1)
    assert found.critical_path == ("b",)
    assert [task.critical for task in found.tasks] == [False, False, False, True]


def test_an_execution_that_is_retried_has_no_duration_yet() -> None:
    found = trace("1", [*BEGIN, broken(2), RETRIED])
    assert (found.status, found.duration_seconds, found.runs[1].status) == ("submitted", None, "submitted")


def test_pauses_are_told_with_who_paused_and_who_went_on() -> None:
    found = trace(
        "1",
        [
            *BEGIN,
            WorkflowPaused(at=START + 1, actor="ann"),
            WorkflowResumed(at=START + 4, actor="bob"),
            WorkflowPaused(at=START + 5, actor="ann"),
            WorkflowCancelled(at=START + 6, actor="eve"),
        ],
    )
    assert found.pauses == [PauseTrace(1.0, "ann", 4.0, "bob"), PauseTrace(5.0, "ann", 6.0, "eve")]
    assert found.status == "cancelled"


def test_a_pause_that_goes_on_has_no_end() -> None:
    found = trace("1", [*BEGIN, WorkflowPaused(at=START + 1, actor="ann")])
    assert (found.status, found.pauses) == ("paused", [PauseTrace(1.0, "ann")])


def test_an_execution_that_was_never_paused_is_cancelled_without_a_pause() -> None:
    found = trace("1", [*BEGIN, WorkflowCancelled(at=START + 1, actor="eve")])
    assert found.pauses == []


def test_a_recovery_tells_who_took_over_and_since_when_nothing_was_heard() -> None:
    found = trace("1", [*BEGIN, started("a", 1), WorkflowRecovered(at=START + 7, executor="two")])
    assert found.recoveries == [RecoveryTrace("two", 1.0, 7.0)]


def test_parallelism_is_the_most_and_the_average_of_the_time_in_which_any_ran() -> None:
    found = trace(
        "1",
        [
            *BEGIN,
            started("a", 0),
            started("b", 1),
            completed("a", 2),
            started("c", 2),
            completed("b", 3),
            completed("c", 4),
            started("d", 8),
            completed("d", 10),
            done(10),
        ],
    )
    assert found.parallelism == Parallelism(2, round((2 + 2 + 2 + 2) / 6, 3))


def test_calls_that_took_no_time_count_for_the_most() -> None:
    found = trace("1", [*BEGIN, started("a", 1), completed("a", 1)])
    assert found.parallelism == Parallelism(1, 1.0)


def test_a_call_that_goes_on_counts_until_the_last_event() -> None:
    found = trace("1", [*BEGIN, started("a", 0), started("b", 4)])
    assert found.parallelism == Parallelism(2, 1.0)


def test_the_critical_path_is_what_ended_last_and_what_that_waited_for_last() -> None:
    found = trace(
        "1",
        [
            *BEGIN,
            started("quick", 0),
            started("slow", 0),
            completed("quick", 1),
            completed("slow", 3),
            started("join", 3, waited_for=("quick", "slow")),
            started("aside", 3, waited_for=("quick",)),
            completed("aside", 4),
            completed("join", 5),
            TaskSkipped(at=START + 5, task="mail", reason="no"),
            done(5),
        ],
    )
    assert found.critical_path == ("slow", "join")
    assert {task.id for task in found.tasks if task.critical} == {"slow", "join"}


def test_the_critical_path_leads_into_loops_and_nested_tasks() -> None:
    found = trace(
        "1",
        [
            *BEGIN,
            ForEachStarted(at=START, task="lines", item_count=2),
            *(ForEachIteration(at=START, task="lines", index=index) for index in range(2)),
            GroupStarted(at=START, task="lines[0]", deadline_at=START + 9),
            started("lines[0]/x", 0),
            completed("lines[0]/x", 1),
            started("lines[0]/y", 1, waited_for=("lines[0]/x",)),
            started("lines[1]", 0),
            completed("lines[1]", 1),
            completed("lines[0]/y", 3),
            GroupCompleted(at=START + 3, task="lines[0]"),
            ForEachCompleted(at=START + 3, task="lines", success_count=2, failure_count=0),
            done(3),
        ],
    )
    assert found.critical_path == ("lines", "lines[0]", "lines[0]/x", "lines[0]/y")


def test_the_critical_path_leads_from_a_fallback_to_what_failed() -> None:
    found = trace(
        "1",
        [
            *BEGIN,
            started("a", 0),
            failed("a", 2),
            FallbackStarted(at=START + 2, task="a"),
            started("a~fallback", 2),
            completed("a~fallback", 3),
            started("b", 3, waited_for=("a~fallback",)),
            completed("b", 4),
            done(4),
        ],
    )
    assert found.critical_path == ("a", "a~fallback", "b")


def test_the_critical_path_leads_from_what_failed_to_what_undoes_the_rest() -> None:
    failure = Failure(code=FailureCode.UPSTREAM_STATUS, message="503", task="b/y")
    found = trace(
        "1",
        [
            *BEGIN,
            started("a", 0),
            completed("a", 1),
            GroupStarted(at=START + 1, task="b", deadline_at=START + 9, waited_for=("a",)),
            started("b/x", 1),
            completed("b/x", 2),
            started("b/y", 2, waited_for=("b/x",)),
            failed("b/y", 3),
            failed("b", 3, 0),
            CompensationStarted(at=START + 3, failure=failure),
            started("b/x~compensate", 3),
            completed("b/x~compensate", 4),
            started("a~compensate", 4),
            completed("a~compensate", 5),
            broken(5),
        ],
    )
    assert found.critical_path == ("a", "b", "b/x", "b/y", "b/x~compensate", "a~compensate")


def test_an_execution_whose_failure_is_being_undone_says_so() -> None:
    assert trace("1", [*BEGIN, CompensationStarted(at=START, failure=BUSY)]).status == "compensating"


def test_a_task_that_waited_for_itself_in_a_damaged_journal_is_told_once() -> None:
    found = trace("1", [*BEGIN, started("a", 0, waited_for=("b",)), started("b", 0, waited_for=("a",))])
    assert sorted(found.critical_path) == ["a", "b"]


@pytest.mark.parametrize(
    ("after", "limit", "expected", "next_after"),
    [(0, 2, ["a", "b"], 2), (2, 2, ["c"], None), (0, 3, ["a", "b", "c"], None), (9, 2, [], None)],
)
def test_a_page_holds_some_tasks_and_says_where_the_next_begins(
    after: int, limit: int, expected: list[str], next_after: int | None
) -> None:
    whole = trace("1", [*BEGIN, *(started(name, 0) for name in "abc")])
    page = whole.page(after, limit)
    assert ([task.id for task in page.tasks], page.next_after) == (expected, next_after)
    assert (page.task_count, len(whole.tasks)) == (3, 3)


def test_a_trace_is_the_same_in_whatever_portions_its_events_come() -> None:
    events = [*BEGIN, started("a", 0), completed("a", 2), started("b", 2), done(3)]
    builder = TraceBuilder("1")
    for event in events:
        builder.add([event])
    assert builder.finish() == trace("1", events)


def live(plan: Plan, world: int, takeovers: list[int], retries: int) -> list[AnyEvent]:
    """An execution's whole life, second by second: paused, taken over, retried."""
    state, events = submit(plan, deadline_at=1e6)
    now = 0.0
    while not state.ended or (state.status in RETRIABLE and state.run <= retries):
        now += 1.0
        if state.ended:
            events += retry(state, "r", now, 1e6, {})
        elif now in takeovers:
            events += [*pause(state, "p", now), *recover(state, "x", now), *resume(state, "r", now)]
        flight = next(calls_in_flight(state), None)
        outcome = None
        if flight is not None:
            attempt = TaskStarted(at=now, task=flight.path, attempt=flight.attempt)
            outcome = ended(attempt, world + state.run, now)
        events += advance(state, outcome, now)
    return events


@given(Trees().plans(), st.integers(0, 200), st.lists(st.integers(1, 9), max_size=3), st.integers(0, 2))
def test_whatever_happens_the_trace_of_what_ended_is_whole(
    plan: Plan, world: int, takeovers: list[int], retries: int
) -> None:
    events = live(plan, world, takeovers, retries)
    found = trace("1", events)
    assert found.status in {status.value for status in ENDED}
    for task in found.tasks:
        assert task.end_seconds is not None
        assert task.start_seconds <= task.end_seconds <= (found.duration_seconds or 0.0)
        assert task.status in {"completed", "failed", "skipped", "cancelled"}
        assert all(attempt.end_seconds is not None for attempt in task.attempts)
        assert all(block.end_seconds is not None for block in task.blocked) or not task.attempts
    assert found.parallelism.most <= plan.max_parallel
    last = [task for task in found.tasks if task.run == len(found.runs)]
    assert set(found.critical_path) == {task.id for task in last if task.critical}
    assert msgspec.json.encode(found)
