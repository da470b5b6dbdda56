"""The model of a `WorkflowTask`: one thing a workflow's steps can do."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from tenantry.language.documents.model.effort import CircuitBreaker, ResultCache, Retry
from tenantry.language.documents.model.envelope import Model, Resource
from tenantry.language.documents.model.secrets import SecretUse
from tenantry.language.documents.words import (
    Flag,
    HeaderName,
    Json,
    PositiveDuration,
    QueryValue,
    Status,
    at_most,
)

_MAX_NAMED: Final = 200
_MAX_STATUSES: Final = 400  # as many as there are
_MAX_SECRETS: Final = 50
_IDEMPOTENCY_KEY: Final = "idempotency-key"


class HttpRequest(Model):
    """The request an `http` task sends; templates everywhere but in names read the task's own input."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    url: Annotated[str, Field(min_length=1, max_length=8192)]
    headers: Annotated[dict[HeaderName, str], at_most(_MAX_NAMED)] = Field(default_factory=dict)
    query: Annotated[dict[str, QueryValue], at_most(_MAX_NAMED)] = Field(default_factory=dict)
    body: Json = None

    @property
    def idempotency_header(self) -> str | None:
        """The header `Idempotency-Key` as this request spells it: upstreams know repetitions by it."""
        return next((name for name in self.headers if name.lower() == _IDEMPOTENCY_KEY), None)


class HttpTaskSpec(Model):
    """A task that calls an HTTP API; its output is the parsed body, or `{status, headers, body}`."""

    type: Literal["http"]
    input_schema: dict[str, Json] | None = None
    output_schema: dict[str, Json] | None = None
    request: HttpRequest
    success_status: Annotated[tuple[Status, ...], Field(min_length=1), at_most(_MAX_STATUSES)] = ("2xx",)
    timeout: PositiveDuration = 30.0
    retry: Retry | None = None
    circuit_breaker: CircuitBreaker | None = None
    cache: ResultCache | None = None
    secrets: Annotated[tuple[SecretUse, ...], at_most(_MAX_SECRETS)] = ()
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
