"""Generated plans: whatever is inside whatever, for properties of the engine's core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn
from zlib import crc32

import hypothesis.strategies as st

from tenantry.dataplane.engine.core.events import TaskCompleted, TaskFailed
from tenantry.language.plan.model import (
    ActionPlan,
    BodyPlan,
    CallPlan,
    ForEachPlan,
    GroupPlan,
    Plan,
    RetryPolicy,
    SubworkflowPlan,
    SwitchPlan,
    TaskPlan,
    ValuePlan,
)
from tenantry.language.templates.errors import TemplateError
from tests.support.deciding import BUSY, GONE, of
from tests.support.plans import call, group, keyed, transform, unsafe, workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.events import AnyEvent, TaskStarted
    from tenantry.language.templates import Predicate

ATTEMPTS = 2


def always(value: Any) -> Callable[[object], Any]:
    """An evaluator of a constant."""
    return lambda _scope: value


def without_value(_scope: object) -> NoReturn:
    """An evaluator of a template without a value."""
    raise TemplateError("input.x", "there is no 'x'")


TASKS = (transform, unsafe)
REPEATABLE_TASKS = (transform, keyed)


def calls(tasks: tuple[Callable[[], TaskPlan], ...] = TASKS) -> st.SearchStrategy[CallPlan]:
    """Calls of these tasks, retried or not."""
    return st.builds(
        lambda task, attempts: call(
            task(), bind=always(None), retry=RetryPolicy(max_attempts=attempts, jitter=False)
        ),
        st.sampled_from(tasks),
        st.integers(1, ATTEMPTS),
    )


@dataclass(frozen=True)
class Trees:
    """Plans of bounded depth.

    Attributes:
        timeouts: of nested tasks and of sub-workflows.
        deadlines: of the workflows that sub-workflows run.
        conditions: of actions.
        tasks: what is called.
    """

    timeouts: st.SearchStrategy[float | None] = field(default_factory=st.none)
    deadlines: st.SearchStrategy[float] = field(default_factory=lambda: st.just(1e6))
    conditions: st.SearchStrategy[Predicate | None] = field(
        default_factory=lambda: st.sampled_from([None, None, None, always(True), always(False)])
    )

    tasks: tuple[Callable[[], TaskPlan], ...] = TASKS

    def plans(self) -> st.SearchStrategy[Plan]:
        """Whole workflows."""
        return st.builds(
            lambda graph, most: workflow(graph, max_parallel=most), self.graphs(2), st.integers(1, 4)
        )

    def graphs(self, depth: int) -> st.SearchStrategy[GroupPlan]:
        """Up to three steps, each waiting for any of those before it."""
        return _graphs(self.actions(depth), self.timeouts)

    def actions(self, depth: int) -> st.SearchStrategy[ActionPlan]:
        """Bodies with conditions, fallbacks and compensations."""
        value = st.builds(lambda: ValuePlan(evaluate=always("plain")))
        return st.builds(
            lambda body, condition, otherwise, fallback, undo: ActionPlan(
                body=body,
                condition=condition,
                otherwise=otherwise if condition is not None else None,
                fallback=fallback,
                compensate=undo,
            ),
            self.bodies(depth),
            self.conditions,
            st.none() | self.calls(),
            st.none() | st.none() | value | self.calls(),
            st.none() | self.calls(),
        )

    def calls(self) -> st.SearchStrategy[CallPlan]:
        """One call."""
        return calls(self.tasks)

    def bodies(self, depth: int) -> st.SearchStrategy[BodyPlan]:
        """Everything an action can do."""
        if depth == 0:
            return self.calls()
        inner = self.bodies(depth - 1)
        switches = st.builds(
            lambda value, first, default: SwitchPlan(
                value=always(value), cases=((1, first),), default=default
            ),
            st.sampled_from([1, 2]),
            inner,
            st.none() | inner,
        )
        loops = st.builds(
            lambda count, tolerant, most, action: ForEachPlan(
                items=always(list(range(count))),
                variable="item",
                action=action,
                tolerant=tolerant,
                max_parallel=most,
            ),
            st.integers(0, 3),
            st.booleans(),
            st.integers(1, 3),
            self.actions(depth - 1),
        )
        children = st.builds(
            lambda graph, most, seconds, timeout: SubworkflowPlan(
                plan=workflow(graph, max_parallel=most, deadline_seconds=seconds),
                bind=always(None),
                timeout_seconds=timeout,
            ),
            self.graphs(depth - 1),
            st.integers(1, 3),
            self.deadlines,
            self.timeouts,
        )
        return st.one_of(self.calls(), switches, loops, self.graphs(depth - 1), children)


@st.composite
def _graphs(
    draw: st.DrawFn, actions: st.SearchStrategy[ActionPlan], timeouts: st.SearchStrategy[float | None]
) -> GroupPlan:
    names = [f"s{number}" for number in range(draw(st.integers(1, 3)))]
    edges = {
        name: draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else []
        for at, name in enumerate(names)
    }
    made = {name: draw(actions) for name in names}
    optional = [name for name in names if draw(st.booleans()) and draw(st.booleans())]
    return group(edges, made, optional=optional, timeout_seconds=draw(timeouts))


def outcome(world: int, path: str, attempt: int) -> str:
    """What becomes of an attempt in this world."""
    return ["ok", "ok", "ok", "busy", "gone"][crc32(f"{world}/{path}/{attempt}".encode()) % 5]


def ended(start: TaskStarted, world: int, now: float, uncounted: int = 0) -> AnyEvent:
    """How an attempt ends in this world; those before it that nobody saw the end of do not count."""
    match outcome(world, start.task, start.attempt - uncounted):
        case "ok":
            return TaskCompleted(at=now, task=start.task, attempt=start.attempt, output=start.task)
        case "busy":
            failure = BUSY
        case _:
            failure = GONE
    return TaskFailed(at=now, task=start.task, attempt=start.attempt, failure=of(start.task, failure))
