"""The plan: a workflow with its tasks, every template, condition and schema already compiled.

A plan is a tree: steps do actions, an action has a body, and a body that is not a call has actions inside.

Made once per definition version by `compile_workflow`, shared by all its executions, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.model import HttpRequest
    from tenantry.language.templates import Evaluator, Predicate, TextEvaluator
    from tenantry.language.values import Json


class Violation(Protocol):
    """One way in which a value fails a schema."""

    @property
    def pointer(self) -> str:
        """JSON pointer of the offending value."""
        ...

    @property
    def message(self) -> str:
        """What is wrong with it."""
        ...


class Validator(Protocol):
    """A compiled JSON Schema."""

    def is_valid(self, value: Json) -> bool:
        """Whether the value satisfies the schema."""
        ...

    def violations(self, value: Json) -> tuple[Violation, ...]:
        """Every way in which it does not."""
        ...


class RetryOn(StrEnum):
    """Failures a task may be retried on."""

    SERVER_ERROR = "5xx"
    TOO_MANY_REQUESTS = "429"
    TIMEOUT = "timeout"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When and how often a failed attempt is repeated. Delays in seconds."""

    max_attempts: int = 1
    initial_delay_seconds: float = 0.1
    max_delay_seconds: float = 2.0
    multiplier: float = 2.0
    jitter: bool = True
    retry_on: frozenset[RetryOn] = frozenset(RetryOn)

    def delay_seconds(self, attempt: int, fraction: float) -> float:
        """The wait after failed attempt number `attempt` (from 1).

        With jitter the exponential delay is scaled by `fraction`, a number in [0, 1) the caller draws
        ("full jitter", AWS Architecture Blog, Exponential Backoff and Jitter, 2015).
        """
        # The exponent is bounded because a float overflows long before max_delay stops mattering.
        delay: float = min(
            self.max_delay_seconds, self.initial_delay_seconds * self.multiplier ** min(attempt - 1, 60)
        )
        return delay * fraction if self.jitter else delay


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitPolicy:
    """When calls of an upstream stop for a while. Times in seconds.

    Attributes:
        failure_threshold: so many failures within `sampling_seconds` open the circuit.
        break_seconds: for how long it stays open.
        half_open_requests: trial calls after that, all of which must succeed to close it.
        counts: the failures that count.
    """

    failure_threshold: int = 5
    sampling_seconds: float = 60.0
    break_seconds: float = 30.0
    half_open_requests: int = 3
    counts: frozenset[RetryOn] = frozenset(RetryOn) - {RetryOn.TOO_MANY_REQUESTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """How long a result stands for calls of one `key` over the task's input; `None` is all of it.

    Equal values of different keys mean different things, so `key_text`, the key as written, goes with them.
    """

    ttl_seconds: float
    key: Evaluator | None = None
    key_text: str = ""


class HttpOutput(StrEnum):
    """What an HTTP task's output is: the parsed body, or `{status, headers, body}`."""

    BODY = "body"
    RESPONSE = "response"


class BodyEncoding(StrEnum):
    """How an HTTP task's body value becomes bytes."""

    JSON = "json"
    FORM = "form"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequestPlan:
    """An `http` task's request and what counts as its success; all templates read the task's own input.

    Attributes:
        method: upper case.
        url: the whole URL without `query`; values percent-encoded in place, never its scheme or host.
        origin: the URL's scheme, host and port, in lower case: the same for every request.
        query: name and evaluator, percent-encoding left to the client; null drops the parameter, a list
            repeats it.
        headers: name and text evaluator; CR, LF and NUL raise `TemplateError`.
        body: `None` when the request has no body.
        success: the statuses that count as success.
        max_response_bytes: after decompression.
        source: the request as it is written, for dry runs.
    """

    method: str
    url: TextEvaluator
    origin: str = ""
    query: tuple[tuple[str, Evaluator], ...] = ()
    headers: tuple[tuple[str, TextEvaluator], ...] = ()
    body: Evaluator | None = None
    body_encoding: BodyEncoding = BodyEncoding.JSON
    success: frozenset[int] = frozenset(range(200, 300))
    output: HttpOutput = HttpOutput.BODY
    max_response_bytes: int = 4 * 1024 * 1024
    source: HttpRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformPlan:
    """A `transform` task: a pure function of the task's input.

    Attributes:
        evaluate: quick enough for an event loop; may raise `TooMuchWorkError`.
        evaluate_at_length: the same with room for large inputs, for a thread; `None` where it needs none.
    """

    evaluate: Callable[[Json], Json]
    evaluate_at_length: Callable[[Json], Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """A task definition, compiled.

    Attributes:
        digest: of the task's document: equal ones do the same.
        safe: it may be repeated and may start before its causes are durable (GET, HEAD, transform, or
            declared `idempotent: true`).
        repeatable: an attempt whose outcome is unknown may be made again: it is safe, or carries the same
            `Idempotency-Key`.
        timeout_seconds: bound of one attempt. A step may replace it, and `retry`, `circuit` and `cache`.
    """

    name: str
    digest: str
    action: HttpRequestPlan | TransformPlan
    safe: bool
    repeatable: bool = False
    input_validator: Validator | None = None
    output_validator: Validator | None = None
    timeout_seconds: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    circuit: CircuitPolicy | None = None
    cache: CachePolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """A body that makes attempts at a task.

    Attributes:
        bind: the task's input, from the scope around.
        timeout_seconds: bound of one attempt.
        input: the task's input as it is written, for dry runs.
    """

    task: TaskPlan
    bind: Evaluator
    timeout_seconds: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    circuit: CircuitPolicy | None = None
    cache: CachePolicy | None = None
    input: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePlan:
    """A body that is a value: what a fallback gives."""

    evaluate: Evaluator
    value: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPlan:
    """A body that chooses another: the first case whose literal equals the value, or the default."""

    value: Evaluator
    cases: tuple[tuple[Json, BodyPlan], ...]
    default: BodyPlan | None = None
    text: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEachPlan:
    """A body that repeats an action for every item of a list.

    Attributes:
        items: gives the list.
        variable: what templates call the item.
        action: done for each item; its condition is the filter of the items.
        max_parallel: items in progress at once.
        tolerant: an item that fails is counted and the others go on.
        text: the list as it is written.
    """

    items: Evaluator
    variable: str
    action: ActionPlan
    max_parallel: int = 16
    max_items: int = 10_000
    tolerant: bool = False
    text: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """A body that is a little graph of steps. `render` gives its output, from a scope inside it.

    Attributes:
        groups: step ids in waves; a step's dependencies are all in earlier waves.
        timeout_seconds: bound of the whole, or `None`.
    """

    steps: tuple[StepPlan, ...]
    groups: tuple[tuple[str, ...], ...]
    render: Evaluator
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubworkflowPlan:
    """A body that runs another workflow, `plan`, with a scope and a deadline of its own."""

    plan: Plan
    bind: Evaluator
    timeout_seconds: float | None = None
    input: Json = None


BodyPlan: TypeAlias = CallPlan | ValuePlan | SwitchPlan | ForEachPlan | GroupPlan | SubworkflowPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """What is done once: for a step, or for one item of a `forEach`.

    Attributes:
        condition: `None` when it is always done.
        otherwise: done when the condition is false; without one the action is skipped and gives null.
        fallback: stands in when the body fails.
        compensate: undoes a completed body when the workflow fails later.
    """

    body: BodyPlan
    condition: Predicate | None = None
    condition_text: str = ""
    otherwise: BodyPlan | None = None
    fallback: CallPlan | ValuePlan | None = None
    compensate: CallPlan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step of a graph.

    Attributes:
        index: position in its graph; dependencies and dependents name steps by index.
        optional: its failure fails nothing else; its output is null then.
    """

    index: int
    id: str
    action: ActionPlan
    optional: bool = False
    dependencies: tuple[int, ...] = ()
    dependents: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePlan:
    """The HTTP answer of a completed execution.

    Attributes:
        body: `None` when the answer is the workflow's output.
        is_json: the body is written as JSON; else it is a text and is sent as it is.
    """

    status: Evaluator
    headers: tuple[tuple[str, TextEvaluator], ...] = ()
    content_type: TextEvaluator | None = None
    body: Evaluator | None = None
    is_json: bool = True


class Durability(StrEnum):
    """`journaled`: accepted and answered executions survive a crash. `none`: pure reads that need not."""

    JOURNALED = "journaled"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A workflow ready to run.

    Attributes:
        version: the definition's version number in its tenant; `digest` its content hash.
        graph: its steps; `graph.render` gives its output from the scope after all steps ended.
    """

    workflow: str
    version: int
    digest: str
    graph: GroupPlan
    input_validator: Validator | None = None
    deadline_seconds: float = 30.0
    max_parallel: int = 16
    durability: Durability = Durability.JOURNALED
    response: ResponsePlan | None = None
    labels: tuple[tuple[str, str], ...] = ()
