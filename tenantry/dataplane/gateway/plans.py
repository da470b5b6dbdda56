"""Plans: found for whoever calls a workflow, and explained to whoever reads it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import Response

from tenantry.dataplane.bundles.plans import DefinitionBrokenError, TaskNotAllowedError
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import Caller, admit_caller
from tenantry.dataplane.gateway.names import chosen_workflow, unknown_workflow
from tenantry.language.plan.explain import explain_dot, explain_json, explain_mermaid, explain_text
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from tenantry.dataplane.gateway.services import Services
    from tenantry.language.plan.model import Plan

_LOG = logging.getLogger(__name__)
_FORMATS: Final[dict[str, tuple[str, Callable[[Plan], str | bytes]]]] = {
    "json": ("application/json", lambda plan: msgspec.json.encode(explain_json(plan))),
    "text": ("text/plain", explain_text),
    "dot": ("text/vnd.graphviz", explain_dot),
    "mermaid": ("text/plain", explain_mermaid),
}


async def find_plan(services: Services, request: Request, permission: Permission) -> tuple[Caller, Plan]:
    """The caller of a request for `/workflows/{name}/...`, and the plan of the version it chooses.

    Raises:
        RefusedError: the caller may not, there is no such workflow or version, or it cannot run any more.
    """
    caller = admit_caller(services.registry, request, services.clock, permission)
    name, selector = chosen_workflow(request)
    plan = caller.tenant.ready_plan(name, selector)
    try:
        if plan is None and caller.tenant.contents.chosen(name, selector):
            # The first request for a version compiles it, and nobody else waits for that.
            plan = await asyncio.to_thread(caller.tenant.plan, name, selector)
    except TaskNotAllowedError as error:
        raise errors.forbidden(str(error)) from None
    except DefinitionBrokenError as error:
        _LOG.warning("%s: %s", caller.tenant.name, error)
        raise errors.conflict("version-unavailable", "The version cannot run", str(error)) from None
    if plan is None:
        raise unknown_workflow(caller.tenant, name)
    return caller, plan


class PlanEndpoint:
    """`GET /workflows/{name}/plan`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def get_plan(self, request: Request) -> Response:
        """The plan explained, without any input."""
        _, plan = await find_plan(self._services, request, Permission.READ_DEFINITIONS)
        name = request.query_params.get("format", "json")
        if name not in _FORMATS:
            raise errors.bad_query("format", f"one of {', '.join(_FORMATS)}")
        media_type, explain = _FORMATS[name]
        # Beside the event loop: a workflow of many sub-workflows takes a while to draw.
        return Response(await asyncio.to_thread(explain, plan), media_type=media_type)
