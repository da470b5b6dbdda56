"""Folds an event into the tasks of a trace, or into the execution around them; each costs the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import (
    CompensationStarted,
    DeadLettered,
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
    TaskScheduled,
    TaskSkipped,
    TaskStarted,
)
from tenantry.dataplane.engine.core.trace.model import BlockTrace
from tenantry.dataplane.engine.core.trace.tasks import FALLBACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.events import AnyEvent, Failure
    from tenantry.dataplane.engine.core.trace.model import TaskTrace
    from tenantry.dataplane.engine.core.trace.tasks import Tasks


def fold_task(tasks: Tasks, event: AnyEvent, at: float) -> None:
    """Folds an event that happened so many seconds after the execution's start."""
    fold = _FOLDS.get(type(event))
    if fold is not None:
        fold(tasks, event, at)


def _scheduled(tasks: Tasks, event: TaskScheduled, at: float) -> None:
    task = tasks.begin(event.task, at)
    task.status, task.waited_for = "waiting", event.waited_for
    full = event.blocked_by
    limit = "loop" if full in tasks.loops else "sub-workflow" if full else "workflow"
    task.blocked = (*task.blocked, BlockTrace(limit, at, full))


def _started(tasks: Tasks, event: TaskStarted, at: float) -> None:
    tasks.begin_attempt(event.task, event.attempt, at, event.waited_for)


def _completed(tasks: Tasks, event: TaskCompleted, at: float) -> None:
    task = _end_attempt(tasks, event, "completed", None, at)
    task.cached, task.reused = event.cached, event.reused


def _failed(tasks: Tasks, event: TaskFailed, at: float) -> None:
    if event.attempt == 0:
        tasks.cut_off(event.task, at)
    _end_attempt(tasks, event, "failed", event.failure, at)


def _end_attempt(
    tasks: Tasks, event: TaskCompleted | TaskFailed, status: str, failure: Failure | None, at: float
) -> TaskTrace:
    task = tasks.end(event.task, status, at)
    if event.attempt == 0:
        task.failure = failure  # of the whole, before or without an attempt of its own
    else:
        task.attempts[-1].end_seconds, task.attempts[-1].failure = at, failure
    return task


def _retried(tasks: Tasks, event: TaskRetried, at: float) -> None:
    task = tasks.begin(event.task, at)
    tasks.reopen(task, "retrying")
    task.attempts[-1].retry_delay_seconds = round(max(0.0, event.not_before - event.at), 6)


def _skipped(tasks: Tasks, event: TaskSkipped, at: float) -> None:
    tasks.end(event.task, "skipped", at).skip_reason = event.reason


def _opened(tasks: Tasks, event: ForEachStarted | GroupStarted | SubworkflowStarted, at: float) -> None:
    if isinstance(event, ForEachStarted):
        tasks.loops.add(event.task)
    tasks.note_wait(tasks.begin(event.task, at), event.waited_for)


def _closed(tasks: Tasks, event: ForEachCompleted | GroupCompleted, at: float) -> None:
    tasks.end(event.task, "completed", at)


def _taken_up(tasks: Tasks, event: ForEachIteration, at: float) -> None:
    since = tasks.begin(event.task, at).start_seconds
    if at > since:
        item = tasks.begin(f"{event.task}[{event.index}]", at)
        item.blocked = (BlockTrace("loop", since, event.task, at),)


def _matched(tasks: Tasks, event: SwitchMatched, at: float) -> None:
    tasks.begin(event.task, at).chose = "default" if event.case is None else str(event.case)


def _tolerated(tasks: Tasks, event: FailureTolerated, at: float) -> None:
    tasks.begin(event.task, at).tolerated = True


def _dead_lettered(tasks: Tasks, event: DeadLettered, _at: float) -> None:
    task = tasks.latest.get(event.task)
    if task is not None:  # else it is the execution as a whole
        task.dead_lettered = event.reason.value


def _fell_back(tasks: Tasks, event: FallbackStarted, _at: float) -> None:
    tasks.after[event.task + FALLBACK] = event.task


def _undoing(tasks: Tasks, event: CompensationStarted, at: float) -> None:
    tasks.cut_off("", at)
    tasks.undone_last = event.failure.task.partition("/")[0].partition("[")[0]


_FOLDS: Final[dict[type, Callable[[Tasks, Any, float], None]]] = {
    TaskScheduled: _scheduled,
    TaskStarted: _started,
    TaskCompleted: _completed,
    TaskFailed: _failed,
    TaskRetried: _retried,
    TaskSkipped: _skipped,
    ForEachStarted: _opened,
    GroupStarted: _opened,
    SubworkflowStarted: _opened,
    ForEachCompleted: _closed,
    GroupCompleted: _closed,
    ForEachIteration: _taken_up,
    SwitchMatched: _matched,
    FailureTolerated: _tolerated,
    DeadLettered: _dead_lettered,
    FallbackStarted: _fell_back,
    CompensationStarted: _undoing,
}
"""Other events tell nothing of a task."""
