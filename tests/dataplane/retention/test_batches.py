"""Nobody waits for a cleanup: it goes in short transactions, and around what others hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.retention.steps import BATCH, HISTORY, MAX_TRACE_BYTES, OTHERS, TRACES

if TYPE_CHECKING:
    import asyncpg

    from tenantry.dataplane.retention.steps import Step
    from tests.support.cleaning import House
    from tests.support.kept import Clock, Shelf


async def test_what_is_hidden_is_hidden_a_thousand_at_a_time(
    house: House, shelf: Shelf, database: asyncpg.Connection
) -> None:
    await shelf.put_many(2500, days=31)
    assert (await house.counted())["executionHistory"] == {"softDeleted": 2500}
    rows = await database.fetch("SELECT count(*) AS count FROM executions GROUP BY xmin::text")
    assert sorted(row["count"] for row in rows) == [500, 1000, 1000]


async def test_what_is_removed_is_removed_a_thousand_at_a_time(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    await shelf.put_many(2500, days=31)
    await shelf.put(days=31.1, tenant="globex", status="running")  # keeps the day from going whole
    await house.clean()
    clock.move(days=1)
    await database.execute(
        """
        CREATE TABLE removed (id uuid, by xid8);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO removed VALUES (OLD.id, pg_current_xact_id()); RETURN NULL; END $$;
        CREATE TRIGGER note AFTER DELETE ON executions FOR EACH ROW EXECUTE FUNCTION note();
        """
    )
    assert (await house.counted())["executionHistory"] == {"removed": 2500}
    rows = await database.fetch("SELECT count(*) AS count FROM removed GROUP BY by")
    assert sorted(row["count"] for row in rows) == [500, 1000, 1000]
    assert await shelf.stored() == set()


async def test_traces_of_megabytes_are_removed_a_few_at_a_time(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    sizes = (MAX_TRACE_BYTES - 1, 2, MAX_TRACE_BYTES * 3, 5)
    for number, size in enumerate(sizes):
        await shelf.put(days=20 - number / 1000, trace_bytes=size)
    await shelf.put(days=20, tenant="globex", status="running")  # keeps the day from going whole
    await house.clean()
    clock.move(days=1)
    await database.execute(
        """
        CREATE TABLE removed (id uuid, by xid8);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO removed VALUES (OLD.execution_id, pg_current_xact_id()); RETURN NULL; END $$;
        CREATE TRIGGER note AFTER DELETE ON journal FOR EACH ROW EXECUTE FUNCTION note();
        """
    )
    assert await house.counted() == {"taskTraces": {"removed": 4}}
    rows = await database.fetch(
        "SELECT count(DISTINCT id) AS count FROM removed GROUP BY by ORDER BY min(id::text)"
    )
    assert [row["count"] for row in rows] == [2, 1, 1]


async def test_what_somebody_is_just_changing_is_left_for_the_next_time(
    house: House, shelf: Shelf, database: asyncpg.Connection
) -> None:
    held, free = await shelf.put(days=31, status="failed"), await shelf.put(days=31)
    async with database.transaction():
        await database.execute("SELECT FROM executions WHERE id = $1::uuid FOR UPDATE", held)
        async with asyncio.timeout(30):
            assert (await house.counted())["executionHistory"] == {"softDeleted": 1}
    assert await shelf.shown() == {held}
    await house.clean()
    assert (await shelf.shown(), await shelf.stored()) == (set(), {held, free})


ALL = [*HISTORY, *TRACES, *(step for steps in OTHERS.values() for step in steps)]


@pytest.mark.parametrize("step", ALL, ids=lambda step: f"{step.kept}-{step.effect}")
def test_no_step_takes_more_than_a_batch_or_waits_for_a_row(step: Step) -> None:
    assert f"LIMIT {BATCH}" in step.change
    assert "SKIP LOCKED" in step.change
