"""What data planes ask: bundles, with a wait for the next change, and taking usage in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tenantry.controlplane.requests import CHALLENGE, bearer_token, read_body
from tenantry.protocol.bundles import encode
from tenantry.protocol.usage import BATCH_CONTENT_TYPE, UsageError, decode_batch
from tenantry.tenants.identity import is_tenant_name

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.controlplane.services.bundles import Bundles
    from tenantry.controlplane.services.usage import Usage
    from tenantry.controlplane.store.notifications import BundleChanges

MAX_WAIT_SECONDS: Final = 30
MAX_BATCH_BYTES: Final = 8 * 1024 * 1024

_WAIT: Final = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,9})(?:$|[,;\s])")


class DataPlaneEndpoints:
    """The endpoints under `/internal/v1`, for whoever holds the data planes' token."""

    def __init__(self, token: str, bundles: Bundles, usage: Usage, changes: BundleChanges) -> None:
        self._token, self._bundles, self._usage, self._changes = token, bundles, usage, changes

    def routes(self) -> list[Route]:
        """What the application mounts."""
        return [
            Route("/internal/v1/bundles", self._index, methods=["GET"]),
            Route("/internal/v1/bundles/{tenant}", self._bundle, methods=["GET"]),
            Route("/internal/v1/usage", self._record_usage, methods=["POST"]),
        ]

    async def _index(self, request: Request) -> Response:
        self._authenticate(request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _wait_seconds(request)
        while True:
            changed = self._changes.next_change()
            body = encode(await self._bundles.index())
            response = _conditional(request, body, hashlib.sha256(body).hexdigest())
            remaining = deadline - loop.time()
            if response.status_code != 304 or remaining <= 0 or self._changes.closed:  # noqa: PLR2004
                return response
            with suppress(TimeoutError):
                async with asyncio.timeout(remaining):  # unlike `wait_for`, it loses no cancellation
                    await changed.wait()

    async def _bundle(self, request: Request) -> Response:
        self._authenticate(request)
        tenant = request.path_params["tenant"]
        signed = await self._bundles.find(tenant) if is_tenant_name(tenant) else None
        if signed is None:
            raise HTTPException(404, "there is no bundle of that tenant")
        return _conditional(request, encode(signed), signed.digest)

    async def _record_usage(self, request: Request) -> Response:
        self._authenticate(request)
        body = await read_body(
            request, content_types=frozenset({BATCH_CONTENT_TYPE}), max_bytes=MAX_BATCH_BYTES
        )
        try:
            events = await asyncio.to_thread(decode_batch, body)
        except UsageError as error:
            raise HTTPException(400, str(error)) from None
        receipt = await self._usage.record(events)
        return Response(msgspec.json.encode(receipt), media_type="application/json")

    def _authenticate(self, request: Request) -> None:
        if not hmac.compare_digest(bearer_token(request).encode(), self._token.encode()):
            raise HTTPException(401, "that is not the data planes' token", headers=CHALLENGE)


def _wait_seconds(request: Request) -> int:
    match = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(match[1]), MAX_WAIT_SECONDS) if match else 0


def _conditional(request: Request, body: bytes, tag: str) -> Response:
    known = request.headers.get("if-none-match", "")
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    if tag in {one.strip().removeprefix("W/").strip('"') for one in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
