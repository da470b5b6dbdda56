"""The models of documents: what a `Workflow` and a `WorkflowTask` are made of, field by field.

`documents.reading` fills them from a document; validation and the plan read them. Durations are in seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from tenantry.language.documents.words import (
    Count,
    Duration,
    Factor,
    Flag,
    HeaderName,
    Json,
    LabelKey,
    LabelValue,
    Name,
    PositiveDuration,
    QueryValue,
    Status,
    StepId,
    at_most,
    check_length,
    digits_as_text,
)

NOT_YET: Final = frozenset(
    (
        *(
            "cache",
            "circuitBreaker",
            "compensate",
            "deadlinePolicy",
            "else",
            "fallback",
            "forEach",
            "optional",
        ),
        *("postConditions", "preConditions", "secretProviders", "secrets", "switch", "workflowRef"),
    )
)
"""Fields of the language that this version does not have: an author who writes one has not mistyped it."""

MAX_STEPS: Final = 500
"""Steps of a workflow."""

_MAX_FIELDS: Final = 50
_MAX_NAMED: Final = 200
_MAX_STATUSES: Final = 400  # as many as there are
_MAX_REASONS: Final = 10


class Model(BaseModel):
    """A part of a document: frozen, camelCase outside, no field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _bound(cls, value: Any) -> Any:
        return check_length(value, _MAX_FIELDS)


class Metadata(Model):
    """How a document is called and marked."""

    name: Name
    labels: Annotated[dict[LabelKey, LabelValue], at_most(_MAX_NAMED)] = Field(default_factory=dict)
    annotations: Annotated[dict[LabelKey, str], at_most(_MAX_NAMED)] = Field(default_factory=dict)


SpecT = TypeVar("SpecT")


class Resource(Model, Generic[SpecT]):
    """A whole document: the envelope that every kind shares around its own `spec`."""

    api_version: Literal["workflow.io/v1"]
    kind: str
    metadata: Metadata
    spec: SpecT

    @property
    def name(self) -> str:
        """The name in the metadata."""
        return self.metadata.name


RetryReason: TypeAlias = Annotated[
    Literal["5xx", "429", "timeout", "connection"], BeforeValidator(digits_as_text)
]


class Retry(Model):
    """When and how often a failed attempt is repeated. `max_attempts` counts the first one."""

    max_attempts: Annotated[Count, Field(le=100)]
    initial_delay: Duration = 0.1
    max_delay: Duration = 2.0
    multiplier: Factor = 2.0
    jitter: Flag = True
    retry_on: Annotated[tuple[RetryReason, ...], at_most(_MAX_REASONS)] = (
        "5xx",
        "429",
        "timeout",
        "connection",
    )


class HttpRequest(Model):
    """The request an `http` task sends; templates everywhere but in names read the task's own input."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    url: Annotated[str, Field(min_length=1, max_length=8192)]
    headers: Annotated[dict[HeaderName, str], at_most(_MAX_NAMED)] = Field(default_factory=dict)
    query: Annotated[dict[str, QueryValue], at_most(_MAX_NAMED)] = Field(default_factory=dict)
    body: Json = None


class HttpTaskSpec(Model):
    """A task that calls an HTTP API; its output is the parsed body, or `{status, headers, body}`."""

    type: Literal["http"]
    input_schema: dict[str, Json] | None = None
    output_schema: dict[str, Json] | None = None
    request: HttpRequest
    success_status: Annotated[tuple[Status, ...], Field(min_length=1), at_most(_MAX_STATUSES)] = ("2xx",)
    timeout: PositiveDuration = 30.0
    retry: Retry | None = None
    idempotent: Flag = False
    output: Literal["body", "response"] = "body"


class TransformTaskSpec(Model):
    """A pure task: either `expression`, in JMESPath over its input, or a `value` of templates."""

    type: Literal["transform"]
    input_schema: dict[str, Json] | None = None
    output_schema: dict[str, Json] | None = None
    expression: str | None = None
    value: Json = None


TaskSpec: TypeAlias = Annotated[HttpTaskSpec | TransformTaskSpec, Field(discriminator="type")]


class WorkflowTask(Resource[TaskSpec]):
    """A task definition: one thing a workflow's steps can do."""

    kind: Literal["WorkflowTask"]


class StepCondition(Model):
    """Whether a step runs at all; a step that does not is skipped and its output is null."""

    if_: Annotated[str, Field(alias="if", min_length=1)]


class Step(Model):
    """One use of a task in a workflow. `timeout` and `retry` replace the task's own."""

    id: StepId
    task_ref: str
    input: Json = Field(default_factory=dict)
    depends_on: Annotated[tuple[str, ...], at_most(MAX_STEPS)] = ()
    condition: StepCondition | None = None
    timeout: PositiveDuration | None = None
    retry: Retry | None = None


class WorkflowSpec(Model):
    """What a workflow takes, does and gives. `deadline` bounds the whole execution."""

    description: str = ""
    input: dict[str, Json] | None = None
    deadline: PositiveDuration = 30.0
    durability: Literal["journaled", "none"] = "journaled"
    max_parallel: Annotated[Count, Field(le=256)] = 16
    tasks: Annotated[tuple[Step, ...], Field(min_length=1), at_most(MAX_STEPS)]
    output: Json = None


class Workflow(Resource[WorkflowSpec]):
    """A workflow definition: steps, how their data flows, and what comes out."""

    kind: Literal["Workflow"]
