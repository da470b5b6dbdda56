"""The chain of steps that may take longest, and how long: validation compares it with the deadline.

Counted are all attempts until their timeouts, the longest waits between them, the worst branch of every
choice, and a fallback after all that. Left out is what could only make it longer: waits an upstream asks for
(`Retry-After`), and waiting for one of the workflow's `maxParallel` places, but for the items of one loop.
Transforms take no time, because they only compute; compensation is not bounded by a deadline.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import TYPE_CHECKING, TypeAlias

from tenantry.language.documents.model import HttpTaskSpec
from tenantry.language.graph.dependencies import dependencies, reads_item
from tenantry.language.graph.graph import Graph
from tenantry.language.templates.conditions import parse_condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tenantry.language.documents.model import Action, ForEach, Retry, Step, Workflow, WorkflowTask

CountItems: TypeAlias = "Callable[[ForEach, tuple[ForEach, ...]], int | None]"
"""The most items a loop can have, given the loops around it, outermost first; `None` when nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the steps of workflows refer to. Only valid documents stand in it.

    Attributes:
        tasks: by name; a call of one that is not there takes no time.
        find_workflow: finds what a `workflowRef` means in a workflow of the given namespace.
        count_items: counts the items of the loops of a workflow.
        waits: ids a step waits for; others than those of its own graph do not matter.
    """

    tasks: Mapping[str, WorkflowTask]
    find_workflow: Callable[[str, str | None], Workflow | None]
    count_items: Callable[[Workflow], CountItems]
    waits: Callable[[Step], Iterable[str]] = dependencies


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A part of a path: what a step does, or a fallback. Times in seconds.

    Attributes:
        name: id of the step.
        does: the task or workflow that is run; empty for nested tasks.
        seconds: until it has ended, all rounds together.
        rounds: how often in a row all the rest happens: there are more items than run in parallel.
        attempts: of a call.
        timeout_seconds: of one attempt.
        waits_seconds: between all attempts.
        inner: the critical path inside nested tasks or a sub-workflow.
        bound_seconds: what cuts that path short, where it does.
        fallback: what is done after all this has failed.
        at_least: it has a loop of which nobody knows how many items it has: one round was counted.
    """

    name: str
    does: str = ""
    seconds: float = 0.0
    rounds: int = 1
    attempts: int = 0
    timeout_seconds: float = 0.0
    waits_seconds: float = 0.0
    inner: tuple[Leg, ...] = ()
    bound_seconds: float | None = None
    fallback: Leg | None = None
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """The longest path through a graph of steps.

    Attributes:
        legs: its steps, in the order they run.
        seconds: from its first step's start to its last one's end.
        at_least: it may take longer: somewhere in the graph one round of a loop was counted.
    """

    legs: tuple[Leg, ...]
    seconds: float
    at_least: bool
    _graph: Graph = field(repr=False)
    _seconds: Mapping[str, float] = field(repr=False)

    @classmethod
    def of(cls, graph: Graph, legs: Mapping[str, Leg]) -> CriticalPath:
        """The longest path through a graph of these legs.

        Raises:
            ValueError: the graph has a cycle.
        """
        seconds = {step: leg.seconds for step, leg in legs.items()}
        ends, path = _longest(graph, seconds)
        at_least = any(leg.at_least for leg in legs.values())
        return cls(tuple(legs[step] for step in path), ends, at_least, graph, seconds)

    def seconds_without(self, step: str) -> float:
        """How long the longest path is when one of the steps takes no time."""
        return _longest(self._graph, {**self._seconds, step: 0.0})[0]


def _longest(graph: Graph, seconds: Mapping[str, float]) -> tuple[float, tuple[str, ...]]:
    """When the last step ends, and the steps that it and each before it had to wait for."""
    ends: dict[str, float] = {}
    for step in graph.order():
        start = max((ends[before] for before in graph.dependencies[step]), default=0.0)
        ends[step] = start + seconds[step]
    path: list[str] = []
    last = max(ends, key=ends.__getitem__, default=None)
    while last is not None:
        path.append(last)
        last = max(graph.dependencies[last], key=ends.__getitem__, default=None)
    return max(ends.values(), default=0.0), tuple(reversed(path))


class CriticalPaths:
    """Finds critical paths. A workflow that others run is worked out once."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._known: dict[int, CriticalPath | None] = {}

    def of(self, workflow: Workflow) -> CriticalPath:
        """The critical path of a workflow. Workflows that run each other are looked into once.

        Raises:
            ValueError: its steps wait for each other, or a condition is none.
        """
        key = id(workflow)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._measure(workflow).path(workflow.spec.tasks, ())
        return self._known[key] or CriticalPath((), 0.0, at_least=False, _graph=Graph({}), _seconds={})

    def leg(self, workflow: Workflow, step: Step) -> Leg:
        """What a step outside of all others may take, in place of one of the workflow's."""
        return self._measure(workflow).leg(step, ())

    def _measure(self, workflow: Workflow) -> _Measure:
        return _Measure(workflow, self._surroundings, self)


class _Measure:
    """The worst case of what stands in one workflow."""

    def __init__(self, workflow: Workflow, surroundings: Surroundings, paths: CriticalPaths) -> None:
        self._workflow = workflow
        self._surroundings = surroundings
        self._paths = paths
        self._count_items = surroundings.count_items(workflow)

    def path(self, steps: tuple[Step, ...], around: tuple[ForEach, ...]) -> CriticalPath:
        """The critical path of a graph of steps inside some loops."""
        graph = Graph.of({step.id: self._surroundings.waits(step) for step in steps})
        return CriticalPath.of(graph, {step.id: self.leg(step, around) for step in steps})

    def leg(self, step: Step, around: tuple[ForEach, ...]) -> Leg:
        """All that a step may take."""
        loop = step.for_each
        inside = around if loop is None else (*around, loop)
        done = self._once(step, step, inside)
        gate = None
        if step.condition is not None and step.condition.else_ is not None:
            if loop is None or reads_item(parse_condition(step.condition.if_), loop):
                done = _longer(done, self._branch(step.condition.else_, step, inside))
            else:
                gate = self._branch(step.condition.else_, step, around)
        if step.fallback is not None and step.fallback.task_ref is not None:
            done = _with_fallback(done, self._call("fallback", step.fallback.task_ref, None))
        done = self._repeated(done, loop, around)
        return done if gate is None else _longer(done, gate)

    def _branch(self, action: Action, step: Step, around: tuple[ForEach, ...]) -> Leg:
        """What a case, a default or an `else` of a step may take."""
        inside = around if action.for_each is None else (*around, action.for_each)
        return self._repeated(self._once(action, step, inside), action.for_each, around)

    def _once(self, action: Action, step: Step, around: tuple[ForEach, ...]) -> Leg:
        if action.task_ref is not None:
            return self._call(step.id, action.task_ref, step)
        if action.workflow_ref is not None:
            return self._child(action.workflow_ref, step)
        if action.switch is not None:
            default = action.switch.default
            branches = (*action.switch.cases, *(() if default is None else (default,)))
            return _longer(*(self._branch(branch, step, around) for branch in branches))
        return _bounded(step, "", self.path(action.tasks or (), around), step.timeout)

    def _call(self, name: str, task_name: str, step: Step | None) -> Leg:
        """A call of a task; a step may say how hard it is tried."""
        task = self._surroundings.tasks.get(task_name)
        if task is None or not isinstance(task.spec, HttpTaskSpec):
            return Leg(name=name, does=task_name)
        timeout = (step.timeout if step is not None else None) or task.spec.timeout
        retry = (step.retry if step is not None else None) or task.spec.retry
        attempts, waits = _attempts(retry)
        return Leg(
            name=name,
            does=task_name,
            seconds=attempts * timeout + waits,
            attempts=attempts,
            timeout_seconds=timeout,
            waits_seconds=waits,
        )

    def _child(self, reference: str, step: Step) -> Leg:
        child = self._surroundings.find_workflow(reference, self._workflow.metadata.namespace)
        if child is None:
            return Leg(name=step.id, does=reference)
        bound = min(child.spec.deadline, inf if step.timeout is None else step.timeout)
        return _bounded(step, reference, self._paths.of(child), bound)

    def _repeated(self, leg: Leg, loop: ForEach | None, around: tuple[ForEach, ...]) -> Leg:
        """The leg for all items, so many at a time."""
        if loop is None:
            return leg
        count = self._count_items(loop, around)
        if count is None:
            return replace(leg, at_least=True)
        parallel = min(loop.max_parallel or inf, self._workflow.spec.max_parallel)
        rounds = ceil(count / parallel)
        return replace(leg, rounds=leg.rounds * rounds, seconds=leg.seconds * rounds)


def _attempts(retry: Retry | None) -> tuple[int, float]:
    """How many there may be, and the waits between them, which jitter could only make shorter."""
    if retry is None or not retry.retry_on:
        return 1, 0.0
    delays = (retry.initial_delay * retry.multiplier**failed for failed in range(retry.max_attempts - 1))
    return retry.max_attempts, sum(min(retry.max_delay, delay) for delay in delays)


def _bounded(step: Step, does: str, path: CriticalPath, bound: float | None) -> Leg:
    is_cut = bound is not None and path.seconds >= bound
    return Leg(
        name=step.id,
        does=does,
        seconds=path.seconds if bound is None else min(path.seconds, bound),
        inner=path.legs,
        bound_seconds=bound if is_cut else None,
        at_least=path.at_least and not is_cut,
    )


def _with_fallback(leg: Leg, fallback: Leg) -> Leg:
    return replace(leg, seconds=leg.seconds + fallback.seconds, fallback=fallback)


def _longer(*legs: Leg) -> Leg:
    longest = max(legs, key=lambda leg: leg.seconds)
    return replace(longest, at_least=any(leg.at_least for leg in legs))
