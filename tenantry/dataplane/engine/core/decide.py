"""Decisions: what happens next, from what has happened. Pure: no clock, no I/O, no randomness.

A decision *is* the event to record; the driver carries out what recorded events imply: make the attempt
(`TaskStarted`), look again later (`TaskRetried`), abandon what still runs (a failure around it, an end).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.begin import begin, complete
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    CompensationStarted,
    Failure,
    FallbackStarted,
    ForEachIteration,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TaskStarted,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowValidated,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.failures import deadline_failure, judge_failures
from tenantry.dataplane.engine.core.letters import letter_of, letter_of_cut_off
from tenantry.dataplane.engine.core.state import ExecutionStatus

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Set as AbstractSet

    from tenantry.dataplane.engine.core.activity import Activity
    from tenantry.dataplane.engine.core.state import ExecutionState


_NOTHING: Final[frozenset[Activity]] = frozenset()


def advance(
    state: ExecutionState, event: AnyEvent | None, now: float, *, most: int | None = None
) -> list[AnyEvent]:
    """Folds the event (or just the passing of time) and every decision that follows from it.

    Args:
        state: of the execution.
        event: what happened.
        now: the present instant.
        most: it stops after so many events, though more may follow.

    Returns:
        All events folded, in order, the given one first.
    """
    events: list[AnyEvent] = []
    while event is not None or (len(events) != most and (event := decide(state, now)) is not None):
        evolve(state, event)
        events.append(event)
        event = None
    return events


def decide(state: ExecutionState, now: float) -> AnyEvent | None:
    """The next thing that is due now; `None` when only an event from outside, or time, changes anything."""
    if state.ended or state.status is ExecutionStatus.PAUSED:
        return None
    if state.status is ExecutionStatus.SUBMITTED:
        return WorkflowStarted(at=now) if state.validated else WorkflowValidated(at=now)
    if state.status is ExecutionStatus.COMPENSATING:
        if state.compensation is None and state.failure is not None:
            return WorkflowFailed(at=now, failure=_with_compensation(state, state.failure))
    elif state.root.phase is Phase.DUE:
        end = complete(state, now)
        return _fail(state, end, now) if isinstance(end, Failure) else end
    elif now >= state.deadline_at:
        return _miss_deadline(state, state.root, now)
    return _decide_inside(state, now)


def wake_at(state: ExecutionState, looked_at: float = float("-inf")) -> float:
    """When to look again if nothing happens: a deadline, or an earlier retry.

    `looked_at` is when decisions were taken last: a retry that was due then and has not begun waits for room
    or for a call that is awaited, and time alone does not help it.
    """
    if state.status is ExecutionStatus.PAUSED:
        return float("inf")
    soonest = float("inf") if state.status is ExecutionStatus.COMPENSATING else state.deadline_at
    for activity in state.retrying:
        if looked_at < activity.not_before < soonest:
            soonest = activity.not_before
    for activity in state.timed:
        soonest = min(soonest, activity.deadline_at)
    return soonest


def _decide_inside(state: ExecutionState, now: float) -> AnyEvent | None:
    if not (state.timed or state.failed):
        return _go_on(state, _NOTHING, now)
    for activity in state.timed:
        if now >= activity.deadline_at:
            return _miss_deadline(state, activity, now)
    stopping: AbstractSet[Activity] = _NOTHING
    if state.failed:
        judgement = judge_failures(state, now)
        if judgement.failure is not None:
            return _fail(state, judgement.failure, now)
        if judgement.event is not None:
            return judgement.event
        stopping = judgement.stopping
    return _go_on(state, stopping, now)


def _miss_deadline(state: ExecutionState, activity: Activity, now: float) -> AnyEvent:
    """What may be taking effect is cut off: nobody will know how it ended."""
    if (letter := letter_of_cut_off(state, activity, now)) is not None:
        return letter
    failure = deadline_failure(state, activity)
    if activity.is_root:
        return _fail(state, failure, now)
    return TaskFailed(at=now, task=activity.path, attempt=0, failure=failure)


def _go_on(state: ExecutionState, stopping: AbstractSet[Activity], now: float) -> AnyEvent | None:
    if (due := _first(state.due, stopping)) is not None:
        return begin(state, due, now)
    if state.reused and (reused := _reuse(state, stopping, now)) is not None:
        return reused
    if (call := _next_call(state, stopping, now)) is not None:
        return _start_attempt(call, now)
    # Items are taken up no faster than calls find room: a long list costs no memory before its time.
    if state.ready:
        return _schedule(state, stopping, now)
    if (loop := _first(state.looping, stopping)) is not None:
        return ForEachIteration(at=now, task=loop.path, index=loop.inside.next)
    return None


def _schedule(state: ExecutionState, stopping: AbstractSet[Activity], now: float) -> TaskScheduled | None:
    """Says once of a call that could begin what it has no room in."""
    for activity in state.ready:
        # An item is taken up one ahead of the room there is: that it waits says nothing.
        if activity.step is not None and not activity.scheduled and not activity.is_within(stopping):
            full = activity.blocked_by()
            return TaskScheduled(
                at=now,
                task=activity.path,
                blocked_by=full.path if full is not None else "",
                waited_for=activity.waited_for(),
            )
    return None


def _reuse(state: ExecutionState, stopping: AbstractSet[Activity], now: float) -> AnyEvent | None:
    """What a call gave before a retry, or in a fork's origin, stands for it; so does what stood in for it.

    Nothing is called, so it waits for no room.
    """
    for call in state.ready:
        if stopping and call.is_within(stopping):
            continue
        if call.path in state.reused:
            output = state.reused[call.path]
            return TaskCompleted(at=now, task=call.path, attempt=0, output=output, reused=True)
        if call.fallback_path in state.reused and not call.fell_back:
            return FallbackStarted(at=now, task=call.path)
    return None


def _first(queue: deque[Activity], stopping: AbstractSet[Activity]) -> Activity | None:
    """The first that is not being stopped."""
    if not (queue and stopping):
        return queue[0] if queue else None
    return next((activity for activity in queue if not activity.is_within(stopping)), None)


def _next_call(state: ExecutionState, stopping: AbstractSet[Activity], now: float) -> Activity | None:
    for activity in state.retrying:
        if activity.not_before <= now and activity.blocked_by() is None and not activity.is_within(stopping):
            return activity
    if not state.ready or state.root.running >= state.plan.max_parallel:
        return None
    return next(
        (
            activity
            for activity in state.ready
            if activity.blocked_by() is None and not (stopping and activity.is_within(stopping))
        ),
        None,
    )


def _start_attempt(activity: Activity, now: float) -> TaskStarted:
    attempt = activity.attempt + 1
    waited_for = activity.waited_for() if attempt == 1 else ()
    return TaskStarted(at=now, task=activity.path, attempt=attempt, waited_for=waited_for)


def _fail(state: ExecutionState, failure: Failure, now: float) -> AnyEvent:
    if (letter := letter_of(state, failure, now)) is not None:
        return letter
    if state.undo and state.status is ExecutionStatus.RUNNING:
        return CompensationStarted(at=now, failure=failure)
    return WorkflowFailed(at=now, failure=failure)


def _with_compensation(state: ExecutionState, failure: Failure) -> Failure:
    """The failure, told with what could not be undone."""
    if not state.not_undone:
        return failure
    message = f"{failure.message}; the compensation of {', '.join(state.not_undone)} failed"
    return msgspec.structs.replace(failure, message=message)
