"""A fresh, migrated database, tenants served from it, and cleanups by a clock moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from tenantry.dataplane.process import MIGRATIONS
from tenantry.dataplane.retention.cleanups import Cleanups
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.postgres.migration import migrate
from tests.support.cleaning import House
from tests.support.kept import Clock, Shelf
from tests.support.tenants import make_registry

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


@pytest.fixture
async def database(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(database: asyncpg.Connection, clock: Clock) -> Shelf:
    return Shelf(database, clock)


@pytest.fixture
async def house(pool: asyncpg.Pool[asyncpg.Record], clock: Clock) -> AsyncIterator[House]:
    registry = make_registry(PooledClient)
    house = House(pool, registry, clock, Cleanups(pool, registry, clock, all_known=lambda: True))
    await house.serve("acme")
    await house.serve("globex")
    yield house
    await house.cleanups.stop()
    await registry.close()
