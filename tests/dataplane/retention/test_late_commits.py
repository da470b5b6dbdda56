"""Commits that come into a day while it is dropped: the day stays, or is made anew. None is lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal import writer as writing
from tenantry.dataplane.journal.store import PostgresStore
from tenantry.dataplane.journal.writer import JournalWriter
from tests.support.cleaning import somebody_waits
from tests.support.executions import NOON, Execution
from tests.support.kept import DAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.cleaning import House
    from tests.support.kept import Clock, Shelf

PAST = NOON - 31 * DAY
PAST_DAY = datetime.fromtimestamp(PAST, UTC).date()


@pytest.fixture
async def journal(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JournalWriter]:
    monkeypatch.setattr(writing, "RECONNECT_SECONDS", 0.01)
    journal = JournalWriter(PostgresStore(url), source="tests")
    await journal.start()
    yield journal
    async with asyncio.timeout(30):
        await journal.stop()


@pytest.fixture
async def gate(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
async def _a_day_that_may_go(house: House, shelf: Shelf, clock: Clock) -> None:
    await shelf.put_many(10, days=31)
    await house.clean()
    clock.move(days=1)


async def committed(journal: JournalWriter, execution: Execution) -> int:
    """Waits until it is; how often that was refused, with a typed error, before."""
    refused = 0
    async with asyncio.timeout(30):
        while True:
            try:
                await journal.durable(execution.record)
            except JournalUnavailableError:
                refused += 1
                await asyncio.sleep(0)
            else:
                return refused


@pytest.mark.usefixtures("_a_day_that_may_go")
async def test_a_commit_that_is_under_way_when_the_day_is_locked_keeps_the_day(
    house: House, shelf: Shelf, clock: Clock, gate: asyncpg.Connection
) -> None:
    async with gate.transaction():
        late = await type(shelf)(gate, clock).put(days=32, status="running")
        cleaning = asyncio.create_task(house.clean())
        await somebody_waits(shelf.database)
    await cleaning
    assert await shelf.traced() == await shelf.journaled() == {late}


@pytest.mark.usefixtures("_a_day_that_may_go")
async def test_a_commit_that_comes_before_the_tables_are_locked_keeps_the_day(
    house: House, shelf: Shelf, journal: JournalWriter, gate: asyncpg.Connection
) -> None:
    late = Execution(journal, at=PAST)
    async with gate.transaction():
        await gate.fetch("SELECT FROM journal LIMIT 1")  # holds the drop up after it has locked the day
        cleaning = asyncio.create_task(house.clean())
        await somebody_waits(shelf.database)
        late.submit()
        await committed(journal, late)
    await cleaning
    assert await shelf.stored() == await shelf.journaled() == {late.id}


@pytest.mark.usefixtures("_a_day_that_may_go")
async def test_a_commit_that_comes_while_the_day_goes_has_it_made_anew(
    house: House,
    shelf: Shelf,
    journal: JournalWriter,
    gate: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tenantry.dataplane.retention.days._LOCK_MILLISECONDS", 30_000)
    monkeypatch.setattr("tenantry.dataplane.retention.days._CHECK_MILLISECONDS", 30_000)
    known = Execution(journal, at=PAST)  # so that the writer thinks the day is there
    await committed(journal, known.submit())
    await shelf.database.execute("DELETE FROM executions WHERE id = $1::uuid", known.id)
    late = Execution(journal, at=PAST + 1)
    async with gate.transaction():
        await gate.fetch(f"SELECT FROM executions_{PAST_DAY:%Y%m%d}")
        cleaning = asyncio.create_task(house.clean())
        await somebody_waits(shelf.database)
        late.submit()
        waiting = asyncio.create_task(committed(journal, late))
        await somebody_waits(shelf.database, many=2)
    await cleaning
    assert await waiting >= 1
    assert await shelf.stored() == {late.id}
    assert PAST_DAY in await shelf.days() & await shelf.days("journal")


async def test_whatever_is_acknowledged_while_cleanups_run_is_there(
    house: House, shelf: Shelf, clock: Clock, journal: JournalWriter
) -> None:
    for day in range(3):
        await shelf.put_many(300, days=31 + day)
    await house.clean()
    clock.move(days=1)
    acknowledged: set[str] = set()

    async def write(number: int) -> None:
        day = timedelta(days=number % 3).total_seconds()
        execution = Execution(journal, at=PAST - day + number).submit()
        await committed(journal, execution)
        acknowledged.add(execution.id)

    async def keep_cleaning() -> None:
        for _ in range(4):
            await house.clean()

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_cleaning())
        for number in range(60):
            group.create_task(write(number))
    assert len(acknowledged) == 60
    assert await shelf.traced() == await shelf.journaled() == acknowledged
