"""Forking: what of an execution is reused when another begins anew from one of its tasks. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.lifecycle import is_part
from tenantry.language.plan.model import ForEachPlan, GroupPlan, SubworkflowPlan, SwitchPlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    from tenantry.language.plan.model import ActionPlan, Plan, StepPlan
    from tenantry.language.values import Json

    _Steps: TypeAlias = tuple[StepPlan, ...]

_SEGMENT: Final = re.compile(r"(?P<step>[^/\[\]~]+)(?:\[(?P<item>[0-9]{1,6})\])?(?:~fallback)?")


class UnknownTaskError(Exception):
    """The workflow has no task of that path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the workflow has no task {path!r}: name one as the execution's trace does")
        self.path = path


def reusable(plan: Plan, done: Mapping[str, Json], path: str) -> dict[str, Json]:
    """The outputs that stay when everything from the task at `path` on is done anew.

    Args:
        plan: of the execution.
        done: its outputs, by path.
        path: of a step, or of an item, at any depth.

    Raises:
        UnknownTaskError: there is no such task.
    """
    anew = list(_from(plan, path))
    return {name: output for name, output in done.items() if not any(is_part(name, one) for one in anew)}


def _from(plan: Plan, path: str) -> Iterator[str]:
    """The paths of the task and of what comes after it, on every level around it."""
    graphs, prefix = [plan.graph.steps], ""
    segments = path.split("/")
    for number, segment in enumerate(segments, 1):
        match = _SEGMENT.fullmatch(segment)
        found = None if match is None else _find(graphs, match["step"])
        if match is None or found is None:
            raise UnknownTaskError(path)
        steps, step = found
        for dependent in _downstream(steps, step):
            yield f"{prefix}{dependent.id}"
        here, action = f"{prefix}{step.id}", step.action
        if match["item"] is not None:
            if not isinstance(action.body, ForEachPlan):
                raise UnknownTaskError(path)
            here, action = f"{here}[{match['item']}]", action.body.action
        if number == len(segments):
            yield here
        graphs, prefix = _graphs_inside(action), f"{here}/"


def _find(graphs: list[_Steps], step_id: str) -> tuple[_Steps, StepPlan] | None:
    return next(((steps, step) for steps in graphs for step in steps if step.id == step_id), None)


def _downstream(steps: _Steps, step: StepPlan) -> Iterator[StepPlan]:
    seen: set[int] = set()
    stack = list(step.dependents)
    while stack:
        index = stack.pop()
        if index not in seen:
            seen.add(index)
            stack += steps[index].dependents
            yield steps[index]


def _graphs_inside(action: ActionPlan) -> list[_Steps]:
    """The graphs an action may have inside, whatever it chooses."""
    graphs: list[_Steps] = []
    stack: list[Any] = [action.body, action.otherwise]
    while stack:
        body = stack.pop()
        if isinstance(body, GroupPlan):
            graphs.append(body.steps)
        elif isinstance(body, SubworkflowPlan):
            graphs.append(body.plan.graph.steps)
        elif isinstance(body, SwitchPlan):
            stack += [body.default, *(case for _, case in body.cases)]
    return graphs
