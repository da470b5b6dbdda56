"""The upstream of the simulated world, the judge: it remembers what it did, and for whom."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.tasks.http_client import ConnectionFailedError, HttpResponse, TimedOutError

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.http_client import HttpRequest
    from tests.support.reliability.process import Process


@dataclass
class Effect:
    """Something an upstream did."""

    path: str
    tenant: str
    execution: str
    key: str


class Upstream:
    """The `HttpClient` of a process: what it is asked for it does, and perhaps the answer is lost."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def send(self, request: HttpRequest) -> HttpResponse:
        world, faults = self._process.world, self._process.world.faults
        await world.pause(0.2)
        if world.happens(faults.refused):
            raise ConnectionFailedError("refused", sent=False)
        if not self._process.alive:
            await asyncio.Event().wait()
        if world.happens(faults.busy):
            return HttpResponse(503, {}, b"{}")
        self._do(request)
        await world.pause(0.5)
        if world.happens(faults.timeout):
            raise TimedOutError("too late", sent=True)
        return HttpResponse(200, {"content-type": "application/json"}, b'{"ok": true}')

    def _do(self, request: HttpRequest) -> None:
        if request.method == "GET":
            return
        key = next(
            (value for name, value in request.headers.items() if name.lower() == "idempotency-key"), ""
        )
        effects = self._process.world.effects
        if key and any(effect.key == key for effect in effects):
            return  # it honours the key
        asked = json.loads(request.body or b"{}")
        path = request.url.rpartition("/")[2]
        effects.append(Effect(path, asked["tenant"], asked["execution"], key))

    async def close(self) -> None:
        pass
