"""Taking and settling: nobody holds what another holds, and what a dead sender held comes back."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from tenantry.dataplane.callbacks.outbox import HOLD, UNSERVED, Outbox
from tenantry.dataplane.callbacks.schedule import Again, Delivered, GivenUp
from tenantry.tenants.identity import TenantId
from tests.support.callbacks import callback_row, owe

if TYPE_CHECKING:
    import asyncpg

    from tenantry.dataplane.callbacks.outbox import TakenCallback
    from tests.support.database_clock import DatabaseClock

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
URL = "https://example.com/hook"


@pytest.fixture
def outbox(pool: asyncpg.Pool[asyncpg.Record], clock: DatabaseClock) -> Outbox:
    del clock  # only that it is there before a callback is
    return Outbox(pool)


async def take(outbox: Outbox, most: int = 100, per_tenant: int = 100, **sending: int) -> list[TakenCallback]:
    under_way = {ACME: 0, GLOBEX: 0, **{TenantId(name): number for name, number in sending.items()}}
    return await outbox.take(under_way, most_per_tenant=per_tenant, most=most)


async def take_one(outbox: Outbox) -> TakenCallback:
    (taken,) = await take(outbox)
    return taken


async def test_what_is_due_is_taken_with_everything_that_is_sent(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox, clock: DatabaseClock
) -> None:
    execution_id = await owe(pool, URL, run=3)
    taken = await take_one(outbox)
    assert (taken.tenant, taken.execution_id, taken.run, taken.url) == ("acme", execution_id, 3, URL)
    assert taken.message_id == f"{execution_id}_3"
    assert "execution.completed" in taken.body
    assert (taken.attempts, taken.taken_at) == (1, await clock.now())


async def test_what_is_taken_is_nobody_elses_until_its_hold_is_over(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox, clock: DatabaseClock
) -> None:
    await owe(pool, URL)
    first = await take_one(outbox)
    assert first.held_until == await clock.now() + HOLD
    await clock.move(HOLD.total_seconds() - 0.001)
    assert await take(outbox) == []
    await clock.move(0.001)
    second = await take_one(outbox)
    assert (second.message_id, second.attempts) == (first.message_id, 2)


async def test_a_row_another_is_just_taking_is_skipped_and_not_waited_for(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox
) -> None:
    execution_id = await owe(pool, URL)
    other_id = await owe(pool, URL)
    async with pool.acquire() as connection, connection.transaction():
        slow = Outbox(cast("Any", connection))
        (mine,) = await take(slow, most=1)
        async with asyncio.timeout(30):
            (theirs,) = await take(outbox)
    assert {mine.execution_id, theirs.execution_id} == {execution_id, other_id}
    assert await take(outbox) == []


async def test_many_who_take_at_once_share_what_is_due(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox
) -> None:
    owed = {await owe(pool, URL, tenant=tenant) for tenant in ("acme", "globex") for _ in range(40)}
    taken: list[str] = []
    while found := [
        one for some in await asyncio.gather(*(take(outbox, 7) for _ in range(8))) for one in some
    ]:
        taken += [one.execution_id for one in found]
    assert sorted(taken) == sorted(owed)


@pytest.mark.usefixtures("clock")
async def test_who_has_least_under_way_gets_the_next_place(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    async def shares(most: int, per_tenant: int = 100, **sending: int) -> Counter[str]:
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            taken = await take(Outbox(cast("Any", connection)), most, per_tenant, **sending)
            await transaction.rollback()
        return Counter(one.tenant for one in taken)

    for _ in range(20):
        await owe(pool, URL, tenant="acme")
    for _ in range(3):
        await owe(pool, URL, tenant="globex")
    assert await shares(4) == {"acme": 2, "globex": 2}
    assert await shares(4, acme=5) == {"acme": 1, "globex": 3}
    assert await shares(2, acme=5) == {"globex": 2}
    assert await shares(100, per_tenant=8) == {"acme": 8, "globex": 3}
    assert await shares(100, per_tenant=8, acme=6) == {"acme": 2, "globex": 3}
    assert await shares(100, per_tenant=8, acme=8, globex=9) == {}


async def test_the_oldest_of_a_tenant_goes_first(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox, clock: DatabaseClock
) -> None:
    owed = []
    for _ in range(3):
        owed.append(await owe(pool, URL))
        await clock.move(1)
    assert [(await take(outbox, 1))[0].execution_id for _ in range(3)] == owed


async def test_only_tenants_that_are_named_are_taken_from(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox
) -> None:
    await owe(pool, URL, tenant="initech")
    assert await take(outbox) == []
    assert await outbox.take({}, most_per_tenant=9, most=9) == []


async def test_tenants_wait_as_long_as_something_of_theirs_is_pending(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox
) -> None:
    assert await outbox.waiting() == []
    for tenant in ("globex", "acme", "globex", "initech"):
        await owe(pool, URL, tenant=tenant)
    await owe(pool, URL, tenant="hooli", status="delivered")
    assert await outbox.waiting() == ["acme", "globex", "initech"]
    for taken in await take(outbox):
        await outbox.settle(taken, 200, Delivered())
    assert await outbox.waiting() == ["initech"]


async def test_a_delivered_callback_keeps_when_and_what_was_answered_and_no_longer_its_body(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox, clock: DatabaseClock
) -> None:
    execution_id = await owe(pool, URL)
    taken = await take_one(outbox)
    await clock.move(2)
    await outbox.settle(taken, 202, Delivered())
    row = await callback_row(pool, execution_id)
    assert (row["status"], row["answered"], row["error"], row["body"]) == ("delivered", 202, None, "")
    assert (row["ended_at"], row["attempts"]) == (await clock.now(), 1)


async def test_a_callback_that_is_tried_again_is_due_when_it_is_said(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox, clock: DatabaseClock
) -> None:
    execution_id = await owe(pool, URL)
    await outbox.settle(await take_one(outbox), 500, Again(90.5, "answered 500"))
    row = await callback_row(pool, execution_id)
    assert (row["status"], row["answered"], row["error"]) == ("pending", 500, "answered 500")
    assert (row["next_at"], row["ended_at"]) == (await clock.now() + timedelta(seconds=90.5), None)
    assert row["body"]


async def test_a_callback_that_is_given_up_keeps_its_body_for_a_retry_by_hand(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox, clock: DatabaseClock
) -> None:
    execution_id = await owe(pool, URL)
    await outbox.settle(await take_one(outbox), None, GivenUp("no host"))
    row = await callback_row(pool, execution_id)
    assert (row["status"], row["answered"], row["error"]) == ("failed", None, "no host")
    assert row["ended_at"] == await clock.now()
    assert row["body"]
    assert await outbox.waiting() == []


async def test_a_sender_that_comes_back_after_its_hold_changes_nothing(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox, clock: DatabaseClock
) -> None:
    execution_id = await owe(pool, URL)
    late = await take_one(outbox)
    await clock.move(HOLD.total_seconds())
    present = await take_one(outbox)
    held = await callback_row(pool, execution_id)
    for outcome in (Delivered(), Again(5, "late"), GivenUp("late")):
        await outbox.settle(late, 500, outcome)
        assert await callback_row(pool, execution_id) == held
    await outbox.settle(present, 200, Delivered())
    delivered = await callback_row(pool, execution_id)
    await outbox.settle(present, 500, GivenUp("twice"))
    assert await callback_row(pool, execution_id) == delivered


async def test_what_has_long_been_due_of_a_tenant_that_is_gone_is_given_up(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox, clock: DatabaseClock
) -> None:
    gone, other = await owe(pool, URL), await owe(pool, URL, tenant="globex")
    await clock.move(UNSERVED.total_seconds() - 0.001)
    await outbox.give_up([ACME])
    assert (await callback_row(pool, gone))["status"] == "pending"
    await clock.move(0.001)
    await outbox.give_up([ACME])
    row = await callback_row(pool, gone)
    assert (row["status"], row["error"], row["ended_at"]) == (
        "failed",
        "the tenant is gone",
        await clock.now(),
    )
    assert (await callback_row(pool, other))["status"] == "pending"


async def test_finding_what_is_due_costs_the_same_however_much_was_delivered_or_waits_for_later(
    pool: asyncpg.Pool[asyncpg.Record], outbox: Outbox
) -> None:
    await pool.execute(
        "INSERT INTO callbacks (tenant, execution_id, run, url, body, status, next_at)"
        " SELECT 'acme', gen_random_uuid(), 1, 'u', '', status, now() + interval '1 hour'"
        " FROM generate_series(1, 10000), unnest(ARRAY['delivered', 'pending']) AS status"
    )
    await owe(pool, URL)
    await pool.execute("ANALYZE callbacks")
    before = await _blocks_read(pool)
    assert await outbox.waiting() == ["acme"]
    await take_one(outbox)
    assert await _blocks_read(pool) - before < 100


async def _blocks_read(pool: asyncpg.Pool[asyncpg.Record]) -> int:
    await pool.execute("SELECT pg_stat_force_next_flush()")
    return int(
        await pool.fetchval(
            "SELECT heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit"
            " FROM pg_statio_user_tables WHERE relname = 'callbacks'"
        )
    )
