"""Circuits as a tenant sees and orders them: where each stands, held open or closed, beginning anew."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tenantry.dataplane.circuits.breaker import Order
from tenantry.dataplane.circuits.view import CircuitStatus
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import Caller, admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.circuits.view import CircuitView
    from tenantry.dataplane.gateway.services import Services

_LOG = logging.getLogger(__name__)


class CircuitEndpoints:
    """`GET` of circuits and their health; `POST /circuits/{name}/open`, `close` and `reset`.

    Who may change what a task's breaker is may also order it: `Permission.APPLY_DEFINITIONS`.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_circuits(self, request: Request) -> Response:
        """The tenant's circuits, by name."""
        return json_answer({"circuits": [_shown(view) for view in await self._views(request)]})

    async def get_health(self, request: Request) -> Response:
        """How many circuits stand where, and which are not closed."""
        views = await self._views(request)
        count = Counter(view.status for view in views)
        troubled = [view.name for view in views if view.status is not CircuitStatus.CLOSED]
        return json_answer(
            {
                "status": "degraded" if troubled else "healthy",
                "closed": count[CircuitStatus.CLOSED],
                "halfOpen": count[CircuitStatus.HALF_OPEN],
                "open": count[CircuitStatus.OPEN],
                "notClosed": troubled,
            }
        )

    async def get_circuit(self, request: Request) -> Response:
        """One circuit."""
        name = request.path_params["circuit"]
        for view in await self._views(request):
            if view.name == name:
                return json_answer(_shown(view))
        raise errors.not_found("circuit")

    async def open(self, request: Request) -> Response:
        """Holds a circuit open: calls are refused until it is closed or reset."""
        return await self._order(request, Order.OPEN)

    async def close(self, request: Request) -> Response:
        """Holds a circuit closed: calls pass, whatever fails, until it is opened or reset."""
        return await self._order(request, Order.CLOSE)

    async def reset(self, request: Request) -> Response:
        """Lets a circuit decide by itself again; it begins closed, without a failure."""
        return await self._order(request, Order.RESET)

    async def _views(self, request: Request) -> list[CircuitView]:
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        return await self._services.circuits.snapshot(caller.tenant.name, self._services.clock())

    async def _order(self, request: Request, order: Order) -> Response:
        caller = self._caller(request, Permission.APPLY_DEFINITIONS)
        tenant, name = caller.tenant.name, request.path_params["circuit"]
        view = await self._services.circuits.obey(tenant, name, order, self._services.clock())
        if view is None:
            raise errors.not_found("circuit")
        _LOG.info("circuit %s of tenant %s: %s, by key %s", name, tenant, order, caller.principal.key_id)
        return json_answer(_shown(view))

    def _caller(self, request: Request, permission: Permission) -> Caller:
        return admit_caller(self._services.registry, request, self._services.clock, permission)


def _shown(view: CircuitView) -> dict[str, Any]:
    policy = view.policy
    return {
        "name": view.name,
        "upstream": view.upstream,
        "status": view.status,
        "held": view.held,
        "failures": view.failures,
        "openedAt": _instant(view.opened_at),
        "nextProbeAt": _instant(view.next_probe_at),
        "policy": {
            "failureThreshold": policy.failure_threshold,
            "samplingSeconds": policy.sampling_seconds,
            "breakSeconds": policy.break_seconds,
            "halfOpenRequests": policy.half_open_requests,
            "failOn": sorted(policy.counts),
        },
    }


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
