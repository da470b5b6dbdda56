"""The data plane's web application: routes to endpoints, refusals to problems.

Starlette's router without its middleware: endpoints answer their own errors, so the request path holds
nothing that it does not need.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.routing import Route, Router

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.answers import problem_answer
from tenantry.dataplane.gateway.callbacks import CallbackEndpoints
from tenantry.dataplane.gateway.circuits import CircuitEndpoints
from tenantry.dataplane.gateway.dead_letters import DeadLetterEndpoints
from tenantry.dataplane.gateway.definitions import DefinitionEndpoints
from tenantry.dataplane.gateway.error_quality import ErrorQualityEndpoints
from tenantry.dataplane.gateway.execute import ExecuteEndpoints
from tenantry.dataplane.gateway.executions import ExecutionEndpoints
from tenantry.dataplane.gateway.health import HealthEndpoints
from tenantry.dataplane.gateway.hosts import TenantHosts
from tenantry.dataplane.gateway.lifecycle import LifecycleEndpoints
from tenantry.dataplane.gateway.plans import PlanEndpoint
from tenantry.dataplane.gateway.retention import RetentionEndpoints
from tenantry.dataplane.gateway.timeline import TimelineEndpoints
from tenantry.dataplane.limits.port import LimitsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tenantry.dataplane.gateway.services import Services

    Endpoint = Callable[[Request], Awaitable[Response]]

_LOG = logging.getLogger(__name__)
_TENANT = "/tenants/{tenant}/api/v1"
_WORKFLOWS = (f"{_TENANT}/workflows", f"{_TENANT}/namespaces/{{namespace}}/workflows")


def create_app(services: Services, tenant_host: str = "") -> ASGIApp:
    """The application over its services. Starting and stopping them is the caller's.

    Args:
        services: what it is made of.
        tenant_host: tenants' own host names, as `Settings.tenant_host` says.
    """
    routes = {
        **_workflow_routes(services),
        **_execution_routes(services),
        **_circuit_routes(services),
        **_letter_routes(services),
        **_retention_routes(services),
        **_health_routes(services),
    }
    router = Router(
        [Route(path, resource) for path, resource in routes.items()],
        redirect_slashes=False,
        default=_nowhere,
    )
    return TenantHosts(router, tenant_host) if tenant_host else router


def _workflow_routes(services: Services) -> dict[str, _Resource]:
    execute, definitions = ExecuteEndpoints(services), DefinitionEndpoints(services)
    of_workflow = {
        "/execute": _Resource("POST", execute.execute),  # the first to be looked at
        "/test": _Resource("POST", execute.dry_run),
        "": _Resource("GET", definitions.get_workflow),
        "/versions": _Resource("GET", definitions.list_versions),
        "/openapi.json": _Resource("GET", definitions.describe_workflow),
        "/plan": _Resource("GET", PlanEndpoint(services).get_plan),
        "/executions": _Resource("GET", ExecutionEndpoints(services).list_executions),
    }
    return {
        **{
            f"{workflows}/{{name}}{path}": resource
            for workflows in _WORKFLOWS
            for path, resource in of_workflow.items()
        },
        **dict.fromkeys(_WORKFLOWS, _Resource("GET", definitions.list_workflows)),
        f"{_TENANT}/openapi.json": _Resource("GET", definitions.describe_workflows),
        f"{_TENANT}/tasks": _Resource("GET", definitions.list_tasks),
        f"{_TENANT}/tasks/{{name}}": _Resource("GET", definitions.get_task),
    }


def _execution_routes(services: Services) -> dict[str, _Resource]:
    executions, timeline = ExecutionEndpoints(services), TimelineEndpoints(services)
    lifecycle, callbacks = LifecycleEndpoints(services), CallbackEndpoints(services)
    execution = f"{_TENANT}/executions/{{id}}"
    return {
        execution: _Resource("GET", executions.get_execution),
        f"{execution}/trace": _Resource("GET", timeline.get_trace),
        f"{execution}/events": _Resource("GET", timeline.get_events),
        f"{execution}/state": _Resource("GET", lifecycle.get_state),
        f"{execution}/cancel": _Resource("POST", lifecycle.cancel),
        f"{execution}/pause": _Resource("POST", lifecycle.pause),
        f"{execution}/resume": _Resource("POST", lifecycle.resume),
        f"{execution}/retry": _Resource("POST", lifecycle.retry),
        f"{execution}/fork": _Resource("POST", lifecycle.fork),
        f"{execution}/callback": _Resource("GET", callbacks.get_callback),
        f"{execution}/callback/retry": _Resource("POST", callbacks.retry),
        f"{_TENANT}/callbacks": _Resource("GET", callbacks.list_callbacks),
        f"{_TENANT}/callbacks/secret": _Resource("GET", callbacks.get_secret),
    }


def _circuit_routes(services: Services) -> dict[str, _Resource]:
    circuits = CircuitEndpoints(services)
    circuit = f"{_TENANT}/circuits/{{circuit}}"
    return {
        f"{_TENANT}/circuits": _Resource("GET", circuits.list_circuits),
        f"{_TENANT}/circuits/health": _Resource("GET", circuits.get_health),
        circuit: _Resource("GET", circuits.get_circuit),
        f"{circuit}/open": _Resource("POST", circuits.open),
        f"{circuit}/close": _Resource("POST", circuits.close),
        f"{circuit}/reset": _Resource("POST", circuits.reset),
    }


def _letter_routes(services: Services) -> dict[str, _Resource]:
    letters, quality = DeadLetterEndpoints(services), ErrorQualityEndpoints(services)
    letter = f"{_TENANT}/dlq/{{letter}}"
    return {
        f"{_TENANT}/dlq": _Resource("GET", letters.list_letters),
        f"{_TENANT}/dlq/analytics": _Resource("GET", letters.get_analytics),
        f"{_TENANT}/dlq/bulk-retry": _Resource("POST", letters.bulk_retry),
        letter: _Resource("GET", letters.get_letter),
        f"{letter}/retry": _Resource("POST", letters.retry),
        f"{letter}/retry-with-input": _Resource("POST", letters.retry_with_input),
        f"{letter}/discard": _Resource("POST", letters.discard),
        f"{letter}/archive": _Resource("POST", letters.archive),
        f"{_TENANT}/tasks/{{name}}/error-quality": _Resource("GET", quality.of_task),
        f"{_TENANT}/error-quality/trends": _Resource("GET", quality.get_trends),
        **{
            f"{workflows}/{{name}}/error-quality": _Resource("GET", quality.of_workflow)
            for workflows in _WORKFLOWS
        },
    }


def _retention_routes(services: Services) -> dict[str, _Resource]:
    retention = RetentionEndpoints(services)
    return {
        f"{_TENANT}/retention/status": _Resource("GET", retention.get_status),
        f"{_TENANT}/retention/policies": _Resource("GET", retention.get_policies),
        f"{_TENANT}/retention/logs": _Resource("GET", retention.list_logs),
        f"{_TENANT}/retention/cleanup": _Resource("POST", retention.clean_up),
    }


def _health_routes(services: Services) -> dict[str, _Resource]:
    health = HealthEndpoints(services)
    return {
        "/healthz": _Resource("GET", health.healthz),
        "/readyz": _Resource("GET", health.readyz),
        "/": _Resource("GET", health.index),
    }


class _Resource:
    """One path and its one method, as an ASGI application.

    Turns refusals into problems, and anything unforeseen into a 500 that says nothing of its cause.
    """

    def __init__(self, method: str, endpoint: Endpoint) -> None:
        self.method, self._endpoint = method, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            if request.method != self.method and (request.method, self.method) != ("HEAD", "GET"):
                raise errors.method_not_allowed(self.method)  # noqa: TRY301  (refused like everything else)
            return await self._endpoint(request)
        except errors.RefusedError as error:
            return problem_answer(error)
        except JournalUnavailableError as error:
            return problem_answer(errors.unavailable("journal-unavailable", str(error)))
        except LimitsUnavailableError as error:
            return problem_answer(errors.unavailable(error.code, str(error)))
        except Exception:  # noqa: BLE001  (the boundary to callers)
            _LOG.exception("%s %s broke", request.method, request.url.path)
            return problem_answer(errors.internal())


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await problem_answer(errors.not_found("path"))(scope, receive, send)
