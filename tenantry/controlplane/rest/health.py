"""Is it there, and may it get work: `/`, `/healthz`, `/readyz`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

_LOG = logging.getLogger(__name__)

_ABOUT: Final = {
    "name": "Tenantry control plane",
    "about": "Manages tenants, definitions, API keys and usage.",
    "graphql": "/graphql",
    "health": ["/healthz", "/readyz"],
}


class HealthEndpoints:
    """The endpoints that need no credential. `check` raises when the database cannot be asked."""

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        self._check = check

    def routes(self) -> list[Route]:
        """What the application mounts."""
        return [
            Route("/", self._about, methods=["GET"]),
            Route("/healthz", self._alive, methods=["GET"]),
            Route("/readyz", self._ready, methods=["GET"]),
        ]

    async def _about(self, _: Request) -> JSONResponse:
        return JSONResponse(_ABOUT)

    async def _alive(self, _: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def _ready(self, _: Request) -> JSONResponse:
        try:
            await self._check()
        except Exception as error:  # noqa: BLE001  (whatever it is, the answer is the same: not ready)
            _LOG.warning("not ready: %s", error)
            return JSONResponse({"status": "unready", "reason": "the database does not answer"}, 503)
        return JSONResponse({"status": "ready"})
