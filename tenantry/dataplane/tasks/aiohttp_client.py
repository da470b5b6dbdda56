"""Upstream calls over aiohttp: one pool per tenant, so that no tenant's connection serves another."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from tenantry.dataplane.tasks.decompress import ACCEPTED, decompress
from tenantry.dataplane.tasks.http_client import (
    BadRequestError,
    BadResponseError,
    ConnectionFailedError,
    EgressDeniedError,
    HttpRequest,
    HttpResponse,
    ResponseTooLargeError,
)

if TYPE_CHECKING:
    from tenantry.tenants.egress import EgressPolicy

_DEFAULT_HEADERS: Final = {
    "User-Agent": "Tenantry",
    "Accept-Encoding": ACCEPTED,
    "Accept": "application/json",
}
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None)  # the engine bounds every attempt
_DNS_CACHE_SECONDS: Final = 30
_IDLE_SECONDS: Final = 30


class _DeniedError(OSError):
    """Travels through aiohttp's connector, which passes `OSError`s on."""


class GuardedResolver(AbstractResolver):
    """Resolves names and keeps only the addresses the tenant may reach.

    aiohttp connects to exactly what this returns, so there is no gap for a rebinding name server.
    """

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The permitted addresses of the host."""
        found = await self._resolver.resolve(host, port, family)
        permitted = [
            result for result in found if self._policy.permits(host, ipaddress.ip_address(result["host"]))
        ]
        if not permitted:
            raise _DeniedError(host)
        return permitted

    async def close(self) -> None:
        """Nothing is held."""


class AiohttpClient:
    """The `HttpClient` of the request path, one per tenant."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Sends and reads the whole response; see `HttpClient.send`."""
        url = self._checked_url(request.url)
        try:
            async with self._pool().request(
                request.method, url, headers=request.headers, data=request.body, allow_redirects=False
            ) as response:
                return await _read(response, request.max_response_bytes)
        except _DeniedError:
            raise self._denied(url) from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _DeniedError):
                raise self._denied(url) from None
            raise ConnectionFailedError(
                f"no connection to {url.host}: {_reason(error)}", sent=False
            ) from None
        except (aiohttp.InvalidURL, ValueError) as error:
            raise BadRequestError(f"the request cannot be sent: {error}", sent=False) from None
        except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, OSError) as error:
            raise ConnectionFailedError(
                f"the connection to {url.host} broke: {_reason(error)}", sent=True
            ) from None
        except aiohttp.ClientError as error:
            raise BadResponseError(
                f"{url.host} answered no valid HTTP: {_reason(error)}", sent=True
            ) from None

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()

    def _checked_url(self, text: str) -> URL:
        try:
            url = URL(text, encoded=True)
        except ValueError as error:
            raise BadRequestError(f"the URL is invalid: {error}", sent=False) from None
        if url.scheme not in ("http", "https") or not url.host:
            raise BadRequestError("the URL must begin with http:// or https:// and a host", sent=False)
        # aiohttp asks no resolver for a literal address.
        try:
            address = ipaddress.ip_address(url.host)
        except ValueError:
            return url
        if not self._policy.permits(url.host, address):
            raise self._denied(url)
        return url

    @staticmethod
    def _denied(url: URL) -> EgressDeniedError:
        return EgressDeniedError(
            f"the tenant may not reach {url.host}: add it to spec.egress.allow of its WorkflowTenant",
            sent=False,
        )

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                resolver=GuardedResolver(self._policy),
                ttl_dns_cache=_DNS_CACHE_SECONDS,
                keepalive_timeout=_IDLE_SECONDS,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=_NO_TIMEOUT,
                headers=_DEFAULT_HEADERS,
            )
        return self._session


async def _read(response: aiohttp.ClientResponse, limit: int) -> HttpResponse:
    length = response.content_length
    if length is not None and length > limit:
        response.close()
        raise ResponseTooLargeError(f"the response has {length} bytes, over the limit of {limit}", sent=True)
    chunks: list[bytes] = []
    received = 0
    while chunk := await response.content.readany():
        received += len(chunk)
        if received > limit:
            response.close()
            raise ResponseTooLargeError(f"the response has over {limit} bytes", sent=True)
        chunks.append(chunk)
    encoding = response.headers.get("Content-Encoding", "").lower().strip()
    body = decompress(chunks, encoding, limit) if encoding else b"".join(chunks)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HttpResponse(response.status, headers, body)


def _reason(error: BaseException) -> str:
    os_error = getattr(error, "os_error", None)
    return (getattr(os_error, "strerror", None) or str(error) or type(error).__name__)[:200]
