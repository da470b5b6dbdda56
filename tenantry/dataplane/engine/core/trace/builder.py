"""Folds an execution's events into its trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import (
    CompensationStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowRecovered,
    WorkflowResumed,
    WorkflowRetried,
    WorkflowStarted,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.core.trace.folds import fold_task
from tenantry.dataplane.engine.core.trace.model import PauseTrace, RecoveryTrace, RunTrace, Trace
from tenantry.dataplane.engine.core.trace.tasks import Tasks
from tenantry.dataplane.engine.core.trace.timeline import critical_path, note_neighbours, parallelism

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenantry.dataplane.engine.core.events import AnyEvent


def trace(execution_id: str, events: Iterable[AnyEvent]) -> Trace:
    """The trace of an execution from all its events so far."""
    builder = TraceBuilder(execution_id)
    builder.add(events)
    return builder.finish()


class TraceBuilder:
    """A trace that is being made: events go in in their order, in portions, and need not be kept."""

    def __init__(self, execution_id: str) -> None:
        self._making = _Making(execution_id)

    def add(self, events: Iterable[AnyEvent]) -> None:
        """Folds the events that come next."""
        making = self._making
        for event in events:
            at = round(event.at - making.trace.started_at, 6) if making.trace.runs else 0.0
            fold = _FOLDS.get(type(event))
            if fold is not None:
                fold(making, event, at)
            fold_task(making.tasks, event, at)
            making.last = at

    def finish(self) -> Trace:
        """The trace; nothing can be added any more."""
        found, tasks = self._making.trace, self._making.tasks
        found.tasks, found.task_count = tasks.traces, len(tasks.traces)
        found.parallelism = parallelism(tasks.traces, self._making.last)
        found.critical_path = critical_path(tasks)
        note_neighbours(tasks.traces)
        return found


class _Making:
    """What is known of the execution so far; `last` is the instant of the last event."""

    def __init__(self, execution_id: str) -> None:
        self.trace = Trace(execution_id=execution_id, status="")
        self.tasks = Tasks()
        self.last = 0.0

    def stand(self, status: ExecutionStatus) -> None:
        self.trace.status = self.trace.runs[-1].status = status.value

    def begin_run(self, actor: str, at: float) -> None:
        self.trace.runs.append(RunTrace(len(self.trace.runs) + 1, at, "", actor))
        self.stand(ExecutionStatus.SUBMITTED)

    def end_run(self, status: ExecutionStatus, at: float) -> RunTrace:
        self.stand(status)
        self.tasks.cut_off("", at)
        run = self.trace.runs[-1]
        self.trace.duration_seconds = run.end_seconds = at
        return run

    def end_pause(self, actor: str, at: float) -> None:
        pauses = self.trace.pauses
        if pauses and pauses[-1].end_seconds is None:
            pauses[-1].end_seconds, pauses[-1].ended_by = at, actor


def _submitted(making: _Making, event: WorkflowSubmitted, at: float) -> None:
    found = making.trace
    found.workflow, found.version, found.actor = event.workflow, event.version, event.actor
    found.started_at, found.traceparent, found.origin = event.at, event.traceparent, event.origin
    making.begin_run(event.actor, at)


def _started(making: _Making, _event: WorkflowStarted, _at: float) -> None:
    making.stand(ExecutionStatus.RUNNING)


def _paused(making: _Making, event: WorkflowPaused, at: float) -> None:
    making.trace.pauses.append(PauseTrace(at, event.actor))
    making.stand(ExecutionStatus.PAUSED)


def _resumed(making: _Making, event: WorkflowResumed, at: float) -> None:
    making.end_pause(event.actor, at)
    making.stand(ExecutionStatus.RUNNING)


def _recovered(making: _Making, event: WorkflowRecovered, at: float) -> None:
    making.trace.recoveries.append(RecoveryTrace(event.executor, making.last, at))
    making.tasks.interrupt()


def _retried(making: _Making, event: WorkflowRetried, at: float) -> None:
    making.trace.duration_seconds = None
    making.tasks.begin_run(at)
    making.begin_run(event.actor, at)


def _undoing(making: _Making, _event: CompensationStarted, _at: float) -> None:
    making.stand(ExecutionStatus.COMPENSATING)


def _completed(making: _Making, _event: WorkflowCompleted, at: float) -> None:
    making.end_run(ExecutionStatus.COMPLETED, at)


def _failed(making: _Making, event: WorkflowFailed, at: float) -> None:
    making.end_run(ExecutionStatus.FAILED, at).failure = event.failure


def _cancelled(making: _Making, event: WorkflowCancelled, at: float) -> None:
    making.end_pause(event.actor, at)
    making.end_run(ExecutionStatus.CANCELLED, at)


_FOLDS: Final[dict[type, Callable[[_Making, Any, float], None]]] = {
    WorkflowSubmitted: _submitted,
    WorkflowStarted: _started,
    WorkflowPaused: _paused,
    WorkflowResumed: _resumed,
    WorkflowRecovered: _recovered,
    WorkflowRetried: _retried,
    CompensationStarted: _undoing,
    WorkflowCompleted: _completed,
    WorkflowFailed: _failed,
    WorkflowCancelled: _cancelled,
}
"""Other events tell nothing of the execution as a whole."""
