"""The journal's writer on a real PostgreSQL: order, shared commits, usage."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from tenantry.dataplane.journal import writer as writing
from tenantry.dataplane.journal.store import PostgresStore
from tenantry.dataplane.journal.writer import JournalWriter
from tenantry.protocol.usage import decode_batch
from tests.support.executions import NOON, Execution
from tests.support.journal import ALL_EVENTS, commits_held, events_of, wait_until_commit_is_held


async def test_events_of_several_commits_are_in_order_and_without_gaps(
    journal: JournalWriter, database: asyncpg.Connection
) -> None:
    execution = Execution(journal).submit()
    await journal.durable(execution.record)
    assert await events_of(database, execution) == ALL_EVENTS[:4]
    await journal.durable(execution.complete("a").record)
    await journal.durable(execution.complete("b").record)
    assert await events_of(database, execution) == ALL_EVENTS
    assert await database.fetchval("SELECT count(*) FROM journal") == 3


async def test_the_view_shows_when_each_event_happened_and_what_it_says(
    journal: JournalWriter, database: asyncpg.Connection
) -> None:
    await journal.durable(Execution(journal).finish().record)
    row = await database.fetchrow("SELECT at, data FROM events WHERE sequence = 7")
    assert row["at"].timestamp() == NOON + 2
    assert json.loads(row["data"])["output"] == {"total": 2}


async def test_the_summary_follows_the_events(journal: JournalWriter, database: asyncpg.Connection) -> None:
    execution = Execution(journal, labels=(("team", "shop"),)).submit()
    await journal.durable(execution.record)
    row = await database.fetchrow("SELECT * FROM executions")
    assert (row["status"], row["ended_at"], row["labels"]) == ("running", None, '{"team": "shop"}')
    await journal.durable(execution.complete("a").complete("b").record)
    row = await database.fetchrow("SELECT * FROM executions")
    assert (row["status"], row["ended_at"].timestamp()) == ("completed", NOON + 2)
    assert (row["task_attempts"], row["task_seconds"], row["egress_bytes"]) == (2, 2.0, 10)
    assert row["journal_bytes"] == await database.fetchval(
        "SELECT sum(octet_length(events::text)) FROM journal"
    )


@pytest.mark.parametrize(
    ("end", "status", "failure_code"),
    [("finish", "completed", ""), ("cancel", "cancelled", ""), ("pass_deadline", "failed", "deadline")],
)
async def test_usage_is_recorded_exactly_once_in_the_commit_of_the_end(
    journal: JournalWriter, database: asyncpg.Connection, end: str, status: str, failure_code: str
) -> None:
    execution = Execution(journal, labels=(("team", "shop"),))
    if end != "finish":
        await journal.durable(execution.submit().record)
        assert await database.fetchval("SELECT count(*) FROM usage_outbox") == 0
    await journal.durable(getattr(execution, end)().record)
    (row,) = await database.fetch("SELECT id::text, event, xmin::text FROM usage_outbox")
    (event,) = decode_batch(f"[{row['event']}]".encode())
    assert (row["id"], event.id, event.source, event.subject) == (
        execution.id,
        execution.id,
        "tests",
        "acme/made-by-hand",
    )
    assert (event.data.status, event.data.labels) == (status, {"team": "shop"})
    assert event.data.execution_seconds == execution.record.ended_at - NOON  # type: ignore[operator]  # it ended
    assert row["xmin"] == await database.fetchval("SELECT xmin::text FROM executions")
    assert row["xmin"] == await database.fetchval(
        "SELECT xmin::text FROM journal ORDER BY first_sequence DESC LIMIT 1"
    )
    assert await database.fetchval("SELECT failure_code FROM executions") == failure_code


async def test_executions_at_the_same_time_share_a_commit(
    journal: JournalWriter, database: asyncpg.Connection
) -> None:
    executions = [Execution(journal).finish() for _ in range(50)]
    await asyncio.gather(*(journal.durable(execution.record) for execution in executions))
    assert await database.fetchval("SELECT count(*) FROM journal") == 50
    assert await database.fetchval("SELECT count(DISTINCT xmin::text) FROM journal") == 1


async def test_executions_with_much_to_write_share_a_commit_up_to_its_bound(
    journal: JournalWriter, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_COMMIT_CHARACTERS", 20_000)
    sizes = [100, 25_000, 4_000, 4_000, 4_000]
    executions = [Execution(journal).submit().complete("a", "x" * size).complete("b") for size in sizes]
    await asyncio.gather(*(journal.durable(execution.record) for execution in executions))
    commits = await database.fetch(
        "SELECT array_agg(execution_id::text) AS ids FROM journal GROUP BY xmin::text"
    )
    ids = [execution.id for execution in executions]
    expected = [{ids[0]}, {ids[1]}, {ids[2], ids[3]}, {ids[4]}]
    assert sorted(map(sorted, expected)) == sorted(sorted(row["ids"]) for row in commits)
    assert await database.fetchval("SELECT count(*) FROM usage_outbox") == 5


async def test_what_nobody_waits_for_is_written_all_the_same(
    journal: JournalWriter, database: asyncpg.Connection
) -> None:
    execution = Execution(journal).finish()
    await journal.usage_written.wait()
    assert await events_of(database, execution) == ALL_EVENTS


async def test_what_is_recorded_during_a_commit_goes_into_the_next(
    journal: JournalWriter, database: asyncpg.Connection, url: str
) -> None:
    looking = await asyncpg.connect(url)
    first, second = Execution(journal).submit(), Execution(journal)
    async with commits_held(database):
        early = asyncio.create_task(journal.durable(first.record))
        await wait_until_commit_is_held(looking)
        in_flight = asyncio.create_task(journal.durable(first.record))
        await asyncio.sleep(0)
        second.submit()
        first.complete("a")
        late = asyncio.gather(journal.durable(first.record), journal.durable(second.record))
        await asyncio.sleep(0)
        assert journal.available
        assert not any(waiting.done() for waiting in (early, in_flight, late))
    await asyncio.gather(early, in_flight)
    await late
    assert await events_of(database, first) == ALL_EVENTS[:6]
    assert await events_of(database, second) == ALL_EVENTS[:4]
    assert await database.fetchval("SELECT count(DISTINCT xmin::text) FROM journal") == 2
    await looking.close()


async def test_what_is_durable_already_waits_for_nothing(
    journal: JournalWriter, database: asyncpg.Connection, url: str
) -> None:
    looking = await asyncpg.connect(url)
    durable, other = Execution(journal).finish(), Execution(journal)
    await journal.durable(durable.record)
    async with commits_held(database):
        waiting = asyncio.create_task(journal.durable(other.submit().record))
        await wait_until_commit_is_held(looking)
        await journal.durable(durable.record)
    await waiting
    await looking.close()


async def test_a_stop_writes_what_is_left(url: str, database: asyncpg.Connection) -> None:
    journal = JournalWriter(PostgresStore(url), source="tests")
    await journal.start()
    execution = Execution(journal).finish()
    await journal.stop()
    assert await events_of(database, execution) == ALL_EVENTS
