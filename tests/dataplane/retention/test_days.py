"""Days as partitions: made ahead; dropped when all that everybody has in them is past, and not before."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tenantry.dataplane.journal.rows import day_of
from tenantry.dataplane.retention.days import create_ahead, drop_past, first_id_of
from tests.support.cleaning import somebody_waits
from tests.support.executions import NOON

if TYPE_CHECKING:
    from tests.support.cleaning import House
    from tests.support.kept import Clock, Shelf

TODAY = datetime.fromtimestamp(NOON, UTC).date()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


async def pass_grace(house: House, clock: Clock, *tenants: str) -> None:
    """Hides what has expired, and lets the grace pass."""
    for tenant in tenants:
        await house.clean(tenant)
    clock.move(days=1)


async def test_a_day_goes_whole_when_all_in_it_is_past(house: House, shelf: Shelf, clock: Clock) -> None:
    await shelf.put_many(3, days=31)
    await pass_grace(house, clock, "acme")
    assert await house.counted() == {
        "executionHistory": {"removed": 3},
        "droppedDays": {"executionHistory": [str(ago(31))], "taskTraces": [str(ago(31))]},
    }
    assert ago(31) not in await shelf.days("executions") | await shelf.days("journal")


async def test_the_traces_of_a_day_go_whole_before_its_executions(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    execution = await shelf.put(days=20)
    await pass_grace(house, clock, "acme")
    assert await house.counted() == {"droppedDays": {"taskTraces": [str(ago(20))]}}
    assert (await shelf.shown(), await shelf.journaled()) == ({execution}, set())
    assert ago(20) in await shelf.days("executions") - await shelf.days("journal")
    clock.move(days=10)
    await pass_grace(house, clock, "acme")
    await house.clean()
    assert ago(20) not in await shelf.days("executions")


async def test_tenants_share_days_and_the_one_that_keeps_longest_decides(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    await house.serve("globex", executionHistory="35d", taskTraces="35d")
    ours, theirs = await shelf.put(days=31), await shelf.put(days=31, tenant="globex")
    await pass_grace(house, clock, "acme", "globex")
    await house.clean()
    assert (await shelf.stored(), await shelf.traced("globex")) == (set(), {theirs})
    assert ago(31) in await shelf.days("executions") & await shelf.days("journal")
    clock.move(days=3)
    await pass_grace(house, clock, "acme", "globex")
    await house.clean("globex")
    assert await shelf.stored("globex") == set()
    assert ago(31) not in await shelf.days("executions") | await shelf.days("journal")
    assert ours not in await shelf.journaled()


async def test_whose_day_goes_in_anothers_cleanup_finds_it_in_its_own_log(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    await shelf.put(days=31)
    await shelf.put_many(2, days=31, tenant="globex")
    await pass_grace(house, clock, "acme", "globex")
    await house.clean("acme")
    row = await database.fetchrow(
        "SELECT counts::text FROM cleanup_log WHERE tenant = 'globex' AND actor = 'system/days'"
    )
    assert '"executionHistory": {"removed": 2' in row["counts"].replace('"restored": 0, "softDeleted": 0', "")


@pytest.mark.parametrize("status", ["running", "paused"])
async def test_a_day_with_what_has_not_ended_stays(
    house: House, shelf: Shelf, clock: Clock, status: str
) -> None:
    kept = await shelf.put(days=31, status=status)
    await shelf.put(days=31)
    await pass_grace(house, clock, "acme")
    await house.clean()
    assert await shelf.stored() == {kept}
    assert await shelf.journaled() == {kept}


async def test_a_day_stays_while_a_tenant_that_is_not_served_here_has_something_in_it(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    theirs = await shelf.put(days=31, tenant="globex")
    await pass_grace(house, clock, "acme", "globex")
    await house.registry.drop("globex")
    clock.move(days=100)
    await house.clean("acme")
    assert await shelf.stored("globex") == {theirs}


async def test_a_day_with_what_is_to_come_back_stays(house: House, shelf: Shelf, clock: Clock) -> None:
    theirs = await shelf.put(days=31, tenant="globex")
    await house.clean("globex")
    clock.move(days=0.9)
    await house.serve("globex", executionHistory="1y", taskTraces="1y")
    clock.move(days=1)
    await house.clean("acme")
    assert await shelf.journaled("globex") == {theirs}
    await house.clean("globex")
    assert await shelf.traced("globex") == {theirs}


async def test_young_days_stay_even_when_they_are_empty(house: House, shelf: Shelf) -> None:
    for days in range(4):
        await shelf.database.execute("SELECT ensure_day($1)", ago(days))
    await house.clean()
    left = await shelf.days()
    assert {ago(0), ago(1)} <= left
    assert not {ago(2), ago(3)} & left


async def test_a_day_that_comes_back_for_a_late_commit_goes_again(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    await shelf.put(days=31)
    await pass_grace(house, clock, "acme")
    await house.clean()
    late = await shelf.put(days=32)
    assert await shelf.traced() == {late}
    await pass_grace(house, clock, "acme")
    await house.clean()
    assert await shelf.stored() == set()
    assert ago(31) not in await shelf.days()


async def test_a_day_somebody_is_writing_into_is_left_and_what_is_past_in_it_goes_row_by_row(
    house: House, shelf: Shelf, clock: Clock, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenantry.dataplane.retention.days._DAY_LOCK_MILLISECONDS", 10)
    await shelf.put(days=31)
    await pass_grace(house, clock, "acme")
    other = await asyncpg.connect(url)
    async with other.transaction():
        late = await type(shelf)(other, clock).put(days=32)
        assert (await house.counted())["executionHistory"] == {"removed": 1}
    await other.close()
    assert await shelf.traced() == {late}


async def test_who_reads_all_days_is_not_interrupted_and_the_day_goes_another_time(
    house: House, shelf: Shelf, clock: Clock, url: str
) -> None:
    await shelf.put(days=31)
    await pass_grace(house, clock, "acme")
    reader = await asyncpg.connect(url)
    async with reader.transaction():
        await reader.fetch("SELECT * FROM executions")
        await house.clean()
        assert await reader.fetch("SELECT * FROM executions") == []
        assert ago(31) in await shelf.days()
    await reader.close()
    await house.clean()
    assert ago(31) not in await shelf.days()


async def test_a_day_another_replica_has_just_dropped_is_no_trouble(
    house: House, shelf: Shelf, clock: Clock, url: str
) -> None:
    await shelf.put(days=31)
    await pass_grace(house, clock, "acme")
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.execute(f"DROP TABLE executions_{ago(31):%Y%m%d}, journal_{ago(31):%Y%m%d}")
        dropping = asyncio.create_task(drop_past(shelf.database, lambda _: None, clock()))
        await somebody_waits(other)
    assert await dropping == []
    await other.close()


async def test_todays_tables_and_those_of_the_next_days_are_made_ahead(
    shelf: Shelf, database: asyncpg.Connection
) -> None:
    await create_ahead(database, NOON + 400 * 86_400)
    day = TODAY + timedelta(days=400)
    for table in ("executions", "journal"):
        assert {day, day + timedelta(days=1), day + timedelta(days=2)} <= await shelf.days(table)


async def test_days_are_made_by_all_replicas_at_once(url: str) -> None:
    async with asyncpg.create_pool(url, min_size=4, max_size=4) as pool:

        async def make() -> None:
            async with pool.acquire() as connection:
                await create_ahead(connection, NOON)

        await asyncio.gather(*(make() for _ in range(4)))
        assert await pool.fetchval("SELECT to_regclass($1) IS NOT NULL", f"executions_{TODAY:%Y%m%d}")


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2026, 3, 1), date(2099, 12, 31)])
async def test_a_days_ids_are_the_databases(day: date, database: asyncpg.Connection) -> None:
    assert first_id_of(day) == str(await database.fetchval("SELECT first_id_of($1)", day))
    assert day_of(first_id_of(day)) == day
