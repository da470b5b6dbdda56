"""A fresh database as a data plane leaves it when it has started, and ways to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from tenantry.dataplane.process import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
def url(make_migrated_database: Callable[[Path], str]) -> str:
    return make_migrated_database(MIGRATIONS)


@pytest.fixture
async def pool(url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    async with asyncpg.create_pool(url, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
async def database(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to look and to interfere."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()
