"""What is done to an execution from outside: cancelled, paused, resumed, taken over, retried. Pure.

Each folds its events and gives them for the journal; what follows from them is decided as ever, by `advance`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.events import (
    Failure,
    FailureCode,
    TaskFailed,
    WorkflowCancelled,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowRecovered,
    WorkflowResumed,
    WorkflowRetried,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.letters import calls_in_flight, letter_of, letter_of_cut_off
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.dataplane.engine.core.activity import Activity
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.values import Json

RETRIABLE: Final = frozenset({ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})
"""What can be retried."""

_CANCELLABLE: Final = frozenset({ExecutionStatus.SUBMITTED, ExecutionStatus.RUNNING, ExecutionStatus.PAUSED})


def cancel(state: ExecutionState, actor: str, now: float) -> list[AnyEvent]:
    """Ends it now; nothing when it has ended, or has failed and is being undone.

    Calls in flight are abandoned; those that are not safe become dead letters.
    """
    if state.status not in _CANCELLABLE:
        return []
    return _fold(state, WorkflowCancelled(at=now, actor=actor), _cut_off(state, state.root, now))


def fail(state: ExecutionState, failure: Failure, now: float) -> list[AnyEvent]:
    """Ends it with a failure that is not its own; nothing when it has ended."""
    if state.ended:
        return []
    events = _cut_off(state, state.root, now)
    if state.compensation is not None:
        events += _cut_off(state, state.compensation, now)
    if (letter := letter_of(state, failure, now)) is not None:
        _fold(state, letter, events)
    return _fold(state, WorkflowFailed(at=now, failure=failure), events)


def pause(state: ExecutionState, actor: str, now: float) -> list[AnyEvent]:
    """Lets nothing more begin; nothing when it is not running."""
    if state.status is not ExecutionStatus.RUNNING:
        return []
    return _fold(state, WorkflowPaused(at=now, actor=actor), [])


def resume(state: ExecutionState, actor: str, now: float) -> list[AnyEvent]:
    """Goes on; nothing when it is not paused."""
    if state.status is not ExecutionStatus.PAUSED:
        return []
    return _fold(state, WorkflowResumed(at=now, actor=actor), [])


def recover(state: ExecutionState, executor: str, now: float) -> list[AnyEvent]:
    """Takes it over from an executor that is gone; nothing when it has ended.

    How its calls in flight ended, nobody knows.
    """
    if state.ended:
        return []
    events = _fold(state, WorkflowRecovered(at=now, executor=executor), [])
    for activity in list(calls_in_flight(state)):
        failure = _interrupted(activity)
        _fold(
            state, TaskFailed(at=now, task=activity.path, attempt=activity.attempt, failure=failure), events
        )
    return events


def settle(state: ExecutionState, executor: str, now: float) -> list[AnyEvent]:
    """What whoever takes it does before anything else: recovers it, if somebody left calls in flight."""
    return recover(state, executor, now) if any(calls_in_flight(state)) else []


def retry(
    state: ExecutionState, actor: str, now: float, deadline_at: float, inputs: Mapping[str, Json]
) -> list[AnyEvent]:
    """Runs the failed part of it again; nothing when it neither failed nor was cancelled."""
    if state.status not in RETRIABLE:
        return []
    event = WorkflowRetried(at=now, actor=actor, deadline_at=deadline_at, inputs=dict(inputs))
    return _fold(state, event, [])


def _fold(state: ExecutionState, event: AnyEvent, events: list[AnyEvent]) -> list[AnyEvent]:
    evolve(state, event)
    events.append(event)
    return events


def _cut_off(state: ExecutionState, around: Activity, now: float) -> list[AnyEvent]:
    """The letters of everything in there that may have taken effect."""
    events: list[AnyEvent] = []
    while (letter := letter_of_cut_off(state, around, now)) is not None:
        _fold(state, letter, events)
    return events


def _interrupted(activity: Activity) -> Failure:
    task = activity.body.task
    what = f"the executor stopped during attempt {activity.attempt} at {activity.path}"
    return Failure(
        code=FailureCode.INTERRUPTED if task.repeatable else FailureCode.OUTCOME_UNKNOWN,
        message=what if task.safe else f"{what}: it may have taken effect",
        source=Source.PLATFORM,
        task=activity.path,
        outcome_unknown=not task.safe,
    )
