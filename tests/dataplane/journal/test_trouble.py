"""The journal's writer, its database in trouble: away, cut off, read-only; nothing is lost, nothing hangs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal import writer as writing
from tenantry.dataplane.journal.store import PostgresStore
from tenantry.dataplane.journal.writer import JournalWriter
from tests.support.executions import Execution
from tests.support.journal import ALL_EVENTS, commits_held, events_of, wait_until_commit_is_held, written

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.journal.rows import Row

TERMINATE_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


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


async def test_whatever_is_wrong_with_one_execution_the_writer_goes_on_for_the_others(
    journal: JournalWriter, database: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    poisoned, other = Execution(journal).finish(), Execution(journal).finish()
    poisoned.record.ended_at = float("inf")  # no date has that: an `OverflowError`
    with pytest.raises(JournalUnavailableError, match="refuses"):
        await journal.durable(poisoned.record)
    assert f"execution {poisoned.id} cannot be written" in caplog.text
    await journal.durable(other.record)
    await journal.durable(Execution(journal).finish().record)
    assert await events_of(database, other) == ALL_EVENTS
    assert await events_of(database, poisoned) == []


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
