"""The tasks of a trace in the making: begun, ended, cut off. `folds` tells it what happened to them."""

from __future__ import annotations

from typing import Final

from tenantry.dataplane.engine.core.trace.model import AttemptTrace, TaskTrace

COMPENSATION: Final = "~compensate"
FALLBACK: Final = "~fallback"


def around(path: str) -> str:
    """The path of what a task is directly inside of; empty when that is the workflow."""
    if path.endswith(COMPENSATION):
        return ""  # it undoes a part, and is none
    return path[: max(path.rfind("/"), path.rfind("["), 0)]


class Tasks:
    """The tasks of an execution. Instants are seconds since its start.

    Attributes:
        traces: of all runs, in the order they began.
        latest: those of the present run, by path.
        loops: the paths of those that are loops.
        after: what a fallback or a compensation came after, by path. Compensations come one after the other,
            the first after what failed.
        undone_last: the compensation that began last, or what failed.
    """

    def __init__(self) -> None:
        self.traces: list[TaskTrace] = []
        self.latest: dict[str, TaskTrace] = {}
        self.loops: set[str] = set()
        self.after: dict[str, str] = {}
        self.undone_last = ""
        self._run, self._began_at = 1, 0.0
        self._unfinished: dict[str, dict[str, TaskTrace]] = {}

    def begin_run(self, at: float) -> None:
        """The execution is retried: every task that follows is told anew."""
        self._run, self._began_at = self._run + 1, at
        self.latest, self.loops, self.after, self._unfinished = {}, set(), {}, {}

    def begin(self, path: str, at: float) -> TaskTrace:
        """The task's trace, which begins now if it has not."""
        task = self.latest.get(path)
        if task is None:
            task = self.latest[path] = TaskTrace(path, at, "running", run=self._run)
            self.traces.append(task)
            self._note_unfinished(task)
            if path.endswith(COMPENSATION):
                self.after[path], self.undone_last = self.undone_last, path
        return task

    def begin_attempt(self, path: str, number: int, at: float, waited_for: tuple[str, ...]) -> None:
        """An attempt begins; the task's first says what the task waited for."""
        task = self.begin(path, at)
        if not task.attempts:
            task.start_seconds = at
            self.note_wait(task, waited_for or task.waited_for)
        if task.blocked and task.blocked[-1].end_seconds is None:
            task.blocked[-1].end_seconds = at
        self.reopen(task, "running")
        task.attempts = (*task.attempts, AttemptTrace(number, at))

    def reopen(self, task: TaskTrace, status: str) -> None:
        """The task has not ended after all."""
        task.status, task.end_seconds, task.duration_seconds = status, None, None
        self._note_unfinished(task)

    def end(self, path: str, status: str, at: float) -> TaskTrace:
        """The task ended."""
        task, owner = self.begin(path, at), around(path)
        inside = self._unfinished.get(owner, {})
        inside.pop(path, None)
        if not inside:
            self._unfinished.pop(owner, None)
        _end(task, status, at)
        return task

    def cut_off(self, path: str, at: float) -> None:
        """Ends what has not ended inside a task, or inside the workflow: nobody goes on with it."""
        for task in self._unfinished.pop(path, {}).values():
            self.cut_off(task.id, at)
            _end(task, "cancelled", at)
            if task.attempts and task.attempts[-1].end_seconds is None:
                task.attempts[-1].end_seconds = at

    def interrupt(self) -> None:
        """The executor is gone: whatever was in flight was interrupted."""
        for inside in self._unfinished.values():
            for task in inside.values():
                if task.attempts and task.attempts[-1].end_seconds is None:
                    task.attempts[-1].interrupted = True

    def note_wait(self, task: TaskTrace, waited_for: tuple[str, ...]) -> None:
        """Notes what a task waited for, and for how long since: inside something, since that began."""
        owner = self.latest.get(around(task.id))
        begin = owner.start_seconds if owner is not None else self._began_at
        ends = [self.latest[name].end_seconds or 0.0 for name in waited_for if name in self.latest]
        task.waited_for = waited_for
        task.wait_seconds = round(task.start_seconds - max(ends, default=begin), 6)

    def _note_unfinished(self, task: TaskTrace) -> None:
        self._unfinished.setdefault(around(task.id), {})[task.id] = task


def _end(task: TaskTrace, status: str, at: float) -> None:
    task.status, task.end_seconds = status, at
    task.duration_seconds = round(at - task.start_seconds, 6)
