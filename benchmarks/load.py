"""The load generator: N keep-alive connections, each sending its next request when the last is answered.

Its own process: `python -m benchmarks.load '<json of Load>'` prints the JSON of a `Measurement`. Raw sockets
over uvloop, because a generator that costs as much as its target measures itself.
"""

from __future__ import annotations

import asyncio
import re
import sys
from time import perf_counter
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec
import uvloop

_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to send where, how often at a time and how long. Every answer but 200 is a failure."""

    url: str
    body: str
    headers: dict[str, str] = {}
    connections: int = 32
    seconds: float = 3.0


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. Latencies in milliseconds."""

    requests: int
    failures: int
    per_second: float
    p50_ms: float
    p99_ms: float


class LoadError(Exception):
    """The target closed a connection or sent what this client does not read (no Content-Length)."""


class _Caller(asyncio.Protocol):
    """One connection of the closed loop."""

    def __init__(self, request: bytes, deadline: float) -> None:
        self.latencies: list[float] = []
        self.failures = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request, self._deadline = request, deadline
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError("the target closed a connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _CONTENT_LENGTH.search(self._buffer, 0, head_end)
        if length is None:
            self.done.set_exception(LoadError(f"no Content-Length in {self._buffer[:200]!r}"))
            self._transport.abort()
        elif len(self._buffer) >= head_end + 4 + int(length[1]):
            self._answered()

    def _answered(self) -> None:
        now = perf_counter()
        self.latencies.append(now - self._sent)
        self.failures += not self._buffer.startswith(b"HTTP/1.1 200")
        self._buffer = b""
        if now < self._deadline:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        self._sent = perf_counter()
        self._transport.write(self._request)


def _request_bytes(load: Load) -> bytes:
    url = urlsplit(load.url)
    body = load.body.encode()
    headers = {
        "Host": url.netloc,
        "Content-Type": "application/json",
        "Content-Length": len(body),
        **load.headers,
    }
    lines = [f"POST {url.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run_load(load: Load) -> Measurement:
    """Sends the load.

    Raises:
        LoadError: the measurement would be wrong.
        OSError: the target cannot be reached.
    """
    url = urlsplit(load.url)
    host, port = url.hostname or "127.0.0.1", url.port or 80
    request = _request_bytes(load)
    start = perf_counter()
    callers = []
    for _ in range(load.connections):
        _, caller = await asyncio.get_running_loop().create_connection(
            lambda: _Caller(request, start + load.seconds), host, port
        )
        callers.append(caller)
    await asyncio.gather(*(caller.done for caller in callers))
    elapsed = perf_counter() - start
    latencies = sorted(latency for caller in callers for latency in caller.latencies)
    return Measurement(
        requests=len(latencies),
        failures=sum(caller.failures for caller in callers),
        per_second=len(latencies) / elapsed,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
    )


if __name__ == "__main__":
    measurement = uvloop.run(run_load(msgspec.json.decode(sys.argv[1], type=Load)))
    sys.stdout.buffer.write(msgspec.json.encode(measurement))
