"""Health: alive, ready, and where the API is."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from tenantry.dataplane.gateway.answers import json_answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.gateway.services import Services


class HealthEndpoints:
    """`GET /healthz`, `/readyz`, `/`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def healthz(self, _request: Request) -> Response:
        """The process answers."""
        return json_answer({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Whether work should be sent here, and what it serves."""
        services = self._services
        checks = {
            "journal": services.journal.available,
            "durable": not services.journal.unsafe_settings,
            "accepting": not services.executor.draining,
        }
        sharing = services.sharing
        if sharing is not None and sharing.required:
            checks["redis"] = sharing.link.available
        ready = all(checks.values())
        bundles = {
            "tenants": len(services.registry.revisions()),
            "rejected": len(services.follower.rejected),
            "synchronised": services.follower.synchronised.is_set(),
        }
        redis = sharing and {"available": sharing.link.available, "replicas": sharing.replicas.count}
        return json_answer(
            {"ready": ready, "checks": checks, "bundles": bundles, "redis": redis},
            status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    async def index(self, _request: Request) -> Response:
        """What this is."""
        return json_answer(
            {
                "service": "Tenantry data plane",
                "execute": "POST /tenants/{tenant}/api/v1/workflows/{name}/execute",
                "authorization": "Bearer <API key>",
            }
        )
