"""What the engine needs from outside: somebody who makes attempts, and a journal that remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.dataplane.engine.record import ExecutionRecord
    from tenantry.language.plan.model import StepPlan
    from tenantry.language.templates.scope import Scope
    from tenantry.language.values import Json


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A successful attempt. `egress_bytes` is the size of the request body sent upstream."""

    output: Json
    egress_bytes: int = 0


class AttemptFailedError(Exception):
    """An attempt failed; `failure` says how, `egress_bytes` what was sent all the same."""

    def __init__(self, failure: Failure, egress_bytes: int = 0) -> None:
        super().__init__(failure.message)
        self.failure, self.egress_bytes = failure, egress_bytes


class TaskRunner(Protocol):
    """Makes attempts. One runner serves all executions of a tenant."""

    async def run(self, step: StepPlan, scope: Scope, remaining_seconds: float) -> TaskResult:
        """Makes one attempt within the time the execution has left.

        Raises:
            AttemptFailedError: the attempt failed.
        """
        ...


class JournalUnavailableError(Exception):
    """What was recorded could not be made durable; nobody may act on it as if it were."""


class Journal(Protocol):
    """Remembers executions. Recording never waits; durability is waited for where it matters."""

    def record(self, record: ExecutionRecord) -> None:
        """Takes the record's pending events into the next commit."""
        ...

    async def durable(self, record: ExecutionRecord) -> None:
        """Waits until everything recorded of this execution is committed.

        Raises:
            JournalUnavailableError: it cannot be.
        """
        ...
