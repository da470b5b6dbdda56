"""A control plane of a few lines: it serves bundles by our protocol, takes usage, and fails when told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from tenantry.protocol.bundles import BundleEntry, BundleIndex, SignedBundle, encode, sign
from tenantry.protocol.usage import UsageEvent, UsageReceipt, decode_batch
from tests.support.tenants import SIGNING_KEY

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.protocol.bundles import Bundle


class BundleServer:
    """Its state is public: tests change it and look at it.

    Attributes:
        bundles: by tenant, what is served.
        down: answers 503 to everything.
        broken: tenants whose bundle cannot be had.
        refuse: a usage event of one of these ids has its batch answered with 400.
        waiting: set while a long poll waits.
        answered_down: released with every 503.
        requests: lines such as `GET /internal/v1/bundles 304`.
        usage: every event that was taken.
    """

    def __init__(self) -> None:
        self.bundles: dict[str, SignedBundle] = {}
        self.down = False
        self.broken: set[str] = set()
        self.refuse: set[str] = set()
        self.waiting = asyncio.Event()
        self.answered_down = asyncio.Semaphore(0)
        self.requests: list[str] = []
        self.usage: list[UsageEvent] = []
        self._revisions: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._took = asyncio.Condition()
        routes = [
            Route("/internal/v1/bundles", self._index),
            Route("/internal/v1/bundles/{tenant}", self._bundle),
            Route("/internal/v1/usage", self._usage, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    def publish(self, bundle: Bundle, signed: SignedBundle | None = None) -> None:
        """Serves a bundle and wakes who waits. `signed` in its place is what is really sent."""
        self.bundles[bundle.tenant] = signed or sign(bundle, SIGNING_KEY)
        self._revisions[bundle.tenant] = bundle.revision
        self._wake()

    def remove(self, tenant: str) -> None:
        """Serves a tenant no more."""
        del self.bundles[tenant]
        self._wake()

    async def usage_taken(self, number: int) -> None:
        """Waits until so many events were taken."""
        async with self._took:
            await self._took.wait_for(lambda: len(self.usage) >= number)

    def client(self) -> httpx.AsyncClient:
        """A client that asks it, without a network."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://control-plane")

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _tag(self) -> str:
        return f'"{hash(tuple(sorted((name, one.digest) for name, one in self.bundles.items())))}"'

    async def _index(self, request: Request) -> Response:
        known = request.headers.get("If-None-Match")
        if known == self._tag() and "wait=" in request.headers.get("Prefer", ""):
            self.waiting.set()
            seconds = float(request.headers["Prefer"].removeprefix("wait="))
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                pass
            finally:
                self.waiting.clear()
        if known == self._tag():
            return self._answer(request, 304)
        entries = [
            BundleEntry(tenant=name, revision=self._revisions[name], digest=one.digest)
            for name, one in sorted(self.bundles.items())
        ]
        return self._answer(
            request, 200, encode(BundleIndex(entries=tuple(entries))), headers={"ETag": self._tag()}
        )

    async def _bundle(self, request: Request) -> Response:
        name = request.path_params["tenant"]
        if name in self.broken:
            return self._answer(request, 500)
        if name not in self.bundles:
            return self._answer(request, 404)
        return self._answer(request, 200, encode(self.bundles[name]))

    async def _usage(self, request: Request) -> Response:
        events = decode_batch(await request.body())
        if any(event.id in self.refuse for event in events):
            return self._answer(request, 400, b"not a batch of usage events")
        if self.down:
            return self._answer(request)
        known = {event.id for event in self.usage}
        new = [event for event in events if event.id not in known]
        async with self._took:
            self.usage += new
            self._took.notify_all()
        receipt = UsageReceipt(accepted=len(new), duplicates=len(events) - len(new))
        return self._answer(request, 200, str(receipt).encode())

    def _answer(
        self, request: Request, status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Response:
        if self.down:
            status, body, headers = 503, b"", None
            self.answered_down.release()
        self.requests.append(f"{request.method} {request.url.path} {status}")
        return Response(body, status, headers)
