"""Events: everything that can happen to an execution, as it is journaled.

The journal is the truth, the state a fold over it. Names as in SPEC part 2; instants in epoch seconds. A task
is named by its path: `lines[3]` is an item, `route/charge` a nested task or one of a sub-workflow.
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
    CIRCUIT_OPEN = "circuit-open"
    NO_CASE = "no-case"
    TOO_MANY_ITEMS = "too-many-items"
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
    """The condition of a step, or of an item, was decided."""

    task: str
    result: bool


class SwitchMatched(Event, frozen=True, kw_only=True, tag=True):
    """A switch chose a case, by its position; `None` is the default."""

    task: str
    case: int | None


class ForEachStarted(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """A loop over so many items began."""

    task: str
    item_count: int
    waited_for: tuple[str, ...] = ()


class ForEachIteration(Event, frozen=True, kw_only=True, tag=True):
    """A loop took up the item at `index`; what happens to it is told of `task[index]`."""

    task: str
    index: int


class ForEachCompleted(Event, frozen=True, kw_only=True, rename="camel", tag=True):
    """Every item of a loop ended. Items that are in neither count were filtered out."""

    task: str
    success_count: int
    failure_count: int


class GroupStarted(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """The nested tasks of a step began; what happens to them is told of `task/<id>`."""

    task: str
    deadline_at: float
    waited_for: tuple[str, ...] = ()


class SubworkflowStarted(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """A step began to run another workflow; what happens in it is told of `task/<id>`."""

    task: str
    workflow: str
    version: int
    digest: str
    deadline_at: float
    waited_for: tuple[str, ...] = ()


class GroupCompleted(Event, frozen=True, kw_only=True, tag=True):
    """All nested tasks, or all steps of a sub-workflow, ended; their output follows from theirs."""

    task: str


class TaskSkipped(Event, frozen=True, kw_only=True, tag=True):
    """A step will not run; its output is null."""

    task: str
    reason: str


class TaskStarted(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """An attempt began. Attempts count from 1; the first names the steps it had to wait for."""

    task: str
    attempt: int
    waited_for: tuple[str, ...] = ()


class TaskCompleted(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """An attempt succeeded; or a fallback's value was taken (attempt 0).

    Attributes:
        egress_bytes: what was sent upstream.
        cached: the output is that of an earlier call, or of one made by another execution at the time.
    """

    task: str
    attempt: int
    output: JsonValue
    egress_bytes: int = 0
    cached: bool = False


class TaskFailed(Event, frozen=True, kw_only=True, rename="camel", tag=True):
    """An attempt failed; or a step as a whole, before or without one of its own (attempt 0)."""

    task: str
    attempt: int
    failure: Failure
    egress_bytes: int = 0


class TaskRetried(Event, frozen=True, kw_only=True, rename="camel", tag=True):
    """Another attempt will begin at `not_before`."""

    task: str
    attempt: int
    not_before: float


class FallbackStarted(Event, frozen=True, kw_only=True, tag=True):
    """A task failed for good and its fallback takes over, which is told of `task~fallback`."""

    task: str


class FailureTolerated(Event, frozen=True, kw_only=True, tag=True):
    """A task failed for good, and what is around it goes on: it is optional, an item, or a compensation."""

    task: str


class CircuitOpened(Event, frozen=True, kw_only=True, tag=True):
    """A failure of this task's upstream was one too many: calls to it stop for a while."""

    task: str
    upstream: str


class CompensationStarted(Event, frozen=True, kw_only=True, tag=True):
    """The execution will fail; first, what was done is undone, which is told of `task~compensate`."""

    failure: Failure


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What the workflow's `response` says the caller gets.

    Attributes:
        body: `UNSET` when it is the output.
        is_json: the body is written as JSON; else it is a text.
    """

    status: int
    headers: dict[str, str] = {}
    content_type: str = "application/json"
    body: JsonValue | msgspec.UnsetType = msgspec.UNSET
    is_json: bool = True


class WorkflowCompleted(Event, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """The execution ended with an output."""

    output: JsonValue
    answer: Answer | None = None


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
    | SwitchMatched
    | ForEachStarted
    | ForEachIteration
    | ForEachCompleted
    | GroupStarted
    | SubworkflowStarted
    | GroupCompleted
    | TaskSkipped
    | TaskStarted
    | TaskCompleted
    | TaskFailed
    | TaskRetried
    | FallbackStarted
    | FailureTolerated
    | CircuitOpened
    | CompensationStarted
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
