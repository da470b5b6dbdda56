"""What serves nobody any more goes; what somebody may still need stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.retention.sweeping import sweep

if TYPE_CHECKING:
    import asyncpg

    from tests.support.kept import Clock, Shelf


@pytest.fixture
async def present(clock: Clock, database: asyncpg.Connection) -> None:
    """Makes the clock say what the database says: these go by the database's."""
    clock.now = float(await database.fetchval("SELECT extract(epoch FROM now())::float8"))


async def store_source(
    database: asyncpg.Connection, key: str, *, days: float, tenant: str = "acme", workflow: str = "order"
) -> None:
    await database.execute(
        "INSERT INTO plan_sources (tenant, key, source, used_at)"
        " VALUES ($1, $2, $3, now() - $4 * interval '1 day')",
        tenant,
        key,
        json.dumps({"workflow": workflow, "version": 1, "bundle": {}}),
        days,
    )


async def sources(database: asyncpg.Connection) -> set[str]:
    return {row["key"] for row in await database.fetch("SELECT key FROM plan_sources")}


async def test_idempotency_keys_go_when_they_expire(database: asyncpg.Connection) -> None:
    for key, hours in (("expired", -1), ("now", 0), ("valid", 1)):
        await database.execute(
            "INSERT INTO idempotency_keys"
            " VALUES ('acme', $1, '', gen_random_uuid(), now() + $2 * interval '1 hour')",
            key,
            hours,
        )
    await sweep(database)
    left = await database.fetch("SELECT key FROM idempotency_keys")
    assert [row["key"] for row in left] == ["valid"]


async def test_orders_that_nobody_carried_out_in_a_day_go(database: asyncpg.Connection) -> None:
    for kind, hours in (("cancel", 25), ("pause", 23)):
        await database.execute(
            "INSERT INTO commands (owner, tenant, execution_id, kind, actor, given_at)"
            " VALUES (gen_random_uuid(), 'acme', gen_random_uuid(), $1, '', now() - $2 * interval '1 hour')",
            kind,
            hours,
        )
    await sweep(database)
    left = await database.fetch("SELECT kind FROM commands")
    assert [row["kind"] for row in left] == ["pause"]


async def test_all_go_however_many_there_are(database: asyncpg.Connection) -> None:
    await database.execute(
        "INSERT INTO idempotency_keys SELECT 'acme', number::text, '', gen_random_uuid(), now()"
        " FROM generate_series(1, 2001) AS number"
    )
    await sweep(database)
    assert await database.fetchval("SELECT count(*) FROM idempotency_keys") == 0


@pytest.mark.usefixtures("present")
async def test_the_source_of_a_plan_stays_while_an_execution_that_goes_by_it_is_there(
    shelf: Shelf, database: asyncpg.Connection
) -> None:
    await shelf.put(days=20, plan="old")
    for number in range(3):
        await shelf.put(days=5 + number, plan="new")
    await store_source(database, "old", days=20)
    await store_source(database, "new", days=5)
    await sweep(database)
    assert await sources(database) == {"old", "new"}
    await database.execute("DELETE FROM executions WHERE plan = 'old'")
    await sweep(database)
    assert await sources(database) == {"new"}


@pytest.mark.usefixtures("present")
async def test_a_source_that_was_used_within_the_last_day_stays(database: asyncpg.Connection) -> None:
    await store_source(database, "recent", days=0.99)
    await store_source(database, "stale", days=1.01)
    await sweep(database)
    assert await sources(database) == {"recent"}


@pytest.mark.usefixtures("present")
async def test_an_execution_that_began_before_its_plan_was_last_said_to_be_used_keeps_it(
    shelf: Shelf, database: asyncpg.Connection
) -> None:
    await shelf.put(days=30, plan="paused-long-ago", status="paused")
    await shelf.put(days=3.96, plan="an-hour-later", status="paused")
    await store_source(database, "paused-long-ago", days=4)
    await store_source(database, "an-hour-later", days=4)
    await sweep(database)
    assert await sources(database) == {"paused-long-ago", "an-hour-later"}


@pytest.mark.usefixtures("present")
async def test_another_tenants_or_workflows_executions_keep_no_source(
    shelf: Shelf, database: asyncpg.Connection
) -> None:
    await shelf.put(days=5, plan="plan", tenant="globex")
    await shelf.put(days=5, plan="plan", workflow="other")
    await store_source(database, "plan", days=4)
    await sweep(database)
    assert await sources(database) == set()
