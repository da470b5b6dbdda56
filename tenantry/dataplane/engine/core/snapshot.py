"""A snapshot: where an execution stood at some moment, for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.engine.core.activity import Phase

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.activity import Activity
    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.dataplane.engine.core.state import ExecutionState

_SHOWN: Final = {Phase.DUE: "waiting", Phase.READY: "waiting", Phase.ABANDONED: "cancelled"}
_LASTING: Final = frozenset({Phase.COMPLETED, Phase.SKIPPED, Phase.TOLERATED, Phase.FAILED})


class TaskSnapshot(msgspec.Struct, rename="camel", omit_defaults=True):
    """Where a task stood: `waiting`, `running`, `retrying`, `failed`, `completed`, `skipped`, `tolerated`.

    Or `cancelled`: what was around it ended before it did.

    Attributes:
        attempt: the number of its latest attempt; 0 before the first.
        waiting_for: steps it depended on that had not ended.
        output: of one that completed; an item's is in that of its loop.
    """

    id: str
    status: str
    attempt: int = 0
    waiting_for: tuple[str, ...] = ()
    output: Any = msgspec.UNSET
    failure: Failure | None = None


class Snapshot(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Where an execution stood. `at` is when the last thing before happened; times in epoch seconds."""

    execution_id: str
    workflow: str
    version: int
    status: str
    run: int
    at: float
    deadline_at: float
    input: Any
    tasks: list[TaskSnapshot]
    output: Any = msgspec.UNSET
    failure: Failure | None = None


def snapshot(state: ExecutionState) -> Snapshot:
    """What a folded execution looks like: everything that has begun, and the steps that may."""
    return Snapshot(
        execution_id=state.execution_id,
        workflow=state.plan.workflow,
        version=state.plan.version,
        status=state.status,
        run=state.run,
        at=state.last_at,
        deadline_at=state.deadline_at,
        input=state.scope.input,
        tasks=_tasks(state),
        output=msgspec.UNSET if state.output is None else state.output,
        failure=state.failure,
    )


def _tasks(state: ExecutionState) -> list[TaskSnapshot]:
    found: list[TaskSnapshot] = []
    stack = [state.root] if state.root.inside is not None else []
    if state.compensation is not None:
        stack.append(state.compensation)
    while stack:
        activity = stack.pop()
        if not activity.is_root:
            found.append(_task(state, activity))
        if activity.inside is not None:
            stack += reversed(activity.inside.present())
    return found


def _task(state: ExecutionState, activity: Activity) -> TaskSnapshot:
    return TaskSnapshot(
        id=activity.path,
        status=_status(state, activity),
        attempt=activity.attempt,
        waiting_for=_waiting_for(activity),
        output=_output(activity),
        failure=activity.failure,
    )


def _status(state: ExecutionState, activity: Activity) -> str:
    if state.ended and activity.phase not in _LASTING:
        return "cancelled"
    return _SHOWN.get(activity.phase, activity.phase.value)


def _output(activity: Activity) -> Any:
    step, owner = activity.step, activity.owner
    if activity.phase is not Phase.COMPLETED or step is None or owner is None:
        return msgspec.UNSET
    return owner.inside.scope.outputs[step.id]


def _waiting_for(activity: Activity) -> tuple[str, ...]:
    step, owner = activity.step, activity.owner
    if activity.phase is not Phase.WAITING or step is None or owner is None:
        return ()
    members = [owner.inside.members[index] for index in step.dependencies]
    return tuple(member.path for member in members if not member.has_ended)
