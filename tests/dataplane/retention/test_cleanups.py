"""When cleanups run, and by whom: once per tick, whichever replica; by hand; what goes wrong is logged."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.retention.cleanups import CleanupRunningError, Cleanups
from tenantry.tenants.retention import RETRY_SECONDS
from tests.support.cleaning import somebody_waits

if TYPE_CHECKING:
    import asyncpg

    from tests.support.cleaning import House
    from tests.support.kept import Clock, Shelf


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def logged(database: asyncpg.Connection, tenant: str = "acme") -> list[tuple[str, str | None]]:
    rows = await database.fetch(
        "SELECT actor, error FROM cleanup_log WHERE tenant = $1 ORDER BY started_at, id", tenant
    )
    return [(row["actor"], row["error"]) for row in rows]


DONE = ("system/schedule", None)


async def test_every_tenant_is_cleaned_up_when_its_own_schedule_ticks(
    house: House, clock: Clock, database: asyncpg.Connection
) -> None:
    await house.serve("globex", cleanupSchedule="30 4 * * *")
    clock.now = at("2026-03-01T03:00")
    assert await house.cleanups.run_due() == 2  # neither ever was
    assert await house.cleanups.run_due() == 0
    clock.now = at("2026-03-02T01:59:59")
    assert await house.cleanups.run_due() == 1
    clock.now = at("2026-03-02T02:00:00")
    assert await house.cleanups.run_due() == 1
    assert await house.cleanups.run_due() == 0
    assert await logged(database, "acme") == [DONE, DONE]
    assert await logged(database, "globex") == [DONE, DONE]


async def test_missed_ticks_are_made_up_for_once(
    house: House, clock: Clock, database: asyncpg.Connection
) -> None:
    await house.cleanups.run_due()
    clock.move(days=20)
    assert await house.cleanups.run_due() == 2
    assert await house.cleanups.run_due() == 0
    assert await logged(database) == [DONE, DONE]


async def test_a_cleanup_by_hand_does_not_stand_for_one_of_the_schedule(
    house: House, clock: Clock, database: asyncpg.Connection
) -> None:
    await house.cleanups.run_due()
    clock.now = at("2026-03-02T02:00:01")
    await house.clean()
    clock.move(seconds=1)
    assert await house.cleanups.run_due() == 2
    assert await logged(database) == [DONE, ("key", None), DONE]


async def test_replicas_that_look_at_the_same_time_clean_up_once(
    house: House, shelf: Shelf, database: asyncpg.Connection
) -> None:
    await shelf.put_many(1500, days=31)
    replicas = [Cleanups(house.pool, house.registry, house.clock, all_known=lambda: True) for _ in range(3)]
    counts = await asyncio.gather(*(replica.run_due() for replica in replicas))
    assert sum(counts) == 2
    assert await logged(database) == [DONE]
    assert await logged(database, "globex") == [DONE]


async def test_what_another_replica_did_between_two_looks_is_not_done_again(
    house: House, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Cleanups(house.pool, house.registry, house.clock, all_known=lambda: True)
    lock = __import__("tenantry.dataplane.retention.cleanups", fromlist=["_lock"])._lock

    async def late(connection: asyncpg.Connection, tenant: str) -> bool:
        monkeypatch.undo()
        await other.run_due()
        return bool(await lock(connection, tenant))

    monkeypatch.setattr("tenantry.dataplane.retention.cleanups._lock", late)
    assert await house.cleanups.run_due() == 0
    assert await logged(database) == [DONE]


async def test_two_who_ask_at_the_same_time_are_not_both_served(
    house: House, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    async with pool.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('tenantry cleanup acme', 0))")
        with pytest.raises(CleanupRunningError):
            await house.clean()
        await house.clean(dry_run=True)  # it changes nothing: it need not wait for its turn
        await house.clean("globex")
    await house.clean()


async def test_what_goes_wrong_with_one_tenant_is_logged_and_the_others_are_cleaned_up(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    await shelf.put(days=31)
    await shelf.put(days=31, tenant="globex")
    await database.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'the secret of acme'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON executions FOR EACH ROW
            WHEN (OLD.tenant = 'acme') EXECUTE FUNCTION refuse();
        """
    )
    assert await house.cleanups.run_due() == 2
    assert await logged(database) == [("system/schedule", "RaiseError")]
    assert await logged(database, "globex") == [DONE]
    assert (len(await shelf.shown()), await shelf.shown("globex")) == (1, set())
    await database.execute("DROP FUNCTION refuse CASCADE")
    clock.move(seconds=RETRY_SECONDS - 1)
    assert await house.cleanups.run_due() == 0
    clock.move(seconds=1)
    assert await house.cleanups.run_due() == 1
    assert await shelf.shown() == set()


async def test_a_cleanup_that_failed_removes_nothing(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    execution = await shelf.put(days=31)
    await house.clean()
    clock.move(days=1)
    await shelf.put(days=31)
    await database.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'no'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON executions FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    entry = await house.clean()
    assert entry.error == "RaiseError"
    assert execution in await shelf.stored()


async def test_without_a_database_nothing_is_cleaned_up_and_it_is_said(
    house: House, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    await pool.close()
    for work in (house.cleanups.run_due(), house.cleanups.tidy(), house.clean(), house.clean(dry_run=True)):
        with pytest.raises(JournalUnavailableError, match="not reachable"):
            await work


async def test_a_cleanup_ends_with_the_process_and_the_next_goes_on(
    house: House, shelf: Shelf, database: asyncpg.Connection
) -> None:
    await shelf.put_many(5, days=31)
    served = house.registry.tenant("acme")
    assert served is not None
    async with database.transaction():
        await database.execute("LOCK TABLE executions IN ACCESS EXCLUSIVE MODE")
        task = house.cleanups.begin(served, "key", dry_run=False)
        await somebody_waits(database)
        await house.cleanups.stop()
    assert task.cancelled()
    assert (await house.counted())["executionHistory"] == {"softDeleted": 5}


async def test_a_tenant_that_is_not_served_any_more_is_left_alone(
    house: House, shelf: Shelf, database: asyncpg.Connection
) -> None:
    execution = await shelf.put(days=4000)
    await house.registry.drop("acme")
    assert await house.cleanups.run_due() == 1
    assert await logged(database) == []
    assert await shelf.shown() == {execution}


async def test_nothing_is_cleaned_up_by_what_may_be_policies_of_yesterday(house: House) -> None:
    known = False
    cleanups = Cleanups(house.pool, house.registry, house.clock, all_known=lambda: known)
    assert await cleanups.run_due() == 0
    known = True
    assert await cleanups.run_due() == 2


async def test_no_tenant_no_cleanup(house: House) -> None:
    for tenant in ("acme", "globex"):
        await house.registry.drop(tenant)
    assert await house.cleanups.run_due() == 0


async def test_tidying_makes_days_and_sweeps(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    await database.execute(
        "INSERT INTO idempotency_keys VALUES ('acme', 'key', '', gen_random_uuid(), now() - interval '1 s')"
    )
    clock.now = at("2031-05-05T23:00")
    await house.cleanups.tidy()
    assert await database.fetchval("SELECT count(*) FROM idempotency_keys") == 0
    assert {at("2031-05-07T00:00")} <= {
        datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() for day in await shelf.days("journal")
    }
