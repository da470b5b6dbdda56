"""The data plane's web application: routes to endpoints, refusals to problems."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.answers import problem_answer
from tenantry.dataplane.gateway.definitions import DefinitionEndpoints
from tenantry.dataplane.gateway.execute import ExecuteEndpoints
from tenantry.dataplane.gateway.executions import ExecutionEndpoints
from tenantry.dataplane.gateway.health import HealthEndpoints

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.gateway.services import Services

    Endpoint = Callable[[Request], Awaitable[Response]]

_LOG = logging.getLogger(__name__)
_TENANT = "/tenants/{tenant}/api/v1"


def create_app(services: Services) -> Starlette:
    """The application over its services. Starting and stopping them is the caller's."""
    execute = ExecuteEndpoints(services)
    definitions = DefinitionEndpoints(services)
    executions = ExecutionEndpoints(services)
    health = HealthEndpoints(services)
    routes = [
        _route("POST", f"{_TENANT}/workflows/{{name}}/execute", execute.execute),
        _route("POST", f"{_TENANT}/workflows/{{name}}/test", execute.dry_run),
        _route("GET", f"{_TENANT}/workflows", definitions.list_workflows),
        _route("GET", f"{_TENANT}/workflows/{{name}}", definitions.get_workflow),
        _route("GET", f"{_TENANT}/tasks", definitions.list_tasks),
        _route("GET", f"{_TENANT}/tasks/{{name}}", definitions.get_task),
        _route("GET", f"{_TENANT}/workflows/{{name}}/executions", executions.list_executions),
        _route("GET", f"{_TENANT}/executions/{{id}}", executions.get_execution),
        _route("GET", f"{_TENANT}/executions/{{id}}/trace", executions.get_trace),
        _route("GET", f"{_TENANT}/executions/{{id}}/events", executions.get_events),
        _route("POST", f"{_TENANT}/executions/{{id}}/cancel", executions.cancel),
        _route("GET", "/healthz", health.healthz),
        _route("GET", "/readyz", health.readyz),
        _route("GET", "/", health.index),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _routing_problem})


def _route(method: str, path: str, endpoint: Endpoint) -> Route:
    return Route(path, _guarded(endpoint), methods=[method])


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Turns refusals into problems, and anything unforeseen into a 500 that says nothing of its cause."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except errors.RefusedError as error:
            return problem_answer(error)
        except Exception:  # noqa: BLE001  (the boundary to callers)
            _LOG.exception("%s %s broke", request.method, request.url.path)
            return problem_answer(errors.internal())

    return guarded


def _routing_problem(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:  # noqa: PLR2004  (the status itself)
        allowed = (error.headers or {}).get("Allow", "another method")
        return problem_answer(errors.method_not_allowed(allowed))
    return problem_answer(errors.not_found(f"path as {request.url.path[:200]}"))
