"""Executions as the journal tells them: folded into a state that can be gone on with, or looked at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from tenantry.dataplane.engine.core.events import TaskCompleted, decode_events
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.engine.record import ExecutionRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.record import PlanSource
    from tenantry.dataplane.journal.ownership import Segment, Taken
    from tenantry.language.plan.model import Plan

ReadT = TypeVar("ReadT")

_AT_ONCE: Final = 64 * 1024
"""A journal of more characters is read beside the event loop."""


class JournalDamagedError(Exception):
    """What was journaled of an execution is not whole, or not what its plan does."""


class TraceGoneError(JournalDamagedError):
    """What was journaled of an execution is not kept any more: retention has removed it, or is about to."""


@dataclass(frozen=True, slots=True)
class Revived:
    """An execution as it stands, and what is to be written of it."""

    state: ExecutionState
    record: ExecutionRecord


async def revive(
    taken: Taken,
    segments: Sequence[Segment],
    plan: Plan,
    source: PlanSource,
    until: float | None = None,
) -> Revived:
    """Folds an execution that is ours now; or, to look at it, only what happened until an instant.

    Raises:
        JournalDamagedError: it cannot be folded.
    """
    return await read(segments, lambda: _fold(taken, segments, plan, source, until))


async def read(segments: Sequence[Segment], work: Callable[[], ReadT]) -> ReadT:
    """Does something with a journal: beside the event loop, if the journal is long."""
    if sum(len(segment.events) for segment in segments) <= _AT_ONCE:
        return work()
    return await asyncio.to_thread(work)


def _fold(
    taken: Taken, segments: Sequence[Segment], plan: Plan, source: PlanSource, until: float | None
) -> Revived:
    state = ExecutionState(plan, taken.id, taken.tenant)
    record = ExecutionRecord(taken.tenant, taken.id, plan, 0.0, source=source)
    record.epoch = taken.epoch
    record.told = []
    try:
        for segment in segments:
            events = _read(segment, record)
            wanted = events if until is None else list(takewhile(lambda one: _told(one) <= until, events))
            _add(state, record, wanted, len(segment.events))
            if len(wanted) < len(events):
                break
    except (msgspec.MsgspecError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise JournalDamagedError(f"after event {record.next_sequence - 1}: {error!r}") from error
    record.revision = 0
    if not segments:
        raise JournalDamagedError("there are no events")
    return Revived(state, record)


def _told(event: AnyEvent) -> float:
    """When it is told to have happened: in microseconds, so that who asks for that instant finds it."""
    return round(event.at, 6)


def _read(segment: Segment, record: ExecutionRecord) -> list[AnyEvent]:
    if segment.first_sequence != record.next_sequence:
        raise JournalDamagedError(
            f"event {record.next_sequence} is missing: the next one is {segment.first_sequence}"
        )
    return decode_events(segment.events)


def _add(state: ExecutionState, record: ExecutionRecord, events: list[AnyEvent], size: int) -> None:
    if record.next_sequence == 1 and events:
        record.submitted_at = record.run_began_at = events[0].at
    for event in events:
        evolve(state, event)
        if isinstance(event, TaskCompleted) and not event.reused:
            record.take_in(event.output)
    record.add(events, state)
    record.written(size)
