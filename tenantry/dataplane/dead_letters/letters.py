"""What a dead letter is, where it can stand, and what a list of them may be restricted to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (dataclass fields)
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tenantry.dataplane.engine.core.events import DeadLetterReason, FailureCode

if TYPE_CHECKING:
    from collections.abc import Mapping


class LetterStatus(StrEnum):
    """Where a dead letter stands."""

    OPEN = "open"
    RETRIED = "retried"
    DISCARDED = "discarded"
    ARCHIVED = "archived"


class LetterAct(StrEnum):
    """What can be done about one."""

    RETRY = "retry"
    DISCARD = "discard"
    ARCHIVE = "archive"


GOAL = {
    LetterAct.RETRY: LetterStatus.RETRIED,
    LetterAct.DISCARD: LetterStatus.DISCARDED,
    LetterAct.ARCHIVE: LetterStatus.ARCHIVED,
}
"""Where a letter stands after an act."""


def allows(status: LetterStatus, act: LetterAct) -> bool:
    """Whether the act changes a letter that stands there."""
    return status is LetterStatus.OPEN or (status is LetterStatus.ARCHIVED and act is LetterAct.RETRY)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A task's failure, or an execution's, that nothing made up for.

    Attributes:
        task: the path of what failed; empty for the execution as a whole.
        task_name: the task's definition; empty when it is not a call that failed.
        failure: as it was journaled.
        changed_by: who brought it where it stands; `None` when a retry of the execution took it along.
        retried_as: the execution that was begun anew for it; `None` when its own went on.
        execution_status: where its execution stands; `None` when it is gone.
    """

    id: str
    execution_id: str
    workflow: str
    version: int
    task: str
    task_name: str
    reason: str
    failure: Mapping[str, Any]
    failure_code: str
    attempts: int
    created_at: datetime
    status: LetterStatus
    changed_at: datetime | None
    changed_by: str | None
    retried_as: str | None
    execution_status: str | None

    @property
    def outcome_unknown(self) -> bool:
        """Whether the call may have taken effect: repeating it may do its work twice."""
        return self.reason == DeadLetterReason.OUTCOME_UNKNOWN or self.failure.get("outcomeUnknown") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which letters are meant; `None` does not restrict.

    Attributes:
        task: a path, with or without the numbers of items (`lines[3]`, `lines[]`), or the name of a task.
        since: not written before.
        until: written before.
        before_id: older than this one.
    """

    workflow: str | None = None
    task: str | None = None
    reason: DeadLetterReason | None = None
    code: FailureCode | None = None
    status: LetterStatus | None = None
    execution_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before_id: str | None = None
