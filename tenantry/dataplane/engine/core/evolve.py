"""Folds events into the state of an execution, in place: its owner has it alone. Equal folds are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core import bodies
from tenantry.dataplane.engine.core.activity import Activity, Phase
from tenantry.dataplane.engine.core.events import (
    CircuitOpened,
    CompensationStarted,
    ConditionEvaluated,
    DeadLettered,
    FailureCode,
    FailureTolerated,
    FallbackStarted,
    ForEachCompleted,
    ForEachIteration,
    ForEachStarted,
    GroupCompleted,
    GroupStarted,
    SecretAccessed,
    SubworkflowStarted,
    SwitchMatched,
    TaskCompleted,
    TaskFailed,
    TaskRetried,
    TaskScheduled,
    TaskSkipped,
    TaskStarted,
    WebhookReceived,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowRecovered,
    WorkflowResumed,
    WorkflowRetried,
    WorkflowStarted,
    WorkflowSubmitted,
    WorkflowValidated,
)
from tenantry.dataplane.engine.core.forking import unaffected
from tenantry.dataplane.engine.core.lifecycle import (
    abandon,
    begin_body,
    complete,
    end,
    open_group,
    postpone,
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
    state.last_at = event.at


def _submitted(state: ExecutionState, event: WorkflowSubmitted) -> None:
    state.scope.input = event.input
    state.seed = event.seed
    state.deadline_at = state.root.deadline_at = event.deadline_at
    state.reused, state.inputs = event.reused, event.inputs
    state.done = dict(event.reused)


def _validated(state: ExecutionState, _event: WorkflowValidated) -> None:
    state.validated = True


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


def _paused(state: ExecutionState, event: WorkflowPaused) -> None:
    state.status, state.paused_at = ExecutionStatus.PAUSED, event.at


def _resumed(state: ExecutionState, event: WorkflowResumed) -> None:
    state.status = ExecutionStatus.RUNNING
    postpone(state, event.at - state.paused_at)


def _recovered(state: ExecutionState, event: WorkflowRecovered) -> None:
    state.recoveries += 1
    if state.status is ExecutionStatus.PAUSED:
        return  # all of that time is made up for when it is resumed
    postpone(state, event.at - state.last_at)


def _retried(state: ExecutionState, event: WorkflowRetried) -> None:
    state.run += 1
    state.recoveries = 0
    state.inputs = {**state.inputs, **event.inputs}
    state.done = unaffected(state.plan, state.done, event.inputs)
    state.reused = dict(state.done)
    state.begin(state.scope.input, event.deadline_at)


def _compensation_started(state: ExecutionState, event: CompensationStarted) -> None:
    state.status, state.failure = ExecutionStatus.COMPENSATING, event.failure
    inside = state.root.inside
    abandon(state, state.root)
    state.root.inside = inside  # for those who look at how far it came
    undo_next(state)


def _unsafe(activity: Activity) -> int:
    call: CallPlan = activity.body
    return 0 if call.task.safe else 1


def _task_scheduled(state: ExecutionState, event: TaskScheduled) -> None:
    state.activities[event.task].scheduled = True


def _task_started(state: ExecutionState, event: TaskStarted) -> None:
    activity = state.activities[event.task]
    (state.ready if activity.phase is Phase.READY else state.retrying).remove(activity)
    activity.phase, activity.attempt = Phase.RUNNING, event.attempt
    activity.count_attempts(1, _unsafe(activity))


def _task_completed(state: ExecutionState, event: TaskCompleted) -> None:
    activity = state.activities.get(event.task)
    if activity is None or _is_over(activity, event.attempt):
        return
    if activity.phase is Phase.RUNNING:
        activity.count_attempts(-1, -_unsafe(activity))
    else:
        _unqueue(state, activity)
    state.done[activity.path] = event.output
    complete(state, activity, event.output)


def _task_failed(state: ExecutionState, event: TaskFailed) -> None:
    activity = state.activities.get(event.task)
    if activity is None or _is_over(activity, event.attempt):
        return
    if activity.inside is not None:
        abandon(state, activity)
    elif activity.phase is Phase.RUNNING:
        activity.count_attempts(-1, -_unsafe(activity))
        activity.interrupted += event.failure.code is FailureCode.INTERRUPTED
        state.tried[activity.path] = (event.attempt, activity.body.task.name)
    else:
        state.due.remove(activity)
    activity.phase, activity.failure = Phase.FAILED, event.failure
    state.failed.append(activity)


def _is_over(activity: Activity, attempt: int) -> bool:
    """Whether an outcome comes too late: of an attempt whose outcome is known, or was given up.

    So does every outcome in something whose surroundings failed: such activities are not known any more.
    """
    return attempt > 0 and not (activity.phase is Phase.RUNNING and activity.attempt == attempt)


def _task_retried(state: ExecutionState, event: TaskRetried) -> None:
    activity = state.activities[event.task]
    state.failed.remove(activity)
    activity.phase, activity.not_before = Phase.RETRYING, event.not_before
    state.retrying.append(activity)


def _fallback_started(state: ExecutionState, event: FallbackStarted) -> None:
    activity = state.activities.pop(event.task)
    if activity.phase is Phase.FAILED:
        state.failed.remove(activity)
    else:
        _unqueue(state, activity)  # it stood in before, and does again without another try
    fallback, owner = activity.plan.fallback, activity.owner
    assert owner is not None  # noqa: S101  (a compensation has no fallback)
    activity.path = activity.fallback_path
    activity.fell_back, activity.failure = True, None
    activity.attempt = activity.interrupted = 0
    activity.deadline_at, activity.limit = owner.deadline_at, None  # not the bounds of what failed
    state.activities[activity.path] = activity
    begin_body(state, activity, fallback)


def _failure_tolerated(state: ExecutionState, event: FailureTolerated) -> None:
    activity = state.activities[event.task]
    state.failed.remove(activity)
    end(state, activity, Phase.TOLERATED, None)


def _task_skipped(state: ExecutionState, event: TaskSkipped) -> None:
    end(state, take_due(state, event), Phase.SKIPPED, None)


def _unqueue(state: ExecutionState, activity: Activity) -> None:
    (state.ready if activity.phase is Phase.READY else state.due).remove(activity)


def _dead_lettered(state: ExecutionState, event: DeadLettered) -> None:
    state.lettered[event.task] = event.reason


def _nothing(_state: ExecutionState, _event: AnyEvent) -> None:
    """For an event that is news and changes nothing here."""


_EVOLVE: Final[dict[type, Callable[[ExecutionState, Any], None]]] = {
    WorkflowSubmitted: _submitted,
    WorkflowValidated: _validated,
    WorkflowStarted: _workflow_started,
    WorkflowPaused: _paused,
    WorkflowResumed: _resumed,
    WorkflowRecovered: _recovered,
    WorkflowRetried: _retried,
    ConditionEvaluated: bodies.condition_evaluated,
    SwitchMatched: bodies.switch_matched,
    ForEachStarted: bodies.for_each_started,
    ForEachIteration: bodies.for_each_iteration,
    ForEachCompleted: bodies.for_each_completed,
    GroupStarted: bodies.group_started,
    SubworkflowStarted: bodies.subworkflow_started,
    GroupCompleted: bodies.group_completed,
    TaskSkipped: _task_skipped,
    TaskScheduled: _task_scheduled,
    TaskStarted: _task_started,
    TaskCompleted: _task_completed,
    TaskFailed: _task_failed,
    TaskRetried: _task_retried,
    FallbackStarted: _fallback_started,
    FailureTolerated: _failure_tolerated,
    DeadLettered: _dead_lettered,
    SecretAccessed: _nothing,
    WebhookReceived: _nothing,
    CircuitOpened: _nothing,
    CompensationStarted: _compensation_started,
    WorkflowCompleted: _workflow_completed,
    WorkflowFailed: _workflow_failed,
    WorkflowCancelled: _workflow_cancelled,
}
