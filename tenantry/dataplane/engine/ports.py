"""What the engine needs from outside: somebody who makes attempts, and a journal that remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.dataplane.engine.record import ExecutionRecord
    from tenantry.language.plan.model import CallPlan
    from tenantry.language.templates.scope import Scope
    from tenantry.language.values import Json
    from tenantry.protocol.problems import Source


class TaskResult(msgspec.Struct, frozen=True):
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


class Attempt(msgspec.Struct, frozen=True):
    """What a runner is asked for.

    Attributes:
        path: names the task in failures.
        call: the task, its input and its bounds.
        scope: what the input's templates read.
        source: whose values the input holds.
        deadline_at: instant after which nobody waits for the outcome.
        number: counts the attempts at the call, from 1.
        traceparent: the trace context of the execution's caller; empty when it sent none.
        value: the input, when it is not what `call.bind` gives.
        run: of the execution, counted from 1; each counts its attempts anew.
    """

    path: str
    call: CallPlan
    scope: Scope
    source: Source
    deadline_at: float
    number: int = 1
    traceparent: str = ""
    value: Json | msgspec.UnsetType = msgspec.UNSET
    run: int = 1

    def bind(self) -> Json:
        """The task's input.

        Raises:
            TemplateError: it cannot be resolved.
        """
        return self.call.bind(self.scope) if self.value is msgspec.UNSET else self.value


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

    def __init__(self, message: str = "the journal's database is not reachable") -> None:
        super().__init__(message)


class ExecutionLostError(Exception):
    """Somebody else runs the execution now, or its idempotency key names another: this process must stop."""


class Journal(Protocol):
    """Remembers executions. Recording never waits; durability is waited for where it matters."""

    def record(self, record: ExecutionRecord) -> None:
        """Takes the record's pending events into the next commit."""
        ...

    async def durable(self, record: ExecutionRecord) -> None:
        """Waits until everything recorded of this execution is committed.

        Raises:
            JournalUnavailableError: it cannot be.
            ExecutionLostError: it is not ours to write.
        """
        ...
