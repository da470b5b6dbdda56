"""Executions of the engine's core by hand: outcomes go in at instants of the test's choice, nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import (
    DeadLettered,
    Failure,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    TaskStarted,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.language.plan.model import RetryOn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.language.plan.model import Plan

EventT = TypeVar("EventT")

BUSY = Failure(code=FailureCode.UPSTREAM_STATUS, message="503", status=503, retry_on=RetryOn.SERVER_ERROR)
GONE = Failure(code=FailureCode.UPSTREAM_STATUS, message="410", status=410)


def submit(
    plan: Plan, value: Any = None, *, deadline_at: float = 30.0, **submitted_with: Any
) -> tuple[ExecutionState, list[Any]]:
    """A new execution and its first events; the other fields are of its submission."""
    state = ExecutionState(plan, "id", "acme")
    submitted = WorkflowSubmitted(
        at=0.0,
        workflow=plan.workflow,
        version=1,
        digest="",
        input={} if value is None else value,
        actor="key",
        seed=7,
        deadline_at=deadline_at,
        **submitted_with,
    )
    return state, advance(state, submitted, 0.0)


def complete(state: ExecutionState, task: str, at: float = 1.0, output: Any = None) -> list[Any]:
    """What follows when the task's attempt succeeds."""
    activity = state.activities.get(task)
    attempt = 1 if activity is None else activity.attempt
    return advance(state, TaskCompleted(at=at, task=task, attempt=attempt, output=output), at)[1:]


def fail(state: ExecutionState, task: str, failure: Failure = GONE, at: float = 1.0) -> list[Any]:
    """What follows when the task's attempt fails."""
    attempt = state.activities[task].attempt
    failed = TaskFailed(at=at, task=task, attempt=attempt, failure=of(task, failure))
    return advance(state, failed, at)[1:]


def recover(state: ExecutionState, at: float = 1.0) -> list[Any]:
    """What recovery does, and what follows."""
    return control.recover(state, "another", at) + advance(state, None, at)


def retry(state: ExecutionState, at: float = 5.0, **inputs: Any) -> list[Any]:
    """What a retry does, and what follows."""
    return control.retry(state, "key", at, at + 30, inputs) + advance(state, None, at)


def of(task: str, failure: Failure) -> Failure:
    """The failure as it happens in that task: failures say where."""
    return msgspec.structs.replace(failure, task=task)


def started(events: Iterable[AnyEvent]) -> list[str]:
    """The tasks whose attempts began."""
    return [event.task for event in events if isinstance(event, TaskStarted)]


def only(events: Iterable[AnyEvent], kind: type[EventT]) -> list[EventT]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def without_letters(events: Iterable[AnyEvent]) -> list[Any]:
    """The events but for those that only tell people of failures, which have tests of their own."""
    return [event for event in events if not isinstance(event, DeadLettered)]
