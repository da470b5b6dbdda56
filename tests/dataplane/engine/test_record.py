"""The record: what listing, metering and the journal's writer know of an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import TaskCompleted, WorkflowCancelled
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.record import ExecutionRecord, Meters
from tenantry.tenants.identity import TenantId
from tests.support.deciding import submit
from tests.support.plans import make_plan, unsafe

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.state import ExecutionState

PLAN = make_plan({"a": [], "b": []}, tasks={"a": unsafe()})


def recorded(**submitted_with: Any) -> tuple[ExecutionState, ExecutionRecord]:
    """An execution of two parallel steps that has begun."""
    state, events = submit(PLAN, **submitted_with)
    record = ExecutionRecord(TenantId("acme"), "1", PLAN, 0.0)
    record.add(events, state)
    return state, record


def test_a_record_knows_what_the_caller_wants_to_be_told_and_where() -> None:
    _, record = recorded(callback="https://x.example/done", traceparent="00-1-2-01")
    assert (record.callback, record.traceparent) == ("https://x.example/done", "00-1-2-01")


def test_what_is_taken_is_not_pending_any_more_and_numbers_have_no_gaps() -> None:
    state, record = recorded()
    taken = len(record.pending)
    record.written(100)
    assert (record.pending, record.next_sequence, record.revision) == ([], taken + 1, 1)
    record.add(advance(state, TaskCompleted(at=1.0, task="b", attempt=1, output=1), 1.0), state)
    record.written(50)
    assert (record.next_sequence, record.revision, record.journal_bytes) == (taken + 2, 2, 150)


def test_the_end_of_a_record_is_the_execution_s_and_a_retry_takes_it_back() -> None:
    state, record = recorded()
    record.add(control.cancel(state, "key", 4.0), state)
    assert isinstance(record.pending[-1], WorkflowCancelled)
    assert (record.status, record.ended_at) == (ExecutionStatus.CANCELLED, 4.0)
    assert [letter.task for letter in record.letters] == ["a"]
    record.add(control.retry(state, "key", 9.0, 39.0, {}), state)
    assert (record.status, record.ended_at, record.run) == (ExecutionStatus.SUBMITTED, None, 2)
    assert record.run_began_at == 9.0


def test_an_attempt_is_metered_by_its_time_and_what_it_sent() -> None:
    state, record = recorded()
    done = TaskCompleted(at=3.0, task="b", attempt=1, output=1, egress_bytes=7)
    record.add(advance(state, done, 3.0), state)
    assert record.meters == Meters(task_attempts=2, task_seconds=3.0, egress_bytes=7)


def test_how_long_an_attempt_took_whose_end_nobody_saw_is_not_metered() -> None:
    state, record = recorded()
    record.add(control.recover(state, "another", 100.0), state)
    assert record.meters == Meters(task_attempts=2)


def test_each_run_is_metered_apart() -> None:
    state, record = recorded()
    done = TaskCompleted(at=3.0, task="b", attempt=1, output=1, egress_bytes=7)
    record.add(advance(state, done, 3.0), state)
    record.add(control.cancel(state, "key", 4.0), state)
    before = record.meters
    record.add(control.retry(state, "key", 9.0, 39.0, {}), state)
    record.add(advance(state, None, 9.0), state)
    assert record.before == before
    assert record.meters.task_attempts == 3


def test_everything_is_kept_to_be_told_where_somebody_wants_to_hear_of_it() -> None:
    state, events = submit(PLAN)
    record = ExecutionRecord(TenantId("acme"), "1", PLAN, 0.0)
    record.told = []
    record.add(events, state)
    record.written(1)
    assert record.told == events
