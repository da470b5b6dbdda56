"""The outbox of a fresh, migrated database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from tenantry.dataplane.process import MIGRATIONS
from tenantry.postgres.migration import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@pytest.fixture
async def url(make_database: Callable[[], str]) -> str:
    url = make_database()
    await migrate(url, MIGRATIONS)
    return url


@pytest.fixture
async def pool(url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    async with asyncpg.create_pool(url, min_size=1, max_size=3) as pool:
        yield pool
