"""What of an execution stays when tasks of it are done anew: in a fork, in a retry with inputs. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenantry.language.plan.model import CallPlan, ForEachPlan, GroupPlan, SubworkflowPlan, SwitchPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeAlias

    from tenantry.language.plan.model import ActionPlan, Plan, StepPlan
    from tenantry.language.values import Json

    _Steps: TypeAlias = tuple[StepPlan, ...]

_ITEM: Final = re.compile(r"\[(?:0|[1-9][0-9]{0,5})\]")
_SEGMENT: Final = re.compile(rf"(?P<step>[^/\[\]~]+)(?P<items>(?:{_ITEM.pattern})*)(?P<fallback>~fallback)?")
_COMPENSATE: Final = "~compensate"


class UnknownTaskError(Exception):
    """The workflow has no task of that path, or none that would take the input given to it."""

    def __init__(self, path: str, problem: str = "the workflow has no task {!r}") -> None:
        super().__init__(f"{problem.format(path)}: name one as the execution's trace does")
        self.path = path


class StaleReuseError(Exception):
    """A fork would reuse what an input given to it changes."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the fork reuses {path!r}, and an input given to it changes that: fork from before")
        self.path = path


def reusable(plan: Plan, done: Mapping[str, Json], *paths: str) -> dict[str, Json]:
    """The outputs that stay when everything from the tasks at these paths on is done anew.

    Args:
        plan: of the execution.
        done: its outputs, by path.
        paths: of steps, or of items, at any depth.

    Raises:
        UnknownTaskError: there is no such task.
    """
    return _without(done, {name for path in paths for name in _look_up(plan, path).anew})


def unaffected(plan: Plan, done: Mapping[str, Json], inputs: Iterable[str]) -> dict[str, Json]:
    """The outputs that stay when tasks at these paths are given inputs: see `reusable`.

    What no task has is tolerated: journals tell of it, from when such an input was not refused.
    """
    anew: set[str] = set()
    for path in inputs:
        try:
            anew.update(_look_up(plan, path).anew)
        except UnknownTaskError:
            anew.add(path)
    return _without(done, anew)


def check_inputs(plan: Plan, inputs: Iterable[str]) -> None:
    """That there are calls at these paths, which take the inputs.

    Raises:
        UnknownTaskError: somewhere there is none.
    """
    for path in inputs:
        whole = path.removesuffix(_COMPENSATE)
        try:
            found = _look_up(plan, whole)
        except UnknownTaskError:
            raise UnknownTaskError(path) from None
        bodies = found.bodies if whole == path else [action.compensate for action in found.actions]
        if not any(isinstance(body, CallPlan) for body in bodies):
            raise UnknownTaskError(path, "nothing is called at {!r} that takes an input")


def check_fork(plan: Plan, reused: Mapping[str, Json], inputs: Iterable[str]) -> None:
    """That a fork heeds these inputs: it does anew what they are given to, and what depends on that.

    Raises:
        UnknownTaskError: there is no call that one of them could be given to.
        StaleReuseError: it reuses what one of them changes.
    """
    inputs = tuple(inputs)
    check_inputs(plan, inputs)
    stays = unaffected(plan, reused, inputs)
    for path in reused:
        if path not in stays:
            raise StaleReuseError(path)


class _Found(NamedTuple):
    """What a path names.

    Attributes:
        anew: paths of the task and of what comes after it, on every level around it.
        actions: that may be meant; cases of a switch may have steps of one name.
        bodies: what these may do there.
    """

    anew: list[str]
    actions: list[ActionPlan]
    bodies: list[Any]


def _look_up(plan: Plan, path: str) -> _Found:
    anew: list[str] = []
    around, graphs = "", [plan.graph.steps]
    actions: list[ActionPlan] = []
    bodies: list[Any] = []
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
        bodies = [action.fallback for action in actions] if match["fallback"] else [*_bodies(actions)]
        graphs = list(_graphs(bodies))
    return _Found([*anew, around.removesuffix("/")], actions, bodies)


def _without(done: Mapping[str, Json], anew: set[str]) -> dict[str, Json]:
    return {path: output for path, output in done.items() if anew.isdisjoint(_wholes(path))}


def _wholes(path: str) -> Iterator[str]:
    """The path, and of everything that it names a part of; see `is_part`."""
    yield path
    for at, character in enumerate(path):
        if character in "/[~":
            yield path[:at]


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


def _graphs(bodies: Iterable[Any]) -> Iterator[_Steps]:
    """The graphs they may have inside."""
    for body in bodies:
        if isinstance(body, GroupPlan):
            yield body.steps
        elif isinstance(body, SubworkflowPlan):
            yield body.plan.graph.steps
