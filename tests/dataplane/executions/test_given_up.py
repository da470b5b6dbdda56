"""What is told of executions nobody can go on with, from what can be read of them; one rule at a time."""

from __future__ import annotations

import pytest

from tenantry.dataplane.engine.core.events import encode_events
from tenantry.dataplane.engine.record import Meters
from tenantry.dataplane.executions.given_up import give_up
from tenantry.dataplane.journal.ownership import Segment, Standing, Taken
from tests.support.executions import NOON, Execution

UNREADABLE = Segment(1, '[{"type": "WorkflowEaten", "at": 1}]')


def segment_of(execution: Execution) -> Segment:
    """What the next commit writes of it; it is no longer pending afterwards."""
    record = execution.record
    segment = Segment(record.next_sequence, encode_events(record.pending).decode())
    record.written(len(segment.events))
    return segment


def standing_of(execution: Execution) -> Standing:
    """The execution's row."""
    record = execution.record
    return Standing("made-by-hand", 1, '{"team": "shop"}', record.run, record.submitted_at, *record.meters)


def taken(execution: Execution) -> Taken:
    return Taken(execution.record.tenant, execution.id, 2, "p", "running")


def test_a_run_is_told_of_its_own_use_and_not_of_that_of_the_runs_before() -> None:
    execution = Execution(callback="http://caller").submit().fail("a").retry()
    segments = [segment_of(execution)]
    record = give_up(taken(execution), standing_of(execution), segments, NOON + 60)
    assert (record.run, record.before.task_attempts, record.task_attempts) == (2, 1, 2)
    assert (record.callback, record.epoch, record.status) == ("http://caller", 2, "failed")
    assert (record.ended_at, record.next_sequence) == (NOON + 60, execution.record.next_sequence)
    assert [letter.task for letter in record.letters] == [""]


def test_of_a_run_whose_beginning_cannot_be_read_nothing_is_told_twice() -> None:
    execution = Execution().submit().fail("a").retry()
    segment_of(execution)
    standing = standing_of(execution)
    record = give_up(taken(execution), standing, [UNREADABLE], NOON + 60)
    assert (record.run, record.next_sequence) == (2, 2)
    assert record.meters == record.before == Meters(*standing[5:])


@pytest.mark.parametrize(
    ("end", "unknown"), [("nothing", True), ("complete", True), ("fail", False)], ids=str
)
def test_what_had_begun_and_not_ended_may_have_taken_effect(end: str, *, unknown: bool) -> None:
    execution = Execution().submit()
    if end != "nothing":
        getattr(execution, end)("a")  # after `a` completed `b` is in flight
    record = give_up(taken(execution), standing_of(execution), [segment_of(execution)], NOON + 60)
    assert record.failure is not None
    assert record.failure.outcome_unknown is unknown


def test_events_that_cannot_be_read_may_be_of_calls_that_took_effect() -> None:
    execution = Execution().submit().fail("a")
    whole = segment_of(execution)
    last = Segment(whole.first_sequence + whole.events.count('"at"'), UNREADABLE.events)
    record = give_up(taken(execution), standing_of(execution), [whole, last], NOON + 60)
    assert record.failure is not None
    assert record.failure.outcome_unknown
    assert record.next_sequence == last.first_sequence + 1
