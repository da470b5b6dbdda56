"""The load generator counts every answer and refuses to measure what it cannot read."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from benchmarks.load import Load, LoadError, run_load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def serving(*pieces: bytes) -> AsyncIterator[str]:
    """A server that answers every request with these pieces, one write each; no pieces: it hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096) and pieces:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/chain"


@pytest.mark.parametrize("pieces", [(OK,), (OK[:30], OK[30:-1], OK[-1:])])
async def test_each_connection_asks_until_the_time_is_over(pieces: tuple[bytes, ...]) -> None:
    async with serving(*pieces) as url:
        measured = await run_load(Load(url=url, body="{}", connections=3, seconds=0.05))
    assert measured.requests >= 3
    assert (measured.failures, measured.p50_ms <= measured.p99_ms) == (0, True)


async def test_answers_other_than_200_are_failures() -> None:
    async with serving(OK.replace(b"200", b"503")) as url:
        measured = await run_load(Load(url=url, body="{}", connections=1, seconds=0))
    assert (measured.requests, measured.failures) == (1, 1)


@pytest.mark.parametrize("pieces", [(), (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",)])
async def test_a_target_that_hangs_up_or_cannot_be_read_is_not_measured(pieces: tuple[bytes, ...]) -> None:
    async with serving(*pieces) as url:
        with pytest.raises(LoadError):
            await run_load(Load(url=url, body="{}", connections=1, seconds=0.05))
