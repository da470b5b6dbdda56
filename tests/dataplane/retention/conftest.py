"""Tenants served from a fresh database, and cleanups by a clock moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.retention.cleanups import Cleanups
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tests.support.cleaning import House
from tests.support.kept import Clock, Shelf
from tests.support.tenants import make_registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg


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
