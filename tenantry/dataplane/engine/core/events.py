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
    INTERRUPTED = "interrupted"
    OUTCOME_UNKNOWN = "outcome-unknown"
    INTERNAL = "internal"


class Failure(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What went wrong, said once and carried unchanged into journal, trace and answer.

    Attributes:
        source: whose fault it is.
        task: the step it happened in; empty for the execution as a whole.
        status: the upstream's HTTP status, when it answered.
        retry_on: the class a retry policy may list; `None` for a failure that repeating cannot cure.
        retry_after_seconds: what the upstream asked for.
        outcome_unknown: a call that is not safe may have taken effect.
        explained: the message holds what the upstream itself said.
    """

    code: FailureCode
    message: str
    source: Source = Source.UPSTREAM
    task: str = ""
    status: int | None = None
    retry_on: RetryOn | None = None
    retry_after_seconds: float = 0.0
    outcome_unknown: bool = False
    explained: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", tag=True):
    """One fact about one execution."""

    at: float


class Origin(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a forked execution comes from: another of the tenant, and the task it begins anew with."""

    execution_id: str
    task: str


class WorkflowSubmitted(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """The execution was accepted.

    Attributes:
        digest: of the workflow's document.
        seed: feeds every later random choice, so decisions are repeatable.
        traceparent: the W3C trace context the caller sent.
        callback: where the end is told.
        origin: of a fork.
        reused: outputs of the origin's tasks by path, which are not called again.
        inputs: of tasks by path, instead of what their templates give.
    """

    workflow: str
    version: int
    digest: str
    input: JsonValue
    actor: str
    seed: int
    deadline_at: float
    traceparent: str = ""
    callback: str = ""
    origin: Origin | None = None
    reused: dict[str, JsonValue] = {}
    inputs: dict[str, JsonValue] = {}


class WorkflowValidated(Event, frozen=True, kw_only=True, tag=True):
    """The input is what the workflow takes."""


class WorkflowStarted(Event, frozen=True, kw_only=True, tag=True):
    """The engine took it up."""


class WorkflowPaused(Event, frozen=True, kw_only=True, tag=True):
    """Nothing new begins; what is in flight is waited for. Until it is resumed no deadline comes nearer."""

    actor: str


class WorkflowResumed(Event, frozen=True, kw_only=True, tag=True):
    """It goes on, perhaps in another process."""

    actor: str


class WorkflowRecovered(Event, frozen=True, kw_only=True, tag=True):
    """An executor took it over from one that died or stopped; the time between counts for no deadline."""

    executor: str


class WorkflowRetried(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """It had failed or been cancelled, and goes on: what completed and was not undone is not done again.

    `inputs` are given to tasks, by path, instead of what their templates give.
    """

    actor: str
    deadline_at: float
    inputs: dict[str, JsonValue] = {}


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


class TaskScheduled(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """A call finds no room. `blocked_by` names what bounds it: a path, or empty for the workflow."""

    task: str
    blocked_by: str = ""
    waited_for: tuple[str, ...] = ()


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
        reused: the output is that of the same task before a retry or in a fork's origin (attempt 0).
    """

    task: str
    attempt: int
    output: JsonValue
    egress_bytes: int = 0
    cached: bool = False
    reused: bool = False


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


class DeadLetterReason(StrEnum):
    """Why a task's failure waits for somebody to look at it."""

    RETRIES_EXHAUSTED = "retries-exhausted"
    PERMANENT = "permanent"
    OUTCOME_UNKNOWN = "outcome-unknown"
    DEADLINE = "deadline"


class DeadLettered(Event, frozen=True, kw_only=True, rename="camel", tag=True, omit_defaults=True):
    """A task failed for good, or nobody knows how it ended: it is among the dead letters now.

    `task_name` is the task's definition; empty when it is not a call that failed.
    """

    task: str
    reason: DeadLetterReason
    failure: Failure
    attempts: int = 0
    task_name: str = ""


class SecretAccessed(Event, frozen=True, kw_only=True, tag=True):
    """A task was given a secret, by name; its value is nowhere."""

    task: str
    secret: str


class WebhookReceived(Event, frozen=True, kw_only=True, rename="camel", tag=True):
    """The execution began because a webhook arrived."""

    path: str
    delivery_id: str


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
    | WorkflowValidated
    | WorkflowStarted
    | WorkflowPaused
    | WorkflowResumed
    | WorkflowRecovered
    | WorkflowRetried
    | ConditionEvaluated
    | SwitchMatched
    | ForEachStarted
    | ForEachIteration
    | ForEachCompleted
    | GroupStarted
    | SubworkflowStarted
    | GroupCompleted
    | TaskSkipped
    | TaskScheduled
    | TaskStarted
    | TaskCompleted
    | TaskFailed
    | TaskRetried
    | FallbackStarted
    | FailureTolerated
    | DeadLettered
    | SecretAccessed
    | WebhookReceived
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
