"""The plan: a workflow with its tasks, every template, condition and schema already compiled.

Made once per definition version by `compile_workflow`, shared by all its executions, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

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
        safe: it may be repeated and may start before its causes are durable (GET, HEAD, transform, or
            declared `idempotent: true`).
    """

    name: str
    action: HttpRequestPlan | TransformPlan
    safe: bool
    input_validator: Validator | None = None
    output_validator: Validator | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step of a workflow, bound to its task.

    Attributes:
        index: position in `Plan.steps`; dependencies and dependents name steps by index.
        bind: the task's input, from the workflow's scope.
        condition: `None` when the step always runs.
        timeout_seconds: bound of one attempt.
        input: the task's input as it is written, for dry runs.
    """

    index: int
    id: str
    task: TaskPlan
    bind: Evaluator
    condition: Predicate | None = None
    condition_text: str = ""
    dependencies: tuple[int, ...] = ()
    dependents: tuple[int, ...] = ()
    timeout_seconds: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    input: Json = None


class Durability(StrEnum):
    """`journaled`: accepted and answered executions survive a crash. `none`: pure reads that need not."""

    JOURNALED = "journaled"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A workflow ready to run.

    Attributes:
        version: the definition's version number in its tenant; `digest` its content hash.
        groups: step ids in waves; a step's dependencies are all in earlier waves.
        render_output: the workflow's output, from the scope after all steps ended.
    """

    workflow: str
    version: int
    digest: str
    steps: tuple[StepPlan, ...]
    groups: tuple[tuple[str, ...], ...]
    render_output: Evaluator
    input_validator: Validator | None = None
    deadline_seconds: float = 30.0
    max_parallel: int = 16
    durability: Durability = Durability.JOURNALED
    labels: tuple[tuple[str, str], ...] = ()
