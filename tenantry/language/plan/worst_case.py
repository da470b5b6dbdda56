"""The longest a plan can take: every attempt until its timeout, and the waits between. Outlines read it.

The same is counted as in `graph.critical_path`, which validation asks of documents. Two things are not known
before an execution: which way a switch or a condition goes, so the longest counts; and how many items a list
has, unless it is written out or bounded, so then one round of items counts.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from tenantry.language.documents.model.workflow import MAX_ITEMS
from tenantry.language.plan.model import (
    ActionPlan,
    CallPlan,
    ForEachPlan,
    GroupPlan,
    SubworkflowPlan,
    SwitchPlan,
    TransformPlan,
)

if TYPE_CHECKING:
    from tenantry.language.plan.model import BodyPlan, Plan


class Timeline(NamedTuple):
    """A graph on the time axis. Times in seconds from its start; steps by index.

    Attributes:
        starts: when each step starts, at the latest.
        seconds: until the last step ends.
        critical: the steps of one longest path.
    """

    starts: tuple[float, ...]
    seconds: float
    critical: frozenset[int]


class WorstCase:
    """Worst-case durations in seconds. A workflow that others run is worked out once."""

    def __init__(self) -> None:
        self._plans: dict[int, float] = {}

    def of_action(self, action: ActionPlan) -> float:
        """Of what is done once: the body or what is done otherwise, and then the fallback."""
        done = max(self.of_body(action.body), self.of_body(action.otherwise))
        return done + self.of_body(action.fallback)

    def of_body(self, body: BodyPlan | None) -> float:
        """Of a body, whatever it is."""
        match body:
            case CallPlan():
                return call_seconds(body)
            case SwitchPlan():
                return max(*(self.of_body(case) for _, case in body.cases), self.of_body(body.default))
            case ForEachPlan():
                count = rounds(body)
                return (1 if count is None else count) * self.of_action(body.action)
            case GroupPlan():
                return _within(self.timeline(body).seconds, body.timeout_seconds)
            case SubworkflowPlan():
                return _within(self._of_plan(body.plan), body.timeout_seconds)
        return 0.0

    def timeline(self, group: GroupPlan) -> Timeline:
        """When the steps of a graph start and end."""
        index = {step.id: step.index for step in group.steps}
        order = [group.steps[index[name]] for wave in group.groups for name in wave]
        starts, ends = [0.0] * len(order), [0.0] * len(order)
        for step in order:
            starts[step.index] = max((ends[before] for before in step.dependencies), default=0.0)
            ends[step.index] = starts[step.index] + self.of_action(step.action)
        critical = set()
        last: int | None = max((step.index for step in reversed(order)), key=ends.__getitem__)
        while last is not None:
            critical.add(last)
            last = max(group.steps[last].dependencies, key=ends.__getitem__, default=None)
        return Timeline(tuple(starts), max(ends), frozenset(critical))

    def _of_plan(self, plan: Plan) -> float:
        if id(plan) not in self._plans:
            self._plans[id(plan)] = _within(self.of_body(plan.graph), plan.deadline_seconds)
        return self._plans[id(plan)]


def call_seconds(call: CallPlan) -> float:
    """Of a call: all its attempts, and the longest waits between them. A transform takes no time."""
    if isinstance(call.task.action, TransformPlan):
        return 0.0
    attempts = call.retry.max_attempts if call.retry.retry_on else 1
    waits = sum(call.retry.delay_seconds(attempt, 1.0) for attempt in range(1, attempts))
    return attempts * call.timeout_seconds + waits


def rounds(loop: ForEachPlan) -> int | None:
    """How often in a row items are in progress; `None` when nobody knows how many there are."""
    bounds = [len(loop.text)] if isinstance(loop.text, list) else []
    if loop.max_items < MAX_ITEMS:
        bounds.append(loop.max_items)
    return ceil(min(bounds) / loop.max_parallel) if bounds else None


def _within(seconds: float, bound: float | None) -> float:
    return seconds if bound is None else min(seconds, bound)
