"""The bare handlers on httpx's client: `python -m benchmarks.bare.on_httpx PORT UPSTREAM_URL`."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from benchmarks.bare.handlers import Get, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def open_client() -> AsyncIterator[Get]:
    """One client and its pool for all requests, unlimited so that the pool is not what is measured."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=sys.argv[2], limits=limits) as client:

        async def get(path: str) -> Any:
            response = await client.get(path)
            response.raise_for_status()
            return orjson.loads(response.content)

        yield get


if __name__ == "__main__":
    serve(int(sys.argv[1]), open_client)
