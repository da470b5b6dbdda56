"""Executions of the engine's core at every stage of their lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.language.plan.model import ActionPlan
from tests.support.deciding import complete, fail, submit
from tests.support.plans import call, group, make_plan, transform, workflow

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import Plan


def one(body: Any, **options: Any) -> Plan:
    """A workflow of the one step `a`."""
    return workflow(group({"a": []}, {"a": body}), **options)


def saga(undo: Any = None) -> Plan:
    """`a`, which can be undone, and then `b`."""
    action = ActionPlan(body=call(), compensate=call(undo or transform("undo")))
    return workflow(group({"a": [], "b": ["a"]}, {"a": action}))


def compensating(undo: Any = None) -> ExecutionState:
    """`b` has failed, and `a` is being undone."""
    state, _ = submit(saga(undo))
    complete(state, "a", output="done")
    fail(state, "b")
    assert state.status is ExecutionStatus.COMPENSATING
    return state


def completed() -> ExecutionState:
    """The only step has completed."""
    state, _ = submit(make_plan({"a": []}))
    complete(state, "a")
    return state


def failed() -> ExecutionState:
    """The only step has failed."""
    state, _ = submit(make_plan({"a": []}))
    fail(state, "a")
    return state


def paused(plan: Plan | None = None, at: float = 1.0) -> ExecutionState:
    """What could begin has begun."""
    state, _ = submit(plan or make_plan({"a": []}))
    control.pause(state, "key", at)
    return state


def instants(state: ExecutionState) -> dict[str, float]:
    """Everything that is bound to an instant."""
    found = {"": state.deadline_at, "root": state.root.deadline_at}
    for path, activity in state.activities.items():
        found[path] = activity.deadline_at
        if activity.phase is Phase.RETRYING:
            found[f"{path} again"] = activity.not_before
    return found
