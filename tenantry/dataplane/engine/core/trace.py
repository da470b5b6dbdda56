"""The trace: who ran when, what it waited for, what ran beside it; read off an execution's events."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from tenantry.dataplane.engine.core.events import (
    Failure,
    FailureTolerated,
    ForEachCompleted,
    ForEachStarted,
    GroupCompleted,
    GroupStarted,
    SubworkflowStarted,
    SwitchMatched,
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

MAX_BESIDE: Final = 20
"""How many of the tasks that ran beside one are named."""


class AttemptTrace(msgspec.Struct, rename="camel", omit_defaults=True):
    """One attempt; seconds since the execution's start. No end: it was still running at the trace's end."""

    attempt: int
    start_seconds: float
    end_seconds: float | None = None
    failure: Failure | None = None


class TaskTrace(msgspec.Struct, rename="camel", omit_defaults=True):
    """One task: a step, an item of a loop, a fallback or a compensation; with `inside`, what it consists of.

    Attributes:
        id: its path: `lines[3]` is an item of `lines`, `route/charge` is inside `route`.
        wait_seconds: from the end of the last step it waited for to its first attempt.
        waited_for: the steps it had to wait for.
        ran_beside: calls that ran during some of the same time, up to twenty.
        chose: the case a switch matched, by position, or `default`.
        tolerated: it failed, and what is around it went on.
        cached: its output is that of another call.
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
    chose: str = ""
    tolerated: bool = False
    cached: bool = False
    failure: Failure | None = None


class Trace(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """An execution's timeline, its tasks in the order they began. Times in seconds since its start."""

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
        match event:
            case WorkflowSubmitted():
                self._trace.workflow, self._trace.version = event.workflow, event.version
                self._trace.started_at = event.at
            case WorkflowCompleted() | WorkflowFailed() | WorkflowCancelled():
                self._trace.status = _ENDS[type(event)].value
                self._trace.duration_seconds = self._seconds(event)
            case _:
                self._add_to_task(event)

    def _add_to_task(self, event: AnyEvent) -> None:
        match event:
            case TaskStarted():
                self._start_attempt(event)
            case TaskCompleted():
                self._end_attempt(event, "completed", None).cached = event.cached
            case TaskFailed():
                self._end_attempt(event, "failed", event.failure)
            case TaskSkipped():
                self._end(event.task, event, "skipped").skip_reason = event.reason
            case ForEachStarted() | GroupStarted() | SubworkflowStarted():
                self._note_wait(self._task(event.task, event), event.waited_for)
            case ForEachCompleted() | GroupCompleted():
                self._end(event.task, event, "completed")
            case SwitchMatched():
                self._task(event.task, event).chose = "default" if event.case is None else str(event.case)
            case FailureTolerated():
                self._task(event.task, event).tolerated = True
            case _:
                pass  # it says nothing of when a task ran

    def finish(self) -> Trace:
        tasks = list(self._tasks.values())
        for task in tasks:
            if task.status == "running" and self._trace.duration_seconds is not None:
                task.status = "cancelled"  # something around it ended first and abandoned it
        _note_neighbours([task for task in tasks if task.attempts])
        self._trace.tasks = tasks
        return self._trace

    def _seconds(self, event: AnyEvent) -> float:
        return round(event.at - self._trace.started_at, 6)

    def _task(self, path: str, event: AnyEvent) -> TaskTrace:
        """The task's trace, which begins now if it has not."""
        task = self._tasks.get(path)
        if task is None:
            task = self._tasks[path] = TaskTrace(path, self._seconds(event), "running", attempts=[])
        return task

    def _end(self, path: str, event: AnyEvent, status: str) -> TaskTrace:
        task = self._task(path, event)
        task.status, task.end_seconds = status, self._seconds(event)
        task.duration_seconds = round(task.end_seconds - task.start_seconds, 6)
        return task

    def _start_attempt(self, event: TaskStarted) -> None:
        at = self._seconds(event)
        task = self._task(event.task, event)
        if not task.attempts:
            task.start_seconds = at
            self._note_wait(task, event.waited_for)
        task.status, task.end_seconds, task.duration_seconds = "running", None, None
        task.attempts.append(AttemptTrace(event.attempt, at))

    def _note_wait(self, task: TaskTrace, waited_for: tuple[str, ...]) -> None:
        """Notes what a task waited for, and for how long since: inside something, since that began."""
        around = self._tasks.get(_around(task.id))
        begin = around.start_seconds if around is not None else 0.0
        ends = [self._tasks[name].end_seconds or 0.0 for name in waited_for if name in self._tasks]
        task.waited_for = waited_for
        task.wait_seconds = round(task.start_seconds - max(ends, default=begin), 6)

    def _end_attempt(
        self, event: TaskCompleted | TaskFailed, status: str, failure: Failure | None
    ) -> TaskTrace:
        task = self._end(event.task, event, status)
        if event.attempt == 0:
            task.failure = failure  # of the whole, before or without an attempt of its own
        else:
            task.attempts[-1].end_seconds, task.attempts[-1].failure = task.end_seconds, failure
        return task


def _around(path: str) -> str:
    """The path of what a task is directly inside of; empty when that is the workflow."""
    return path[: max(path.rfind("/"), path.rfind("["), 0)]


def _note_neighbours(tasks: list[TaskTrace]) -> None:
    """Notes which calls ran at the same time: each meets those that run when it begins."""
    beside: dict[str, list[str]] = {}
    running: dict[str, None] = {}
    open_: dict[str, None] = {}  # those of them for which more neighbours may be named
    ends: list[tuple[float, str]] = []
    for task in sorted(tasks, key=lambda task: task.start_seconds):
        while ends and ends[0][0] <= task.start_seconds:
            _, ended = heappop(ends)
            del running[ended]
            open_.pop(ended, None)
        beside[task.id] = list(islice(running, MAX_BESIDE))
        for other in (*open_,):
            beside[other].append(task.id)
            if len(beside[other]) == MAX_BESIDE:
                del open_[other]
        running[task.id] = None
        if len(beside[task.id]) < MAX_BESIDE:
            open_[task.id] = None
        heappush(ends, (_end_of(task), task.id))
    order = {task.id: index for index, task in enumerate(tasks)}
    for task in tasks:
        task.ran_beside = tuple(sorted(beside[task.id], key=order.__getitem__))


def _end_of(task: TaskTrace) -> float:
    return float("inf") if task.end_seconds is None else task.end_seconds
