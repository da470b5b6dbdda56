"""The bare handlers on aiohttp's client: `python -m benchmarks.bare.on_aiohttp PORT UPSTREAM_URL`."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from benchmarks.bare.handlers import Get, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def open_client() -> AsyncIterator[Get]:
    """One session and its pool for all requests, as aiohttp's documentation asks for."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(sys.argv[2], connector=connector) as session:

        async def get(path: str) -> Any:
            async with session.get(path) as response:
                response.raise_for_status()
                return orjson.loads(await response.read())

        yield get


if __name__ == "__main__":
    serve(int(sys.argv[1]), open_client)
