"""Executions nobody can go on with: their plan is gone, or their journal is damaged. They end all the same.

What can be read of them is enough for everybody who waits for their end to be told. Used by the lease.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.events import (
    CompensationStarted,
    Failure,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    TaskStarted,
    WorkflowRetried,
    decode_events,
)
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.engine.record import ExecutionRecord, Meters
from tenantry.dataplane.journal.segments import numbered
from tenantry.language.plan.model import GroupPlan, Plan
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.journal.ownership import Segment, Standing, Taken

_NO_STEPS: Final = GroupPlan(steps=(), groups=(), render=lambda _scope: None)


def give_up(taken: Taken, standing: Standing, segments: Sequence[Segment], now: float) -> ExecutionRecord:
    """Its record with the events that end it, for the journal: letter, callback and usage follow as ever."""
    plan = Plan(
        workflow=standing.workflow,
        version=standing.version,
        digest="",
        graph=_NO_STEPS,
        labels=tuple(msgspec.json.decode(standing.labels, type=dict[str, str]).items()),
    )
    state = ExecutionState(plan, taken.id, taken.tenant)
    record = ExecutionRecord(taken.tenant, taken.id, plan, standing.submitted_at)
    legible = list(_legible(segments))
    for event in legible:
        state.run += isinstance(event, WorkflowRetried)
        record.add([event], state)
    _trust(record, taken, standing)
    record.next_sequence = _sequence_after(segments)
    is_whole = bool(legible) and len(legible) == record.next_sequence - 1
    failure = _failure(outcome_unknown=_left_in_flight(legible) or not is_whole)
    record.add(control.fail(state, failure, now), state)
    return record


def _trust(record: ExecutionRecord, taken: Taken, standing: Standing) -> None:
    """What can be read of the events may be less than was metered."""
    record.written(0)
    record.epoch, record.revision = taken.epoch, 0
    meters = Meters(
        standing.task_attempts, standing.task_seconds, standing.egress_bytes, standing.journal_bytes
    )
    if record.run != standing.run:  # which of it the runs before told of nobody knows: none is told twice
        record.run, record.before = standing.run, meters
    record.task_attempts, record.task_seconds, record.egress_bytes, record.journal_bytes = meters


def _legible(segments: Sequence[Segment]) -> Iterator[AnyEvent]:
    """The events that can be read, in order; what cannot is passed over."""
    for segment in segments:
        with suppress(msgspec.MsgspecError, ValueError):
            for _, raw in numbered([segment]):
                with suppress(msgspec.MsgspecError, ValueError):
                    yield from decode_events(b"[%b]" % bytes(raw))


def _left_in_flight(events: list[AnyEvent]) -> bool:
    """Whether attempts have begun and not ended; whether these were safe says the plan, which nobody has."""
    in_flight: set[str] = set()
    for event in events:
        if isinstance(event, TaskStarted):
            in_flight.add(event.task)
        elif isinstance(event, TaskCompleted | TaskFailed):
            in_flight.discard(event.task)
        elif isinstance(event, CompensationStarted | WorkflowRetried):
            in_flight.clear()  # what was cut off then has letters
    return bool(in_flight)


def _sequence_after(segments: Sequence[Segment]) -> int:
    """The number of the event after those that are there, even if they cannot be read."""
    if not segments:
        return 1
    try:
        return max(number for number, _ in numbered(segments[-1:])) + 1
    except (msgspec.MsgspecError, ValueError):
        return segments[-1].first_sequence + 1


def _failure(*, outcome_unknown: bool) -> Failure:
    message = "its journal or its plan cannot be read any more; it has been logged"
    return Failure(
        code=FailureCode.INTERNAL,
        message=f"{message}; calls may have taken effect" if outcome_unknown else message,
        source=Source.PLATFORM,
        outcome_unknown=outcome_unknown,
    )
