"""How many calls an execution can make: loops, times the loops around them, times attempts (SPEC 16).

`workflows` calls it. Counted is what is known: the items of a loop where `maxItems` is written, or the list
or its schema says how many there are. The data plane bounds the rest while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.language.codes import Code
from tenantry.language.documents.model import HttpTaskSpec
from tenantry.language.graph.dependencies import reads_item
from tenantry.language.templates.conditions import parse_condition
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.validation.item_counts import ItemCounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.documents.model import Action, ForEach, Step, Workflow
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.library import Library

MAX_CALLS: Final = 1_000_000
"""Calls of tasks in one execution, attempts counted one by one."""

_TIMES: Final = " \N{MULTIPLICATION SIGN} "


class _Loop(NamedTuple):
    """A loop with its most items, its step, and its pointer; without one in a workflow that is run."""

    items: int
    step: str
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What a part of a workflow can do.

    Attributes:
        calls: all of them.
        attempts: of the call that is made most often.
        loops: around that call, outermost first.
    """

    calls: int = 0
    attempts: int = 0
    loops: tuple[_Loop, ...] = ()

    @property
    def most(self) -> int:
        """How often the call that is made most often is made."""
        return self.attempts * prod(loop.items for loop in self.loops)


def check_work(workflow: Workflow, library: Library, report: Report) -> None:
    """Reports loops that make too many calls, and else steps that do so only together."""
    works = _Works(library).of_steps(workflow)
    too_much = False
    for index, step in enumerate(workflow.spec.tasks):
        if works[step.id].most > MAX_CALLS:
            too_much = True
            _report_step(works[step.id], step.id, f"/spec/tasks/{index}", report)
    total = sum(work.calls for work in works.values())
    if total > MAX_CALLS and not too_much:
        heaviest = max(works, key=lambda step: works[step].calls)
        message = (
            f"all steps together make up to {total:,} calls, and an execution may make {MAX_CALLS:,}; "
            f"{heaviest} makes {works[heaviest].calls:,} of them"
        )
        report.add(Code.TOO_MUCH_WORK, message, "/spec/tasks", suggestion=f"do less in {heaviest}")


def _report_step(work: _Work, step: str, pointer: str, report: Report) -> None:
    factors = [f"{loop.items:,}" for loop in work.loops]
    if work.attempts > 1:
        factors.append(f"{work.attempts} attempts")
    product = f"{_TIMES.join(factors)} = {work.most:,}"
    message = f"{step} makes up to {product} calls, and an execution may make {MAX_CALLS:,}"
    own = [loop for loop in work.loops if loop.pointer]
    if not own:
        hint = "lower maxItems in the workflow it runs"
        report.add(Code.TOO_MUCH_WORK, message, pointer, suggestion=hint)
        return
    largest = max(own, key=lambda loop: loop.items)
    fitting = MAX_CALLS // (work.most // largest.items)
    hint = (
        f"lower maxItems in {largest.step} to {fitting:,}" if fitting else "lower maxItems in several loops"
    )
    report.add(Code.TOO_MUCH_WORK, message, largest.pointer, suggestion=hint)


class _Works:
    """Counts the work of workflows. One that others run is counted once."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._known: dict[int, _Work] = {}

    def of_steps(self, workflow: Workflow) -> dict[str, _Work]:
        """The work of each step of a workflow, by id."""
        self._known[id(workflow)] = _Work()
        return _Count(workflow, self).steps(workflow.spec.tasks, "/spec/tasks")

    def of_child(self, workflow: Workflow) -> _Work:
        """The work of a workflow that another one runs; of workflows that run each other, once around."""
        if id(workflow) not in self._known:
            work = _all_of(self.of_steps(workflow).values())
            loops = tuple(loop._replace(pointer="") for loop in work.loops)
            self._known[id(workflow)] = replace(work, loops=loops)
        return self._known[id(workflow)]


class _Count:
    """Counts what stands in one workflow."""

    def __init__(self, workflow: Workflow, works: _Works) -> None:
        self._home = workflow.metadata.namespace
        self._library = works.library
        self._works = works
        self._counts = ItemCounts(workflow, works.library)

    def steps(
        self, steps: tuple[Step, ...], pointer: str, around: tuple[ForEach, ...] = ()
    ) -> dict[str, _Work]:
        """The work of each step, all that may be done for it included."""
        return {step.id: self._step(step, f"{pointer}/{index}", around) for index, step in enumerate(steps)}

    def _step(self, step: Step, pointer: str, around: tuple[ForEach, ...]) -> _Work:
        loop = step.for_each
        inside = around if loop is None else (*around, loop)
        done = self._once(step, step, pointer, inside)
        gate = _Work()
        if step.condition is not None and step.condition.else_ is not None:
            place = f"{pointer}/condition/else"
            if loop is None or _filters(step.condition.if_, loop):
                done = _worst(done, self._branch(step.condition.else_, step, place, inside))
            else:
                gate = self._branch(step.condition.else_, step, place, around)
        fallback = step.fallback.task_ref if step.fallback is not None else None
        others = (fallback, step.compensate.task_ref if step.compensate is not None else None)
        done = _all_of((done, *(self._call(name, None) for name in others if name is not None)))
        return _worst(self._times(done, step, loop, pointer, around), gate)

    def _branch(self, action: Action, step: Step, pointer: str, around: tuple[ForEach, ...]) -> _Work:
        loop = action.for_each
        inside = around if loop is None else (*around, loop)
        return self._times(self._once(action, step, pointer, inside), step, loop, pointer, around)

    def _once(self, action: Action, step: Step, pointer: str, around: tuple[ForEach, ...]) -> _Work:
        if action.task_ref is not None:
            return self._call(action.task_ref, step)
        if action.workflow_ref is not None:
            child = self._library.workflow(action.workflow_ref, self._home)
            return _Work() if child is None else self._works.of_child(child)
        if action.switch is None:
            return _all_of(self.steps(action.tasks or (), f"{pointer}/tasks", around).values())
        branches = [
            self._branch(case, step, f"{pointer}/switch/cases/{index}", around)
            for index, case in enumerate(action.switch.cases)
        ]
        if action.switch.default is not None:
            branches.append(self._branch(action.switch.default, step, f"{pointer}/switch/default", around))
        return _worst(*branches)

    def _call(self, name: str, step: Step | None) -> _Work:
        """A call of a task; a step may say how often it is tried."""
        task = self._library.tasks.get(name)
        if task is None or not isinstance(task.spec, HttpTaskSpec):
            return _Work(calls=1, attempts=1)
        retry = (step.retry if step is not None else None) or task.spec.retry
        attempts = 1 if retry is None or not retry.retry_on else retry.max_attempts
        return _Work(calls=attempts, attempts=attempts)

    def _times(
        self, work: _Work, step: Step, loop: ForEach | None, pointer: str, around: tuple[ForEach, ...]
    ) -> _Work:
        count = None if loop is None else self._counts.most(loop, around)
        if loop is None or count is None:
            return work
        place = f"{pointer}/forEach" + ("/maxItems" if "max_items" in loop.model_fields_set else "")
        return replace(work, calls=work.calls * count, loops=(_Loop(count, step.id, place), *work.loops))


def _all_of(works: Iterable[_Work]) -> _Work:
    """Of what is all done."""
    listed = tuple(works)
    most = max(listed, key=lambda work: work.most, default=_Work())
    return replace(most, calls=sum(work.calls for work in listed))


def _worst(*works: _Work) -> _Work:
    """Of what one is done of."""
    return max(works, key=lambda work: work.calls)


def _filters(condition: str, loop: ForEach) -> bool:
    try:
        return reads_item(parse_condition(condition), loop)
    except TemplateSyntaxError:  # told where conditions are checked
        return False
