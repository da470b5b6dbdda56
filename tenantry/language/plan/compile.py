"""Compiles a validated workflow and its tasks into a plan. Data planes call it once for each version."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.documents.model import HttpTaskSpec
from tenantry.language.plan.bodies import BodyCompiler
from tenantry.language.plan.effort import compile_cache, compile_circuit, compile_retry
from tenantry.language.plan.expressions import compile_expression
from tenantry.language.plan.interpreter import BRIEF_STEPS
from tenantry.language.plan.model import (
    BodyEncoding,
    Durability,
    HttpOutput,
    HttpRequestPlan,
    Plan,
    ResponsePlan,
    TaskPlan,
    TransformPlan,
)
from tenantry.language.schemas import compile_validator
from tenantry.language.templates import Scope, compile_header, compile_url, compile_value, origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.language.documents.model import (
        HttpRequest,
        Response,
        TransformTaskSpec,
        Workflow,
        WorkflowTask,
    )
    from tenantry.language.schemas import CompiledValidator

SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that change nothing upstream (RFC 9110, 9.2.1)."""


def compile_workflow(
    workflow: Workflow,
    tasks: Mapping[str, TaskPlan],
    workflows: Mapping[str, Plan] = MappingProxyType({}),
    *,
    version: int,
    digest: str,
) -> Plan:
    """Compiles a workflow in which validation finds no error.

    Args:
        workflow: what to compile.
        tasks: by name, every task the workflow refers to.
        workflows: every workflow it refers to, by the reference as it is written.
        version: the definition's number in its tenant.
        digest: the definition's content hash.

    Raises:
        TemplateSyntaxError: a template, condition or expression is not one.
        SchemaError: a schema is not one, or not safe.
        KeyError: a task or workflow is not there.
        ValueError: the steps wait for each other.
    """
    spec = workflow.spec
    bodies = BodyCompiler(tasks, workflows, spec.max_parallel)
    return Plan(
        workflow=workflow.name,
        version=version,
        digest=digest,
        graph=bodies.compile_graph(spec.tasks, compile_value(spec.output)),
        input_validator=_compile_schema(spec.input),
        deadline_seconds=spec.deadline,
        max_parallel=spec.max_parallel,
        durability=Durability(spec.durability),
        response=None if spec.response is None else _compile_response(spec.response),
        labels=tuple(workflow.metadata.labels.items()),
    )


def compile_task(task: WorkflowTask, digest: str) -> TaskPlan:
    """Compiles a task in which validation finds no error. `digest` is its document's content hash.

    Raises:
        TemplateSyntaxError: a template or expression is not one.
        SchemaError: a schema is not one, or not safe.
    """
    spec = task.spec
    takes, gives = _compile_schema(spec.input_schema), _compile_schema(spec.output_schema)
    if isinstance(spec, HttpTaskSpec):
        safe = spec.idempotent or spec.request.method in SAFE_METHODS
        return TaskPlan(
            name=task.name,
            digest=digest,
            action=_compile_request(spec),
            safe=safe,
            repeatable=safe or spec.request.idempotency_header is not None,
            input_validator=takes,
            output_validator=gives,
            timeout_seconds=spec.timeout,
            retry=compile_retry(spec.retry),
            circuit=compile_circuit(spec.circuit_breaker),
            cache=compile_cache(spec.cache),
        )
    return TaskPlan(
        name=task.name,
        digest=digest,
        action=_compile_transform(spec),
        safe=True,
        repeatable=True,
        input_validator=takes,
        output_validator=gives,
    )


def _compile_response(response: Response) -> ResponsePlan:
    content_type = response.content_type
    return ResponsePlan(
        status=compile_value(response.status),
        headers=tuple((name, compile_header(value)) for name, value in response.headers.items()),
        content_type=None if content_type is None else compile_header(content_type),
        body=compile_value(response.body) if "body" in response.model_fields_set else None,
        is_json=content_type is None or "json" in content_type.lower(),
    )


def _compile_schema(schema: dict[str, Any] | None) -> CompiledValidator | None:
    return None if schema is None else compile_validator(schema)


def _compile_request(spec: HttpTaskSpec) -> HttpRequestPlan:
    request = spec.request
    return HttpRequestPlan(
        method=request.method,
        url=compile_url(request.url),
        origin=origin_of(request.url),
        query=tuple((name, compile_value(value)) for name, value in request.query.items()),
        headers=tuple((name, compile_header(value)) for name, value in request.headers.items()),
        body=None if request.body is None else compile_value(request.body),
        body_encoding=_body_encoding(request),
        success=frozenset(status for text in spec.success_status for status in _statuses(text)),
        output=HttpOutput(spec.output),
        source=request,
    )


def _body_encoding(request: HttpRequest) -> BodyEncoding:
    """What the Content-Type says; a media type that is neither JSON nor a form is sent as the text it is."""
    types = [value.lower() for name, value in request.headers.items() if name.lower() == "content-type"]
    if not types or "json" in types[0] or "{{" in types[0]:
        return BodyEncoding.JSON
    return BodyEncoding.FORM if "x-www-form-urlencoded" in types[0] else BodyEncoding.TEXT


def _statuses(text: str) -> range:
    """The statuses that `2xx` or `404` stands for."""
    if text.endswith("xx"):
        return range(int(text[0]) * 100, int(text[0]) * 100 + 100)
    return range(int(text), int(text) + 1)


def _compile_transform(spec: TransformTaskSpec) -> TransformPlan:
    if spec.expression is not None:
        return TransformPlan(
            evaluate=compile_expression(spec.expression, BRIEF_STEPS),
            evaluate_at_length=compile_expression(spec.expression),
        )
    evaluate = compile_value(spec.value)
    return TransformPlan(evaluate=lambda value: evaluate(Scope(input=value)))
