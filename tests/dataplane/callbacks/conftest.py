"""Callbacks on a fresh database whose clock is moved by hand; tenants that may call us."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tenantry.dataplane.callbacks.outbox import Outbox
from tenantry.dataplane.callbacks.sender import CallbackSender
from tenantry.dataplane.callbacks.signing import CallbackSecrets
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tests.support.callbacks import Receiver, callback_row, owe, receiving
from tests.support.database_clock import SESSION, DatabaseClock
from tests.support.dataplane import served_bundle
from tests.support.tenants import make_registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.bundles.registry import Registry


@pytest.fixture
async def pool(url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    async with asyncpg.create_pool(url, min_size=1, max_size=4, server_settings=SESSION) as pool:
        yield pool


@pytest.fixture
async def clock(pool: asyncpg.Pool[asyncpg.Record]) -> DatabaseClock:
    clock = DatabaseClock(pool)
    await clock.set_up()
    return clock


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    registry = make_registry(PooledClient)
    for tenant in ("acme", "globex"):
        await registry.install(served_bundle(tenant))
    yield registry
    await registry.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@dataclass
class Post:
    """Senders over one database. `known` says whether every tenant that exists is served."""

    pool: asyncpg.Pool[asyncpg.Record]
    clock: DatabaseClock
    registry: Registry
    receiver: Receiver
    masters: tuple[bytes, ...] = (b"m" * 32,)
    known: bool = True
    luck: float = 0.0
    sender: CallbackSender = field(init=False)

    def __post_init__(self) -> None:
        self.sender = self.another_sender()

    def another_sender(self) -> CallbackSender:
        """As another process would have it."""
        return CallbackSender(
            Outbox(self.pool),
            self.registry,
            CallbackSecrets(self.masters),
            all_known=lambda: self.known,
            luck=lambda: self.luck,
        )

    async def owe(self, **told: Any) -> str:
        """A callback that is due at the receiver."""
        return await owe(self.pool, told.pop("url", self.receiver.url), **told)

    async def send_due(self) -> int:
        """Sends what is due and there is room for, and waits for the answers; how many that were."""
        async with asyncio.timeout(30):
            tries = await self.sender.begin_due()
            await asyncio.gather(*tries)
        return len(tries)

    async def row(self, execution_id: str, run: int = 1) -> dict[str, Any]:
        """What the database says of a callback."""
        return await callback_row(self.pool, execution_id, run)

    async def wait_seconds(self, execution_id: str) -> float:
        """How far its next try is away."""
        wait = (await self.row(execution_id))["next_at"] - await self.clock.now()
        return float(wait.total_seconds())


@pytest.fixture
def post(
    pool: asyncpg.Pool[asyncpg.Record], clock: DatabaseClock, registry: Registry, receiver: Receiver
) -> Post:
    return Post(pool, clock, registry, receiver)
