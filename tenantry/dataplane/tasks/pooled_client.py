"""The `HttpClient` of the request path: one per tenant, so that no tenant's connection serves another."""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import cache
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.tasks.decompress import ACCEPTED, decompress
from tenantry.dataplane.tasks.http_client import (
    BadRequestError,
    ConnectionFailedError,
    HttpResponse,
    TimedOutError,
)
from tenantry.dataplane.tasks.origin import Origin, parse_origin

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.connection import Connection, RawResponse
    from tenantry.dataplane.tasks.http_client import HttpRequest
    from tenantry.tenants.egress import EgressPolicy

_ORIGIN: Final = re.compile(r"[a-zA-Z]+://[^/?#]*")
_UNSENDABLE: Final = re.compile(r"[^\x21-\x7e]")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE_BREAK: Final = re.compile(r"[\r\n\0]")
_OWN_HEADERS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_DEFAULTS: Final = {
    "accept": "Accept: application/json\r\n",
    "accept-encoding": f"Accept-Encoding: {ACCEPTED}\r\n",
    "user-agent": "User-Agent: Tenantry\r\n",
}


class PooledClient:
    """Sends a tenant's requests over HTTP/1.1 connections that are kept open between calls.

    Args:
        policy: where the tenant may connect to.
        tls: how servers prove who they are; the system's authorities by default.
    """

    def __init__(self, policy: EgressPolicy, tls: ssl.SSLContext | None = None) -> None:
        self._policy, self._tls = policy, tls
        self._origins: dict[str, Origin] = {}

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Sends and reads the whole response; see `HttpClient.send`."""
        match = _ORIGIN.match(request.url)
        if match is None:
            raise BadRequestError("the URL must begin with http:// or https:// and a host", sent=False)
        origin = self._origins.get(match.group()) or self._open(match.group())
        target = request.url[match.end() :].partition("#")[0]
        head = _head(request, target if target.startswith("/") else f"/{target}", origin.address.authority)
        try:
            raw = await _exchange(origin, request, head)
        except TimedOutError as error:
            reason = f"{origin.address.host} gave no answer within {request.timeout_seconds:g} s"
            raise TimedOutError(reason, sent=error.sent) from None
        encoding = raw.headers.get("content-encoding")
        body = (
            decompress(raw.chunks, encoding.strip().lower(), request.max_response_bytes)
            if encoding
            else b"".join(raw.chunks)
        )
        return HttpResponse(raw.status, raw.headers, body)

    async def close(self) -> None:
        """Closes idle connections now and the others when their exchange ends."""
        for origin in self._origins.values():
            origin.close()

    def _open(self, text: str) -> Origin:
        address = parse_origin(text)
        tls = (self._tls or _system_tls()) if address.scheme == "https" else None
        origin = self._origins[text] = Origin(address, self._policy, tls)
        return origin


@cache
def _system_tls() -> ssl.SSLContext:
    """The authorities this system trusts: read once, shared by all tenants."""
    return ssl.create_default_context()


async def _exchange(origin: Origin, request: HttpRequest, head: bytes) -> RawResponse:
    connection = origin.take()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + request.timeout_seconds
    is_head = request.method == "HEAD"
    if connection is not None:
        try:
            raw = await connection.exchange(
                head,
                request.body,
                is_head=is_head,
                limit=request.max_response_bytes,
                timeout_seconds=request.timeout_seconds,
            )
        except ConnectionFailedError as error:
            # The upstream closed an idle connection just as it was used again (RFC 9112 section 9.3.1).
            if connection.answered or (error.sent and not request.repeatable):
                raise
        else:
            origin.give_back(connection)
            return raw
    connection = await _connect(origin, deadline)
    raw = await connection.exchange(
        head,
        request.body,
        is_head=is_head,
        limit=request.max_response_bytes,
        timeout_seconds=deadline - loop.time(),
    )
    origin.give_back(connection)
    return raw


async def _connect(origin: Origin, deadline: float) -> Connection:
    try:
        async with asyncio.timeout_at(deadline):
            return await origin.connect()
    except TimeoutError:
        raise TimedOutError(f"no connection to {origin.address.host} in time", sent=False) from None


def _head(request: HttpRequest, target: str, authority: str) -> bytes:
    if _UNSENDABLE.search(target) or _TOKEN.fullmatch(request.method) is None:
        raise BadRequestError("the URL holds a character that must be percent-encoded", sent=False)
    lines = [f"{request.method} {target} HTTP/1.1\r\nHost: {authority}\r\n"]
    defaults = _DEFAULTS
    for name, value in request.headers.items():
        key = name.lower()
        if key in _OWN_HEADERS:
            continue  # how the message travels is not a template's to say
        if _TOKEN.fullmatch(name) is None or _LINE_BREAK.search(value):
            raise BadRequestError(f"the header {name[:40]!r} cannot be sent", sent=False)
        if key in defaults:
            defaults = {other: line for other, line in defaults.items() if other != key}
        lines.append(f"{name}: {value}\r\n")
    lines.extend(defaults.values())
    lines.append(_length(request.method, request.body))
    return "".join(lines).encode()


def _length(method: str, body: bytes | None) -> str:
    if body:
        return f"Content-Length: {len(body)}\r\n\r\n"
    return "Content-Length: 0\r\n\r\n" if method in ("POST", "PUT", "PATCH") else "\r\n"
