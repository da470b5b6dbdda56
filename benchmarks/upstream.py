"""The service every target calls: fixed small JSON answers, as fast as Python can give them.

Its own process, so that it is never what is measured: `python -m benchmarks.upstream PORT`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final, cast

import httptools
import uvloop

_BODIES: Final = {
    b"users": {"id": 7, "name": "Ada Lindqvist", "email": "ada@customers.example", "tier": "pro"},
    b"orders": {"latest": 5001, "total": 3, "open": True},
    b"prices": {"order": 5001, "currency": "EUR", "netCents": 10710},
    b"stock": {"order": 5001, "available": 42, "warehouse": "Rotterdam"},
    b"reviews": {"order": 5001, "count": 28, "averageStars": 4.5},
}


def _answer(body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


_ANSWERS: Final = {name: _answer(body) for name, body in _BODIES.items()}
_UNKNOWN: Final = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


class _Connection(asyncio.Protocol):
    """One keep-alive connection; the answer depends on the first segment of the path only."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)
        self._answer = _UNKNOWN

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._answer = _ANSWERS.get(url[1:].partition(b"?")[0].partition(b"/")[0], _UNKNOWN)

    def on_message_complete(self) -> None:
        self._transport.write(self._answer)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
