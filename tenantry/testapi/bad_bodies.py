"""Answers no client should trust: a page, cut-off JSON, far too much, and a compressed bomb."""

from __future__ import annotations

import asyncio
import zlib
from functools import cache
from typing import TYPE_CHECKING, Final

from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.testapi.faults import Fault

_CHUNK_BYTES: Final = 64 * 1024
_BOMB_BYTES: Final = 100 * 1000 * 1000
_PAGE: Final = "<!doctype html><html><body><h1>Welcome to the captive portal</h1></body></html>"


async def bad_answer(fault: Fault) -> Response | None:
    """The answer the fault asks for in place of the real one; `None` when it asks for none."""
    if fault.size is not None:
        headers = {"content-length": str(fault.size)}
        return StreamingResponse(_long_string(fault.size), media_type="application/json", headers=headers)
    if fault.gzip_bomb:
        bomb = await asyncio.to_thread(_bomb)
        return Response(bomb, media_type="application/json", headers={"content-encoding": "gzip"})
    match fault.body:
        case "html":
            return Response(_PAGE, media_type="text/html")
        case "malformed":
            return Response('{"id": 1, "name": "Ada', media_type="application/json")
        case "empty":
            return Response(b"", media_type="application/json")
    return None


def _long_string(size: int) -> Iterator[bytes]:
    """A JSON string of exactly `size` bytes, its quotes included."""
    yield b'"'
    chunk = b"x" * _CHUNK_BYTES
    left = size - 2
    while left > 0:
        yield chunk[:left]
        left -= _CHUNK_BYTES
    yield b'"'


@cache
def _bomb() -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(compressor.compress(chunk) for chunk in _long_string(_BOMB_BYTES)) + compressor.flush()
