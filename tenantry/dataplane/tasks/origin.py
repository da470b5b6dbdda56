"""An origin (scheme, host, port) of a tenant's upstreams: resolves, judges the address, connects to it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohappyeyeballs import start_connection

from tenantry.dataplane.tasks.connection import Connection
from tenantry.dataplane.tasks.http_client import (
    BadRequestError,
    ConnectionFailedError,
    EgressDeniedError,
)

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohappyeyeballs.types import AddrInfoType

    from tenantry.tenants.egress import EgressPolicy

DNS_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 30.0
MAX_IDLE: Final = 512
_FALLBACK_DELAY_SECONDS: Final = 0.25
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL says of an origin. `authority` is the `Host` header."""

    scheme: str
    host: str
    port: int
    authority: str


def parse_origin(text: str) -> Address:
    """Reads the part of a URL before its path.

    Raises:
        BadRequestError: not http or https, no host, a bad port, or credentials in it.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        raise BadRequestError("the URL's host or port is invalid", sent=False) from None
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise BadRequestError(
            "the URL must begin with http:// or https:// and a host, without credentials", sent=False
        )
    default = _DEFAULT_PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port in (None, default) else f"{shown}:{port}"
    return Address(parts.scheme, host, default if port is None else port, authority)


class Origin:
    """Connections to one origin: kept open while used, closed after `IDLE_SECONDS` without use."""

    def __init__(self, address: Address, policy: EgressPolicy, tls: SSLContext | None) -> None:
        self.address = address
        self._policy = policy
        self._tls = tls if address.scheme == "https" else None
        self._idle: deque[Connection] = deque()
        self._resolved: tuple[float, list[AddrInfoType]] | None = None
        self._reaper: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self) -> Connection | None:
        """The connection used last, if an open one is idle."""
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
        return None

    def give_back(self, connection: Connection) -> None:
        """Keeps a connection for the next request."""
        if not connection.reusable or self._closed or len(self._idle) >= MAX_IDLE:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._reaper is None:
            self._reaper = loop.call_later(IDLE_SECONDS, self._reap)

    async def connect(self) -> Connection:
        """Opens a connection to an address the tenant may reach.

        Raises:
            EgressDeniedError: it may reach none of the host's addresses.
            ConnectionFailedError: no name, or nobody answers.
        """
        infos = await self._resolve()
        loop = asyncio.get_running_loop()
        try:
            sock = await start_connection(infos, happy_eyeballs_delay=_FALLBACK_DELAY_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, connection = await loop.create_connection(
                lambda: Connection(self._forget),
                sock=sock,
                ssl=self._tls,
                server_hostname=self.address.host if self._tls else None,
            )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConnectionFailedError(
                f"no connection to {self.address.host}: {reason}", sent=False
            ) from None
        return connection

    def close(self) -> None:
        """Closes idle connections; those in use close when they are given back."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        while self._idle:
            self._idle.pop().abort()

    def _forget(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)

    def _reap(self) -> None:
        self._reaper = None
        loop = asyncio.get_running_loop()
        while self._idle and loop.time() - self._idle[0].idle_since >= IDLE_SECONDS:
            self._idle.popleft().abort()
        if self._idle:
            due = self._idle[0].idle_since + IDLE_SECONDS
            self._reaper = loop.call_at(due, self._reap)

    async def _resolve(self) -> list[AddrInfoType]:
        loop = asyncio.get_running_loop()
        if self._resolved is not None and self._resolved[0] > loop.time():
            return self._resolved[1]
        host = self.address.host
        try:
            found = await loop.getaddrinfo(host, self.address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "not a host name"
            raise ConnectionFailedError(f"{host} has no address: {reason}", sent=False) from None
        # Judged here and connected to as judged: a name server that changes its answer gains nothing.
        permitted: list[AddrInfoType] = [
            info for info in found if self._policy.permits(host, ipaddress.ip_address(str(info[4][0])))
        ]
        if not permitted:
            raise EgressDeniedError(
                f"the tenant may not reach {host}: add it to spec.egress.allow of its WorkflowTenant",
                sent=False,
            )
        self._resolved = (loop.time() + DNS_SECONDS, permitted)
        return permitted
