"""The state of one execution: a fold of its events. `evolve` is the only thing that changes it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    ConditionEvaluated,
    Failure,
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
from tenantry.language.templates.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.plan.model import Plan
    from tenantry.language.values import Json


class ExecutionStatus(StrEnum):
    """Where an execution stands."""

    SUBMITTED = "submitted"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """Where a step stands. `failed` is its last attempt's end; a retry makes it `retrying`."""

    PENDING = "pending"
    RUNNING = "running"
    FAILED = "failed"
    RETRYING = "retrying"
    COMPLETED = "completed"
    SKIPPED = "skipped"


ENDED: Final = frozenset({ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})


class StepState:
    """What is known of one step. `waiting_for` counts the dependencies that have not ended."""

    __slots__ = ("attempt", "condition", "failure", "not_before", "status", "waiting_for")

    def __init__(self, waiting_for: int) -> None:
        self.status = StepStatus.PENDING
        self.waiting_for = waiting_for
        self.attempt = 0
        self.not_before = 0.0
        self.condition: bool | None = None
        self.failure: Failure | None = None


class ExecutionState:
    """An execution as its events tell it. The driver owns one and passes it to `evolve` and `decide`.

    Attributes:
        open: indexes of the steps a decision may be due for: ready, failed or retrying; in order of arrival.
        running: attempts in flight; `running_unsafe` those among them that may not be abandoned.
        remaining: steps that have not ended.
        failure: why the execution failed, once it has.
    """

    __slots__ = (
        "deadline_at", "failure", "index", "open", "output", "plan", "remaining", "running", "running_unsafe",
        "scope", "seed", "status", "steps",
    )  # fmt: skip

    def __init__(self, plan: Plan, execution_id: str, tenant: str) -> None:
        self.plan = plan
        self.scope = Scope(
            input=None,
            outputs={},
            statuses={},
            workflow_name=plan.workflow,
            execution_id=execution_id,
            tenant_name=tenant,
        )
        self.steps = [StepState(len(step.dependencies)) for step in plan.steps]
        self.index = {step.id: step.index for step in plan.steps}
        self.status = ExecutionStatus.SUBMITTED
        self.open: list[int] = []
        self.running = 0
        self.running_unsafe = 0
        self.remaining = len(plan.steps)
        self.failure: Failure | None = None
        self.output: Json = None
        self.seed = 0
        self.deadline_at = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing can happen any more."""
        return self.status in ENDED


def evolve(state: ExecutionState, event: AnyEvent) -> None:
    """Folds one event into the state, in place: the caller owns it, and equal folds give equal states."""
    _EVOLVE[type(event)](state, event)


def _submitted(state: ExecutionState, event: WorkflowSubmitted) -> None:
    state.scope.input = event.input
    state.seed = event.seed
    state.deadline_at = event.deadline_at


def _started(state: ExecutionState, _event: WorkflowStarted) -> None:
    state.status = ExecutionStatus.RUNNING
    state.open = [index for index, step in enumerate(state.steps) if step.waiting_for == 0]


def _condition_evaluated(state: ExecutionState, event: ConditionEvaluated) -> None:
    state.steps[state.index[event.task]].condition = event.result


def _task_started(state: ExecutionState, event: TaskStarted) -> None:
    index = state.index[event.task]
    step = state.steps[index]
    step.status, step.attempt = StepStatus.RUNNING, event.attempt
    state.open.remove(index)
    state.running += 1
    state.running_unsafe += not state.plan.steps[index].task.safe


def _attempt_ended(state: ExecutionState, index: int) -> None:
    state.running -= 1
    state.running_unsafe -= not state.plan.steps[index].task.safe


def _step_ended(state: ExecutionState, index: int, status: StepStatus, output: Json) -> None:
    plan = state.plan.steps[index]
    state.steps[index].status = status
    state.scope.outputs[plan.id] = output
    state.scope.statuses[plan.id] = status.value
    state.remaining -= 1
    for dependent in plan.dependents:
        waiting = state.steps[dependent]
        waiting.waiting_for -= 1
        if waiting.waiting_for == 0:
            state.open.append(dependent)


def _task_completed(state: ExecutionState, event: TaskCompleted) -> None:
    index = state.index[event.task]
    _attempt_ended(state, index)
    _step_ended(state, index, StepStatus.COMPLETED, event.output)


def _task_skipped(state: ExecutionState, event: TaskSkipped) -> None:
    index = state.index[event.task]
    state.open.remove(index)
    _step_ended(state, index, StepStatus.SKIPPED, None)


def _task_failed(state: ExecutionState, event: TaskFailed) -> None:
    index = state.index[event.task]
    step = state.steps[index]
    if step.status is StepStatus.RUNNING:
        _attempt_ended(state, index)
        state.open.append(index)
    step.status, step.failure = StepStatus.FAILED, event.failure


def _task_retried(state: ExecutionState, event: TaskRetried) -> None:
    step = state.steps[state.index[event.task]]
    step.status, step.not_before = StepStatus.RETRYING, event.not_before


def _completed(state: ExecutionState, event: WorkflowCompleted) -> None:
    state.status, state.output = ExecutionStatus.COMPLETED, event.output


def _failed(state: ExecutionState, event: WorkflowFailed) -> None:
    state.status, state.failure = ExecutionStatus.FAILED, event.failure


def _cancelled(state: ExecutionState, _event: WorkflowCancelled) -> None:
    state.status = ExecutionStatus.CANCELLED


_EVOLVE: Final[dict[type, Callable[[ExecutionState, Any], None]]] = {
    WorkflowSubmitted: _submitted,
    WorkflowStarted: _started,
    ConditionEvaluated: _condition_evaluated,
    TaskStarted: _task_started,
    TaskCompleted: _task_completed,
    TaskSkipped: _task_skipped,
    TaskFailed: _task_failed,
    TaskRetried: _task_retried,
    WorkflowCompleted: _completed,
    WorkflowFailed: _failed,
    WorkflowCancelled: _cancelled,
}
