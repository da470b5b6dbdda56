"""The trace: who ran when, what it waited for, what ran beside it; read off an execution's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tenantry.dataplane.engine.core.events import (
    Failure,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent

_ENDS: Final = {
    WorkflowCompleted: ExecutionStatus.COMPLETED,
    WorkflowFailed: ExecutionStatus.FAILED,
    WorkflowCancelled: ExecutionStatus.CANCELLED,
}


class AttemptTrace(msgspec.Struct, rename="camel", omit_defaults=True):
    """One attempt; seconds since the execution's start. No end: it was still running at the trace's end."""

    attempt: int
    start_seconds: float
    end_seconds: float | None = None
    failure: Failure | None = None


class TaskTrace(msgspec.Struct, rename="camel", omit_defaults=True):
    """One step.

    Attributes:
        wait_seconds: from the end of the last step it waited for to its first attempt.
        waited_for: the steps it had to wait for.
        ran_beside: the steps that ran during some of the same time.
    """

    id: str
    start_seconds: float
    status: str
    end_seconds: float | None = None
    duration_seconds: float | None = None
    wait_seconds: float = 0.0
    waited_for: tuple[str, ...] = ()
    ran_beside: tuple[str, ...] = ()
    attempts: list[AttemptTrace] = []
    skip_reason: str = ""


class Trace(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """An execution's timeline, its steps in the order they began. Times in seconds since its start."""

    execution_id: str
    workflow: str = ""
    version: int = 0
    status: str
    started_at: float = 0.0
    duration_seconds: float | None = None
    tasks: list[TaskTrace]


def trace(execution_id: str, events: list[AnyEvent]) -> Trace:
    """The trace of an execution from all its events so far."""
    builder = _Builder(execution_id)
    for event in events:
        builder.add(event)
    return builder.finish()


class _Builder:
    def __init__(self, execution_id: str) -> None:
        self._trace = Trace(execution_id=execution_id, status=ExecutionStatus.RUNNING.value, tasks=[])
        self._tasks: dict[str, TaskTrace] = {}

    def add(self, event: AnyEvent) -> None:
        if isinstance(event, WorkflowSubmitted):
            self._trace.workflow, self._trace.version = event.workflow, event.version
            self._trace.started_at = event.at
        elif isinstance(event, TaskStarted):
            self._start(event)
        elif isinstance(event, TaskCompleted):
            self._end_attempt(event, "completed", None)
        elif isinstance(event, TaskFailed):
            self._end_attempt(event, "failed", event.failure)
        elif isinstance(event, TaskSkipped):
            at = self._seconds(event)
            task = TaskTrace(event.task, at, "skipped", at, 0.0, skip_reason=event.reason)
            self._tasks[event.task] = task
        elif type(event) in _ENDS:
            self._trace.status = _ENDS[type(event)].value
            self._trace.duration_seconds = self._seconds(event)

    def finish(self) -> Trace:
        tasks = list(self._tasks.values())
        for task in tasks:
            if task.status == "running" and self._trace.duration_seconds is not None:
                task.status = "cancelled"  # the execution ended first and abandoned it
            task.ran_beside = tuple(
                other.id for other in tasks if other is not task and _overlap(task, other)
            )
        self._trace.tasks = tasks
        return self._trace

    def _seconds(self, event: AnyEvent) -> float:
        return round(event.at - self._trace.started_at, 6)

    def _start(self, event: TaskStarted) -> None:
        at = self._seconds(event)
        task = self._tasks.get(event.task)
        if task is None:
            ends = [self._tasks[name].end_seconds or 0.0 for name in event.waited_for if name in self._tasks]
            ready = max(ends, default=0.0)
            task = TaskTrace(
                event.task,
                at,
                "running",
                wait_seconds=round(at - ready, 6),
                waited_for=event.waited_for,
                attempts=[],
            )
            self._tasks[event.task] = task
        task.status, task.end_seconds, task.duration_seconds = "running", None, None
        task.attempts.append(AttemptTrace(event.attempt, at))

    def _end_attempt(self, event: TaskCompleted | TaskFailed, status: str, failure: Failure | None) -> None:
        at = self._seconds(event)
        task = self._tasks.setdefault(event.task, TaskTrace(event.task, at, status, attempts=[]))
        if not task.attempts:  # it failed before any attempt: its condition has no value
            task.attempts.append(AttemptTrace(event.attempt, at))
        task.attempts[-1].end_seconds, task.attempts[-1].failure = at, failure
        task.status, task.end_seconds = status, at
        task.duration_seconds = round(at - task.start_seconds, 6)


def _overlap(one: TaskTrace, other: TaskTrace) -> bool:
    if not (one.attempts and other.attempts):
        return False  # a skipped step ran beside nobody
    one_end = one.end_seconds if one.end_seconds is not None else float("inf")
    other_end = other.end_seconds if other.end_seconds is not None else float("inf")
    return one.start_seconds < other_end and other.start_seconds < one_end
