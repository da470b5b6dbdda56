from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.limits.redis import RedisLimitStore
from tenantry.dataplane.redis.link import open_link
from tests.support.limit_model import LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.limits.port import LimitStore


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[LimitStore]:
    """An empty store of every kind."""
    if request.param == "memory":
        yield MemoryLimitStore(lease_seconds=LEASE_SECONDS)
        return
    server = request.getfixturevalue("redis_server")
    async with open_link(server.url) as link:
        yield RedisLimitStore(link, lease_seconds=LEASE_SECONDS)
