"""Folds events into the state of an execution, in place: its owner has it alone. Equal folds are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core import bodies
from tenantry.dataplane.engine.core.activity import Activity, Phase
from tenantry.dataplane.engine.core.events import (
    CircuitOpened,
    CompensationStarted,
    ConditionEvaluated,
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
from tenantry.dataplane.engine.core.lifecycle import (
    abandon,
    begin_body,
    complete,
    end,
    open_group,
    take_due,
    undo_next,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import CallPlan


def evolve(state: ExecutionState, event: AnyEvent) -> None:
    """Folds one event."""
    _EVOLVE[type(event)](state, event)


def _submitted(state: ExecutionState, event: WorkflowSubmitted) -> None:
    state.scope.input = event.input
    state.seed = event.seed
    state.deadline_at = state.root.deadline_at = event.deadline_at


def _workflow_started(state: ExecutionState, _event: WorkflowStarted) -> None:
    state.status = ExecutionStatus.RUNNING
    state.root.phase = Phase.RUNNING
    open_group(state, state.root, state.plan.graph, state.scope)


def _workflow_completed(state: ExecutionState, event: WorkflowCompleted) -> None:
    state.status, state.output, state.answer = ExecutionStatus.COMPLETED, event.output, event.answer


def _workflow_failed(state: ExecutionState, event: WorkflowFailed) -> None:
    state.status, state.failure = ExecutionStatus.FAILED, event.failure


def _workflow_cancelled(state: ExecutionState, _event: WorkflowCancelled) -> None:
    state.status = ExecutionStatus.CANCELLED


def _compensation_started(state: ExecutionState, event: CompensationStarted) -> None:
    state.status, state.failure = ExecutionStatus.COMPENSATING, event.failure
    abandon(state, state.root)
    undo_next(state)


def _unsafe(activity: Activity) -> int:
    call: CallPlan = activity.body
    return 0 if call.task.safe else 1


def _task_started(state: ExecutionState, event: TaskStarted) -> None:
    activity = state.activities[event.task]
    (state.ready if activity.phase is Phase.READY else state.retrying).remove(activity)
    activity.phase, activity.attempt = Phase.RUNNING, event.attempt
    activity.count_attempts(1, _unsafe(activity))


def _task_completed(state: ExecutionState, event: TaskCompleted) -> None:
    activity = state.activities.get(event.task)
    if activity is None:
        return  # what was around it failed before: the outcome comes too late
    if activity.phase is Phase.RUNNING:
        activity.count_attempts(-1, -_unsafe(activity))
    else:
        state.due.remove(activity)
    complete(state, activity, event.output)


def _task_failed(state: ExecutionState, event: TaskFailed) -> None:
    activity = state.activities.get(event.task)
    if activity is None:
        return  # as above
    if activity.inside is not None:
        abandon(state, activity)
    elif activity.phase is Phase.RUNNING:
        activity.count_attempts(-1, -_unsafe(activity))
    else:
        state.due.remove(activity)
    activity.phase, activity.failure = Phase.FAILED, event.failure
    state.failed.append(activity)


def _task_retried(state: ExecutionState, event: TaskRetried) -> None:
    activity = state.activities[event.task]
    state.failed.remove(activity)
    activity.phase, activity.not_before = Phase.RETRYING, event.not_before
    state.retrying.append(activity)


def _fallback_started(state: ExecutionState, event: FallbackStarted) -> None:
    activity = state.activities.pop(event.task)
    state.failed.remove(activity)
    fallback, owner = activity.plan.fallback, activity.owner
    assert owner is not None  # noqa: S101  (a compensation has no fallback)
    activity.path += "~fallback"
    activity.fell_back, activity.attempt, activity.failure = True, 0, None
    activity.deadline_at, activity.limit = owner.deadline_at, None  # not the bounds of what failed
    state.activities[activity.path] = activity
    begin_body(state, activity, fallback)


def _failure_tolerated(state: ExecutionState, event: FailureTolerated) -> None:
    activity = state.activities[event.task]
    state.failed.remove(activity)
    end(state, activity, Phase.TOLERATED, None)


def _task_skipped(state: ExecutionState, event: TaskSkipped) -> None:
    end(state, take_due(state, event), Phase.SKIPPED, None)


def _nothing(_state: ExecutionState, _event: AnyEvent) -> None:
    """For an event that is news and changes nothing here."""


_EVOLVE: Final[dict[type, Callable[[ExecutionState, Any], None]]] = {
    WorkflowSubmitted: _submitted,
    WorkflowStarted: _workflow_started,
    ConditionEvaluated: bodies.condition_evaluated,
    SwitchMatched: bodies.switch_matched,
    ForEachStarted: bodies.for_each_started,
    ForEachIteration: bodies.for_each_iteration,
    ForEachCompleted: bodies.for_each_completed,
    GroupStarted: bodies.group_started,
    SubworkflowStarted: bodies.subworkflow_started,
    GroupCompleted: bodies.group_completed,
    TaskSkipped: _task_skipped,
    TaskStarted: _task_started,
    TaskCompleted: _task_completed,
    TaskFailed: _task_failed,
    TaskRetried: _task_retried,
    FallbackStarted: _fallback_started,
    FailureTolerated: _failure_tolerated,
    CircuitOpened: _nothing,
    CompensationStarted: _compensation_started,
    WorkflowCompleted: _workflow_completed,
    WorkflowFailed: _workflow_failed,
    WorkflowCancelled: _workflow_cancelled,
}
