"""Waiting for changes of bundles: woken by the database, again after the connection was lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy import text

from tenantry.controlplane.store import notifications
from tenantry.controlplane.store.bundles import CHANNEL
from tenantry.controlplane.store.database import connect
from tenantry.controlplane.store.notifications import BundleChanges

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy.ext.asyncio import AsyncEngine

LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'"


@pytest.fixture
def url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(url)
    yield engine
    await engine.dispose()


@pytest.fixture(autouse=True)
def _reconnect_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "_RECONNECT_SECONDS", 0)


async def run(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def woken(changes: BundleChanges) -> None:
    await asyncio.wait_for(changes.next_change().wait(), 20)


async def test_a_notification_wakes_everybody_who_waits(url: str, engine: AsyncEngine) -> None:
    async with BundleChanges(url) as changes:
        await woken(changes)  # it listens
        waiting = [asyncio.create_task(woken(changes)) for _ in range(3)]
        await asyncio.sleep(0)
        await run(engine, f"NOTIFY {CHANNEL}, 'acme'")
        await asyncio.gather(*waiting)


async def test_it_listens_again_after_the_connection_was_lost(url: str, engine: AsyncEngine) -> None:
    async with BundleChanges(url) as changes:
        await woken(changes)
        back = changes.next_change()
        await run(engine, f"SELECT pg_terminate_backend(pid) {LISTENERS}")
        await asyncio.wait_for(back.wait(), 20)  # whatever changed meanwhile is looked up now
        waiting = asyncio.create_task(woken(changes))
        await asyncio.sleep(0)
        await run(engine, f"NOTIFY {CHANNEL}, 'acme'")
        await waiting


async def test_a_database_that_is_away_is_told_and_tried_again(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reach = asyncpg.connect
    answers = iter([ConnectionRefusedError("away"), None])

    async def unreliable(address: str) -> object:
        if failure := next(answers):
            raise failure
        return await reach(address)

    monkeypatch.setattr(asyncpg, "connect", unreliable)
    async with BundleChanges(url) as changes:
        await woken(changes)
    assert "trying again: away" in caplog.text


async def test_closing_wakes_for_good(url: str) -> None:
    changes = BundleChanges(url)
    before = changes.next_change()
    changes.close()
    assert before.is_set()
    assert changes.closed
    assert changes.next_change().is_set()
