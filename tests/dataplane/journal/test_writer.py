"""The journal's writer on a real PostgreSQL: order, shared commits, usage, and a database that goes away."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal import writer as writing
from tenantry.dataplane.journal.store import PostgresStore
from tenantry.dataplane.journal.writer import JournalWriter
from tenantry.protocol.usage import decode_batch
from tests.support.executions import NOON, Execution
from tests.support.journal import written

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.journal.rows import Row

TERMINATE_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@asynccontextmanager
async def commits_held(database: asyncpg.Connection) -> AsyncIterator[None]:
    """Nothing can be written to the journal inside."""
    transaction = database.transaction()
    await transaction.start()
    await database.execute("LOCK TABLE journal IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        await transaction.rollback()


async def wait_until_commit_is_held(database: asyncpg.Connection) -> None:
    """Returns once a commit waits for the lock."""
    while not await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        pass


async def events_of(database: asyncpg.Connection, execution: Execution) -> list[tuple[int, str]]:
    rows = await database.fetch(
        "SELECT sequence, type FROM events WHERE tenant = $1 AND execution_id = $2 ORDER BY sequence",
        execution.record.tenant,
        execution.id,
    )
    return [(row["sequence"], row["type"]) for row in rows]


ALL_EVENTS = list(
    enumerate(
        [
            "WorkflowSubmitted",
            "WorkflowValidated",
            "WorkflowStarted",
            "TaskStarted",
            "TaskCompleted",
            "TaskStarted",
            "TaskCompleted",
            "WorkflowCompleted",
        ],
        1,
    )
)


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


async def test_a_commit_whose_connection_is_lost_is_told_and_made_again(
    journal: JournalWriter, database: asyncpg.Connection, url: str
) -> None:
    looking = await asyncpg.connect(url)
    execution = Execution(journal).finish()
    async with commits_held(database):
        waiting = asyncio.create_task(journal.durable(execution.record))
        await wait_until_commit_is_held(looking)
        await looking.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
        )
        with pytest.raises(JournalUnavailableError, match="not reachable"):
            await waiting
        assert not journal.available
        with pytest.raises(JournalUnavailableError, match="not reachable"):
            await journal.durable(execution.record)
    await written(journal, execution)
    assert await events_of(database, execution) == ALL_EVENTS
    assert await database.fetchval("SELECT count(*) FROM usage_outbox") == 1
    await looking.close()


async def test_an_idle_connection_that_is_lost_is_replaced(
    journal: JournalWriter, database: asyncpg.Connection
) -> None:
    await database.execute(TERMINATE_OTHERS)
    execution = Execution(journal).finish()
    await written(journal, execution)
    assert await events_of(database, execution) == ALL_EVENTS


async def test_while_the_database_is_gone_everything_waits_and_then_is_written_in_order(
    journal: JournalWriter, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = asyncpg.connect

    async def refuse(*_arguments: Any, **_options: Any) -> None:
        raise ConnectionRefusedError("Connect call failed")

    monkeypatch.setattr(asyncpg, "connect", refuse)
    await database.execute(TERMINATE_OTHERS)
    execution = Execution(journal).submit()
    with pytest.raises(JournalUnavailableError):
        await journal.durable(execution.record)
    with pytest.raises(JournalUnavailableError):
        await journal.durable(execution.complete("a").record)
    with pytest.raises(JournalUnavailableError):
        await journal.durable(execution.complete("b").record)
    assert not journal.available
    monkeypatch.setattr(asyncpg, "connect", connect)
    await written(journal, execution)
    assert await events_of(database, execution) == ALL_EVENTS
    assert await database.fetchval("SELECT status FROM executions") == "completed"


async def test_a_commit_that_was_made_but_not_acknowledged_counts_once(
    journal: JournalWriter, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = journal._store.commit

    async def commit_and_break(rows: list[Row]) -> set[str]:
        monkeypatch.setattr(journal._store, "commit", commit)
        await commit(rows)
        raise ConnectionResetError

    monkeypatch.setattr(journal._store, "commit", commit_and_break)
    execution = Execution(journal).finish()
    with pytest.raises(JournalUnavailableError):
        await journal.durable(execution.record)
    assert await events_of(database, execution) == ALL_EVENTS
    await written(journal, execution)
    assert await events_of(database, execution) == ALL_EVENTS
    assert await database.fetchval("SELECT count(*) FROM usage_outbox") == 1


@pytest.mark.parametrize("alone", [True, False])
async def test_data_the_database_refuses_takes_no_other_execution_down(
    journal: JournalWriter, database: asyncpg.Connection, *, alone: bool
) -> None:
    poisoned = Execution(journal, version=2**40).finish()
    others = [] if alone else [Execution(journal).finish() for _ in range(3)]
    with pytest.raises(JournalUnavailableError, match="refuses"):
        await journal.durable(poisoned.record)
    for other in others:
        await journal.durable(other.record)
        assert await events_of(database, other) == ALL_EVENTS
    assert journal.available
    assert await events_of(database, poisoned) == []
    assert await database.fetchval("SELECT count(*) FROM usage_outbox") == len(others)


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "output",
    [
        "\ud800",
        nested(100_000),
    ],
    ids=["surrogate", "nested"],
)
async def test_what_cannot_be_written_as_json_takes_no_other_execution_down(
    journal: JournalWriter, database: asyncpg.Connection, output: Any
) -> None:
    poisoned, other = Execution(journal).submit().complete("a", output), Execution(journal).finish()
    with pytest.raises(JournalUnavailableError, match="refuses"):
        await journal.durable(poisoned.record)
    await journal.durable(other.record)
    assert await events_of(database, other) == ALL_EVENTS


@asynccontextmanager
async def elsewhere(url: str) -> AsyncIterator[tuple[asyncpg.Connection, str]]:
    """A connection to another database of the same server, and the name of this one."""
    name = urlsplit(url).path.removeprefix("/")
    connection = await asyncpg.connect(url.replace(f"/{name}", "/postgres", 1))
    try:
        yield connection, name
    finally:
        await connection.close()


async def test_a_database_that_takes_no_connections_for_a_while_loses_nothing(
    journal: JournalWriter, database: asyncpg.Connection, url: str
) -> None:
    execution = Execution(journal)
    async with elsewhere(url) as (server, name):
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            await database.execute(TERMINATE_OTHERS)
            with pytest.raises(JournalUnavailableError):
                await journal.durable(execution.finish().record)
        finally:
            await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await written(journal, execution)
    assert await events_of(database, execution) == ALL_EVENTS


async def test_a_database_that_is_read_only_for_a_while_loses_nothing(
    journal: JournalWriter, database: asyncpg.Connection, url: str
) -> None:
    execution = Execution(journal)
    async with elsewhere(url) as (server, name):
        await server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await database.execute(TERMINATE_OTHERS)
        with pytest.raises(JournalUnavailableError):
            await journal.durable(execution.finish().record)
        await server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await database.execute(TERMINATE_OTHERS)
        await written(journal, execution)
    assert await events_of(database, execution) == ALL_EVENTS


async def test_a_stop_writes_what_is_left(url: str, database: asyncpg.Connection) -> None:
    journal = JournalWriter(PostgresStore(url), source="tests")
    await journal.start()
    execution = Execution(journal).finish()
    await journal.stop()
    assert await events_of(database, execution) == ALL_EVENTS


async def test_a_stop_without_a_database_ends_and_tells_those_who_wait(
    url: str, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_arguments: Any, **_options: Any) -> None:
        raise ConnectionRefusedError("Connect call failed")

    journal = JournalWriter(PostgresStore(url), source="tests")
    await journal.start()
    monkeypatch.setattr(asyncpg, "connect", refuse)
    await database.execute(TERMINATE_OTHERS)
    waiting = asyncio.create_task(journal.durable(Execution(journal).finish().record))
    await asyncio.sleep(0)
    await journal.stop()
    with pytest.raises(JournalUnavailableError):
        await waiting


async def test_a_journal_without_a_database_does_not_start(url: str) -> None:
    journal = JournalWriter(PostgresStore(url.replace("/test_", "/absent_", 1)), source="tests")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await journal.start()
    assert not journal.available
    await journal.stop()


async def test_what_waits_for_a_database_that_is_away_is_bounded(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MAX_WAITING", 2)
    journal = JournalWriter(PostgresStore(url), source="tests")  # never started: nothing is ever written
    Execution(journal).finish()
    assert journal.has_room
    Execution(journal).finish()
    assert not journal.has_room
