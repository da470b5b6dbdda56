"""Forking: what of an execution is reused when another begins anew from one of its tasks. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.lifecycle import is_part
from tenantry.language.plan.model import ForEachPlan, GroupPlan, SubworkflowPlan, SwitchPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeAlias

    from tenantry.language.plan.model import ActionPlan, Plan, StepPlan
    from tenantry.language.values import Json

    _Steps: TypeAlias = tuple[StepPlan, ...]

_ITEM: Final = re.compile(r"\[(?:0|[1-9][0-9]{0,5})\]")
_SEGMENT: Final = re.compile(rf"(?P<step>[^/\[\]~]+)(?P<items>(?:{_ITEM.pattern})*)(?P<fallback>~fallback)?")


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
    anew = _from(plan, path)
    return {name: output for name, output in done.items() if not any(is_part(name, one) for one in anew)}


def _from(plan: Plan, path: str) -> list[str]:
    """The paths of the task and of what comes after it, on every level around it."""
    anew: list[str] = []
    around, graphs = "", [plan.graph.steps]
    for segment in path.split("/"):
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            raise UnknownTaskError(path)
        # Cases of a switch may have steps of one name: what comes after either is done anew.
        found = [(steps, step) for steps in graphs for step in steps if step.id == match["step"]]
        anew += (f"{around}{after.id}" for steps, step in found for after in _downstream(steps, step))
        actions, here = [step.action for _, step in found], f"{around}{match['step']}"
        for item in _ITEM.findall(match["items"]):
            actions = [body.action for body in _bodies(actions) if isinstance(body, ForEachPlan)]
            anew.append(f"{here}~fallback")  # or it would stand in again, and nothing be done anew
            here += item
        if match["fallback"]:
            actions = [action for action in actions if action.fallback is not None]
        if not actions:
            raise UnknownTaskError(path)
        anew.append(f"{here}~fallback")
        around = f"{here}/"
        graphs = [] if match["fallback"] else list(_graphs(actions))
    return [*anew, around.removesuffix("/")]


def _downstream(steps: _Steps, step: StepPlan) -> Iterator[StepPlan]:
    seen: set[int] = set()
    stack = list(step.dependents)
    while stack:
        index = stack.pop()
        if index not in seen:
            seen.add(index)
            stack += steps[index].dependents
            yield steps[index]


def _bodies(actions: Iterable[ActionPlan]) -> Iterator[Any]:
    """What actions may do, whatever their conditions and switches choose."""
    stack: list[Any] = [body for action in actions for body in (action.body, action.otherwise)]
    while stack:
        body = stack.pop()
        if isinstance(body, SwitchPlan):
            stack += [body.default, *(case for _, case in body.cases)]
        else:
            yield body


def _graphs(actions: Iterable[ActionPlan]) -> Iterator[_Steps]:
    """The graphs they may have inside."""
    for body in _bodies(actions):
        if isinstance(body, GroupPlan):
            yield body.steps
        elif isinstance(body, SubworkflowPlan):
            yield body.plan.graph.steps
