"""Dead letters on a fresh database whose clock is moved by hand; somebody who seems to retry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tenantry.dataplane.dead_letters.acting import LetterActs
from tenantry.dataplane.dead_letters.decision import Wish
from tenantry.dataplane.dead_letters.store import LetterStore
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.tenants.identity import TenantId
from tests.support.database_clock import SESSION, DatabaseClock
from tests.support.dataplane import served_bundle
from tests.support.dead_letters import FakeRetries, write_letter
from tests.support.executions import NOON
from tests.support.tenants import make_registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.dead_letters.letters import DeadLetter


@pytest.fixture
async def pool(url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    async with asyncpg.create_pool(url, min_size=1, max_size=4, server_settings=SESSION) as pool:
        yield pool


@pytest.fixture
async def clock(pool: asyncpg.Pool[asyncpg.Record]) -> DatabaseClock:
    clock = DatabaseClock(pool)
    await clock.set_up()
    return clock


@dataclass
class Desk:
    """Somebody who acts on letters. `now` is what our own clock says."""

    pool: asyncpg.Pool[asyncpg.Record]
    clock: DatabaseClock
    tenants: dict[str, ServedTenant]
    retries: FakeRetries
    now: float = NOON
    store: LetterStore = field(init=False)
    acts: LetterActs = field(init=False)

    def __post_init__(self) -> None:
        self.store = LetterStore(self.pool)
        self.acts = LetterActs(self.store, self.retries, lambda: self.now)

    async def write(self, **told: Any) -> str:
        """A letter; gives its id."""
        return await write_letter(self.pool, **told)

    async def retry(self, letter_id: str, tenant: str = "acme", **wish: Any) -> DeadLetter:
        """Retries it for `key`."""
        return await self.acts.retry(self.tenants[tenant], letter_id, Wish(**{"actor": "key", **wish}))

    async def find(self, letter_id: str, tenant: str = "acme") -> DeadLetter:
        """A letter that is there."""
        letter = await self.store.find(TenantId(tenant), letter_id)
        assert letter is not None
        return letter


@pytest.fixture
async def desk(pool: asyncpg.Pool[asyncpg.Record], clock: DatabaseClock) -> AsyncIterator[Desk]:
    registry = make_registry(PooledClient)
    for tenant in ("acme", "globex"):
        await registry.install(served_bundle(tenant))
    tenants = {name: registry.tenant(TenantId(name)) for name in ("acme", "globex")}
    yield Desk(pool, clock, {name: one for name, one in tenants.items() if one}, FakeRetries(pool))
    await registry.close()
