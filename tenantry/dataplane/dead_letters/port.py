"""What acting on dead letters needs from outside: somebody who retries and forks executions."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.language.values import Json


class Refusal(StrEnum):
    """Why a letter cannot be acted on; stable, part of the API."""

    NOT_FOUND = "not-found"
    NOT_OPEN = "letter-not-open"
    BUSY = "letter-busy"
    OUTCOME_UNKNOWN = "outcome-unknown"
    TAKES_NO_INPUT = "takes-no-input"
    EXECUTION_NOT_ENDED = "execution-not-ended"
    EXECUTION_GONE = "execution-gone"
    TRACE_GONE = "trace-gone"
    TASK_UNKNOWN = "task-unknown"


class RefusedRetryError(Exception):
    """The letter stays as it is. Nothing has begun."""

    def __init__(self, code: Refusal, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Retries(Protocol):
    """Retries and forks executions. What returns has begun, and is durable.

    Every call raises `RefusedRetryError`, `OverLimitError`, `LimitsUnavailableError` or
    `JournalUnavailableError`; only after the last may it have begun all the same.
    """

    async def retry(
        self,
        tenant: ServedTenant,
        execution_id: str,
        actor: str,
        inputs: Mapping[str, Json],
        *,
        acknowledged: bool,
    ) -> None:
        """Runs what failed of the execution again; `inputs` are given to tasks, by path, instead of theirs.

        While somebody else is at it, it is refused as busy; or, if they retried it with these inputs, done.
        """
        ...

    async def fork(
        self,
        tenant: ServedTenant,
        execution_id: str,
        actor: str,
        inputs: Mapping[str, Json],
        *,
        tasks: Sequence[str],
        new_id: str,
    ) -> None:
        """Begins another execution, which does these tasks of this one, and what comes after them, anew.

        `new_id` was made by `new_execution_id`, and names no execution.
        """
        ...
