"""What the engine needs from outside: somebody who makes attempts, and a journal that remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.dataplane.engine.record import ExecutionRecord
    from tenantry.language.plan.model import CallPlan
    from tenantry.language.templates.scope import Scope
    from tenantry.language.values import Json
    from tenantry.protocol.problems import Source


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A successful attempt.

    Attributes:
        egress_bytes: size of the request body sent upstream.
        cached: nothing was sent: the output is that of another call.
    """

    output: Json
    egress_bytes: int = 0
    cached: bool = False


class AttemptFailedError(Exception):
    """An attempt failed.

    Attributes:
        failure: how.
        egress_bytes: what was sent all the same.
        opened: the upstream whose circuit this failure opened; mostly empty.
    """

    def __init__(self, failure: Failure, egress_bytes: int = 0, opened: str = "") -> None:
        super().__init__(failure.message)
        self.failure, self.egress_bytes, self.opened = failure, egress_bytes, opened


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a runner is asked for.

    Attributes:
        path: names the task in failures.
        call: the task, its input and its bounds.
        scope: what the input's templates read.
        source: whose values the input holds.
        deadline_at: instant after which nobody waits for the outcome.
    """

    path: str
    call: CallPlan
    scope: Scope
    source: Source
    deadline_at: float


class TaskRunner(Protocol):
    """Makes attempts. One runner serves all executions of a tenant."""

    async def run(self, attempt: Attempt) -> TaskResult:
        """Makes one attempt.

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
