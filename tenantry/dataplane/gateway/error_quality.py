"""`GET /tasks/{name}/error-quality`, `/workflows/{name}/error-quality`, `/error-quality/trends`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tenantry.dataplane.dead_letters.graded import MAX_GRADED
from tenantry.dataplane.dead_letters.quality import by_task, quality_of, trend
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.letter_requests import span_of
from tenantry.dataplane.gateway.names import workflow_name
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.dead_letters.analytics import Span
    from tenantry.dataplane.dead_letters.quality import GradedFailure, Quality
    from tenantry.dataplane.gateway.services import Services


class ErrorQualityEndpoints:
    """How good the errors of a tenant's upstreams are; `from`, `to` and `bucket` as for dead letters."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def of_task(self, request: Request) -> Response:
        """Those a task meets, in all workflows."""
        tenant, span = self._asked(request)
        name = request.path_params["name"]
        if tenant.definition("WorkflowTask", name) is None:
            raise errors.not_found("task")
        failures = await self._services.dead_letters.graded.over(tenant.name, span, task=name)
        return json_answer({"task": name, **_frame(span, failures), **_view(quality_of(failures))})

    async def of_workflow(self, request: Request) -> Response:
        """Those a workflow meets, and which task meets the worst."""
        tenant, span = self._asked(request)
        name = workflow_name(request)
        if tenant.definition("Workflow", name) is None:
            raise errors.not_found("workflow")
        failures = await self._services.dead_letters.graded.over(tenant.name, span, workflow=name)
        tasks = [{"task": task, **_view(quality)} for task, quality in by_task(failures).items()]
        return json_answer(
            {"workflow": name, **_frame(span, failures), **_view(quality_of(failures)), "tasks": tasks}
        )

    async def get_trends(self, request: Request) -> Response:
        """Those the tenant meets, over time."""
        tenant, span = self._asked(request)
        failures = await self._services.dead_letters.graded.over(tenant.name, span)
        return json_answer(trends_view(span, failures))

    def _asked(self, request: Request) -> tuple[ServedTenant, Span]:
        services = self._services
        caller = admit_caller(services.registry, request, services.clock, Permission.READ_EXECUTIONS)
        return caller.tenant, span_of(request, datetime.fromtimestamp(services.clock(), UTC))


def trends_view(span: Span, failures: list[GradedFailure]) -> dict[str, Any]:
    """What is told of a span, bucket by bucket."""
    over_time = [{"at": begin, **_view(quality)} for begin, quality in trend(span, failures)]
    whole = {**_frame(span, failures), **_view(quality_of(failures))}
    return {"bucket": span.bucket, **whole, "trend": over_time}


def _frame(span: Span, failures: list[GradedFailure]) -> dict[str, Any]:
    return {"from": span.since, "to": span.until, "complete": len(failures) < MAX_GRADED}


def _view(quality: Quality) -> dict[str, Any]:
    marks = None if quality.marks is None else quality.marks._asdict()
    return {"failures": quality.failures, "stars": quality.stars, "marks": marks}
