"""Compiles a validated workflow and its tasks into a plan. Data planes call it once for each version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.documents.model import HttpTaskSpec
from tenantry.language.graph.dependencies import dependencies
from tenantry.language.graph.graph import Graph
from tenantry.language.plan.expressions import compile_expression
from tenantry.language.plan.interpreter import BRIEF_STEPS
from tenantry.language.plan.model import (
    BodyEncoding,
    Durability,
    HttpOutput,
    HttpRequestPlan,
    Plan,
    RetryOn,
    RetryPolicy,
    StepPlan,
    TaskPlan,
    TransformPlan,
)
from tenantry.language.schemas import compile_validator
from tenantry.language.templates import (
    Scope,
    compile_condition,
    compile_header,
    compile_url,
    compile_value,
    parse_condition,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenantry.language.documents.model import (
        HttpRequest,
        Retry,
        Step,
        TransformTaskSpec,
        Workflow,
        WorkflowTask,
    )
    from tenantry.language.schemas import CompiledValidator

SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that change nothing upstream (RFC 9110, 9.2.1)."""

_TRANSFORM_TIMEOUT_SECONDS: Final = 30.0


def compile_workflow(
    workflow: Workflow, tasks: Mapping[str, WorkflowTask], *, version: int, digest: str
) -> Plan:
    """Compiles a workflow in which validation finds no error.

    Args:
        workflow: what to compile.
        tasks: by name, every task the workflow refers to.
        version: the definition's number in its tenant.
        digest: the definition's content hash.

    Raises:
        TemplateSyntaxError: a template, condition or expression is not one.
        SchemaError: a schema is not one, or not safe.
        KeyError: a task is not there.
        ValueError: the steps wait for each other.
    """
    spec = workflow.spec
    graph = Graph.of({step.id: dependencies(step) for step in spec.tasks})
    return Plan(
        workflow=workflow.name,
        version=version,
        digest=digest,
        steps=tuple(_compile_steps(spec.tasks, graph, tasks)),
        groups=graph.groups(),
        render_output=compile_value(spec.output),
        input_validator=_compile_schema(spec.input),
        deadline_seconds=spec.deadline,
        max_parallel=spec.max_parallel,
        durability=Durability(spec.durability),
        labels=tuple(workflow.metadata.labels.items()),
    )


def compile_task(task: WorkflowTask) -> TaskPlan:
    """Compiles a task in which validation finds no error.

    Raises:
        TemplateSyntaxError: a template or expression is not one.
        SchemaError: a schema is not one, or not safe.
    """
    spec = task.spec
    action: HttpRequestPlan | TransformPlan
    if isinstance(spec, HttpTaskSpec):
        action = _compile_request(spec)
        safe = spec.idempotent or spec.request.method in SAFE_METHODS
    else:
        action, safe = _compile_transform(spec), True
    return TaskPlan(
        name=task.name,
        action=action,
        safe=safe,
        input_validator=_compile_schema(spec.input_schema),
        output_validator=_compile_schema(spec.output_schema),
    )


def _compile_steps(
    steps: tuple[Step, ...], graph: Graph, tasks: Mapping[str, WorkflowTask]
) -> Iterator[StepPlan]:
    index = {step.id: position for position, step in enumerate(steps)}
    compiled = {name: compile_task(tasks[name]) for name in dict.fromkeys(step.task_ref for step in steps)}
    for step in steps:
        condition = step.condition.if_ if step.condition else ""
        timeout_seconds, retry = _effort(step, tasks[step.task_ref])
        yield StepPlan(
            index=index[step.id],
            id=step.id,
            task=compiled[step.task_ref],
            bind=compile_value(step.input),
            condition=compile_condition(parse_condition(condition)) if condition else None,
            condition_text=condition,
            dependencies=tuple(index[other] for other in graph.dependencies[step.id]),
            dependents=tuple(index[other] for other in index if step.id in graph.dependencies[other]),
            timeout_seconds=timeout_seconds,
            retry=_compile_retry(retry),
            input=step.input,
        )


def _effort(step: Step, task: WorkflowTask) -> tuple[float, Retry | None]:
    """How long one attempt may take and how it is repeated: what the step says, or else its task."""
    spec = task.spec
    if isinstance(spec, HttpTaskSpec):
        return step.timeout or spec.timeout, step.retry or spec.retry
    return step.timeout or _TRANSFORM_TIMEOUT_SECONDS, step.retry


def _compile_retry(retry: Retry | None) -> RetryPolicy:
    if retry is None:
        return RetryPolicy()
    return RetryPolicy(
        max_attempts=retry.max_attempts,
        initial_delay_seconds=retry.initial_delay,
        max_delay_seconds=retry.max_delay,
        multiplier=retry.multiplier,
        jitter=retry.jitter,
        retry_on=frozenset(map(RetryOn, retry.retry_on)),
    )


def _compile_schema(schema: dict[str, Any] | None) -> CompiledValidator | None:
    return None if schema is None else compile_validator(schema)


def _compile_request(spec: HttpTaskSpec) -> HttpRequestPlan:
    request = spec.request
    return HttpRequestPlan(
        method=request.method,
        url=compile_url(request.url),
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
