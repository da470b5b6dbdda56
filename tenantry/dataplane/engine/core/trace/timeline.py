"""What a trace's tasks say together: who ran beside whom, how many at once, which of them took the time."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.trace.model import Parallelism
from tenantry.dataplane.engine.core.trace.tasks import around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.engine.core.trace.model import AttemptTrace, TaskTrace
    from tenantry.dataplane.engine.core.trace.tasks import Tasks

MAX_BESIDE: Final = 20
"""How many of the tasks that ran beside one are named."""


def note_neighbours(tasks: list[TaskTrace]) -> None:
    """Notes which calls ran at the same time: each meets those that run when it begins."""
    calls = sorted((task for task in tasks if task.attempts), key=attrgetter("start_seconds"))
    beside: dict[int, list[int]] = {}  # of those that run, in the order they began
    open_: dict[int, None] = {}  # those of them for which more neighbours may be named
    ends: list[tuple[float, int]] = []
    for index, task in enumerate(calls):
        while ends and ends[0][0] <= task.start_seconds:
            _, ended = heappop(ends)
            open_.pop(ended, None)
            _name_neighbours(calls, ended, beside.pop(ended))
        sooner = list(islice(beside, MAX_BESIDE))
        for other in (*open_,):
            beside[other].append(index)
            if len(beside[other]) == MAX_BESIDE:
                del open_[other]
        beside[index] = sooner
        if len(sooner) < MAX_BESIDE:
            open_[index] = None
        heappush(ends, (_end_of(task), index))
    for index, others in beside.items():
        _name_neighbours(calls, index, others)


def _name_neighbours(calls: list[TaskTrace], index: int, others: list[int]) -> None:
    calls[index].ran_beside = tuple([calls[other].id for other in others])


def parallelism(tasks: list[TaskTrace], until: float) -> Parallelism:
    """How many attempts there were at once; those that go on count until that instant."""
    attempts = sorted(
        (attempt for task in tasks for attempt in task.attempts), key=attrgetter("start_seconds")
    )
    ends: list[float] = []
    most, seconds, busy, covered = 0, 0.0, 0.0, 0.0
    for attempt in attempts:
        start = attempt.start_seconds
        while ends and ends[0] <= start:
            heappop(ends)
        heappush(ends, _end_of(attempt))
        most = max(most, len(ends))
        end = min(_end_of(attempt), until)
        seconds += end - start
        busy += max(0.0, end - max(start, covered))
        covered = max(covered, end)
    return Parallelism(most, round(seconds / busy, 3) if busy else float(most))


def critical_path(tasks: Tasks) -> tuple[str, ...]:
    """The tasks of the last run that took its time, each followed by those inside that took its own."""
    last: dict[str, TaskTrace] = {}
    for task in tasks.latest.values():
        owner = around(task.id)
        if _lateness(task) > _lateness(last.setdefault(owner, task)):
            last[owner] = task
    return tuple(task.id for task in _chain(tasks, last, ""))


def _chain(tasks: Tasks, last: dict[str, TaskTrace], inside: str) -> Iterator[TaskTrace]:
    chain: list[TaskTrace] = []
    task = last.get(inside)
    while task is not None and not task.critical:
        task.critical = True
        chain.append(task)
        before = [tasks.latest[path] for path in _causes(tasks, task) if path in tasks.latest]
        task = max(before, key=_lateness, default=None)
    for found in reversed(chain):
        yield found
        yield from _chain(tasks, last, found.id)


def _causes(tasks: Tasks, task: TaskTrace) -> tuple[str, ...]:
    return (tasks.after[task.id],) if task.id in tasks.after else task.waited_for


def _lateness(task: TaskTrace) -> tuple[float, float]:
    """What ended last comes last; of those that ended together, what took longest."""
    return _end_of(task), task.duration_seconds or 0.0


def _end_of(one: TaskTrace | AttemptTrace) -> float:
    return float("inf") if one.end_seconds is None else one.end_seconds
