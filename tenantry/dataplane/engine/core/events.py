"""Events: everything that can happen to an execution, as it is journaled.

The journal is the truth, the state a fold over it. Names as in SPEC part 2; instants in epoch seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from tenantry.language.plan.model import RetryOn  # noqa: TC001  (msgspec resolves annotations at run time)
from tenantry.protocol.problems import Source

JsonValue: TypeAlias = Any
"""A `language.values.Json`; msgspec reads no recursive alias."""


class FailureCode(StrEnum):
    """Why a task or an execution failed; stable, part of the API."""

    UPSTREAM_STATUS = "upstream-status"
    UPSTREAM_TIMEOUT = "upstream-timeout"
    UPSTREAM_CONNECTION = "upstream-connection"
    UPSTREAM_RESPONSE = "upstream-response"
    RESPONSE_TOO_LARGE = "response-too-large"
    OUTPUT_MISMATCH = "output-mismatch"
    INPUT_MISMATCH = "input-mismatch"
    UNRESOLVED = "unresolved"
    EGRESS_DENIED = "egress-denied"
    REQUEST_INVALID = "request-invalid"
    JOURNAL_UNAVAILABLE = "journal-unavailable"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class Failure(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What went wrong, said once and carried unchanged into journal, trace and answer.

    Attributes:
        source: whose fault it is.
        task: the step it happened in; empty for the execution as a whole.
        status: the upstream's HTTP status, when it answered.
        retry_on: the class a retry policy may list; `None` for a failure that repeating cannot cure.
        retry_after_seconds: what the upstream asked for.
        outcome_unknown: the request may have taken effect.
    """

    code: FailureCode
    message: str
    source: Source = Source.UPSTREAM
    task: str = ""
    status: int | None = None
    retry_on: RetryOn | None = None
    retry_after_seconds: float = 0.0
    outcome_unknown: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", tag=True):
    """One fact about one execution."""

    at: float


class WorkflowSubmitted(Event, frozen=True, kw_only=True, rename="camel", tag=True):
    """The execution was accepted. `seed` feeds every later random choice, so decisions are repeatable."""

    workflow: str
    version: int
    digest: str
    input: JsonValue
    actor: str
    seed: int
    deadline_at: float


class WorkflowStarted(Event, frozen=True, kw_only=True, tag=True):
    """The engine took it up."""


class ConditionEvaluated(Event, frozen=True, kw_only=True, tag=True):
    """A step's condition was decided."""

    task: str
    result: bool


class TaskSkipped(Event, frozen=True, kw_only=True, tag=True):
    """A step will not run; its output is null."""

    task: str
    reason: str


class TaskStarted(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """An attempt began. Attempts count from 1; the first names the steps it had to wait for."""

    task: str
    attempt: int
    waited_for: tuple[str, ...] = ()


class TaskCompleted(Event, frozen=True, kw_only=True, rename="camel", tag=True):
    """An attempt succeeded. `egress_bytes` is what was sent upstream."""

    task: str
    attempt: int
    output: JsonValue
    egress_bytes: int = 0


class TaskFailed(Event, frozen=True, kw_only=True, rename="camel", tag=True):
    """An attempt failed, or could not begin (attempt 0)."""

    task: str
    attempt: int
    failure: Failure
    egress_bytes: int = 0


class TaskRetried(Event, frozen=True, kw_only=True, rename="camel", tag=True):
    """Another attempt will begin at `not_before`."""

    task: str
    attempt: int
    not_before: float


class WorkflowCompleted(Event, frozen=True, kw_only=True, tag=True):
    """The execution ended with an output."""

    output: JsonValue


class WorkflowFailed(Event, frozen=True, kw_only=True, tag=True):
    """The execution ended without one."""

    failure: Failure


class WorkflowCancelled(Event, frozen=True, kw_only=True, tag=True):
    """Somebody ended it."""

    actor: str


AnyEvent = (
    WorkflowSubmitted
    | WorkflowStarted
    | ConditionEvaluated
    | TaskSkipped
    | TaskStarted
    | TaskCompleted
    | TaskFailed
    | TaskRetried
    | WorkflowCompleted
    | WorkflowFailed
    | WorkflowCancelled
)

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[AnyEvent])


def encode_events(events: list[AnyEvent]) -> bytes:
    """Events as a JSON array."""
    return _ENCODER.encode(events)


def decode_events(data: bytes | str) -> list[AnyEvent]:
    """Reads what `encode_events` wrote."""
    return _DECODER.decode(data)
