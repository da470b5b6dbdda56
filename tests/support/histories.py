"""Events written by hand, second by second: for whatever reads histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import (
    Failure,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    TaskRetried,
    TaskScheduled,
    TaskStarted,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowSubmitted,
)

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent

START: Final = 1000.0
BUSY: Final = Failure(code=FailureCode.UPSTREAM_STATUS, message="503")


def submitted(**fields: Any) -> WorkflowSubmitted:
    """The submission, at `START`."""
    return WorkflowSubmitted(
        **{
            "at": START,
            "workflow": "w",
            "version": 3,
            "digest": "",
            "input": {},
            "actor": "key",
            "seed": 1,
            "deadline_at": START + 30,
            **fields,
        }
    )


BEGIN: Final[list[AnyEvent]] = [submitted(), WorkflowStarted(at=START)]


def scheduled(task: str, at: float, blocked_by: str = "") -> TaskScheduled:
    """A call finds no room."""
    return TaskScheduled(at=START + at, task=task, blocked_by=blocked_by)


def started(task: str, at: float, attempt: int = 1, waited_for: tuple[str, ...] = ()) -> TaskStarted:
    """An attempt begins."""
    return TaskStarted(at=START + at, task=task, attempt=attempt, waited_for=waited_for)


def completed(task: str, at: float, attempt: int = 1, **fields: Any) -> TaskCompleted:
    """An attempt succeeds."""
    return TaskCompleted(at=START + at, task=task, attempt=attempt, **{"output": None, **fields})


def failed(task: str, at: float, attempt: int = 1, failure: Failure = BUSY) -> TaskFailed:
    """An attempt fails."""
    return TaskFailed(at=START + at, task=task, attempt=attempt, failure=failure)


def retried(task: str, at: float, attempt: int = 2, not_before: float = 0.0) -> TaskRetried:
    """Another attempt is planned."""
    return TaskRetried(at=START + at, task=task, attempt=attempt, not_before=START + not_before)


def done(at: float) -> WorkflowCompleted:
    """The execution ends well."""
    return WorkflowCompleted(at=START + at, output=None)


def broken(at: float, failure: Failure = BUSY) -> WorkflowFailed:
    """The execution fails."""
    return WorkflowFailed(at=START + at, failure=failure)
