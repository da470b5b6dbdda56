"""What one commit writes: all of it or nothing, once however often it is sent, and only what is ours."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.engine.ports import ExecutionLostError
from tenantry.dataplane.engine.record import IdempotencyKey, PlanSource
from tenantry.dataplane.identifiers import new_execution_id
from tenantry.dataplane.journal import store as storing
from tenantry.dataplane.journal.rows import NOBODY, day_of
from tenantry.dataplane.journal.store import PostgresStore
from tenantry.protocol.usage import decode_batch
from tests.support.executions import NOON, Execution
from tests.support.journal import rows_of, written

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tenantry.dataplane.journal.writer import JournalWriter
    from tenantry.protocol.usage import UsageEvent

ONE, OTHER = (f"019ca945-0a00-7316-9d6e-83367b976cd{number}" for number in (1, 2))
TABLES = (
    "executions", "journal", "dead_letters", "callbacks", "usage_outbox", "idempotency_keys", "plan_sources"
)  # fmt: skip
SAME = {
    "idempotency_keys": "tenant, key, fingerprint, execution_id"
}  # it expires a day after the last commit
KEY, SOURCE = IdempotencyKey("k", "f"), PlanSource("p", "{}")


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url)
    yield store
    await store.close()


async def everything_in(database: asyncpg.Connection) -> dict[str, list[str]]:
    found = {}
    for table in TABLES:
        rows = await database.fetch(f"SELECT {SAME.get(table, '*')} FROM {table}")  # noqa: S608  (ours)
        found[table] = sorted(map(str, rows))
    return found


async def count(database: asyncpg.Connection, table: str) -> int:
    number: int = await database.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608  (ours)
    return number


async def usage(database: asyncpg.Connection) -> list[UsageEvent]:
    rows = await database.fetch("SELECT event FROM usage_outbox ORDER BY event ->> 'time'")
    return decode_batch(f"[{','.join(row['event'] for row in rows)}]".encode())


async def summary(database: asyncpg.Connection, execution: Execution) -> tuple[str, str | None, int, int]:
    row = await database.fetchrow(
        "SELECT status, owner::text, epoch, run FROM executions WHERE id = $1::uuid", execution.id
    )
    return tuple(row)


async def sequences(database: asyncpg.Connection, execution: Execution) -> list[int]:
    rows = await database.fetch(
        "SELECT sequence FROM events WHERE execution_id = $1::uuid ORDER BY sequence", execution.id
    )
    return [row["sequence"] for row in rows]


def everything() -> Execution:
    """An execution about which there is something for every table."""
    return Execution(callback="https://example.com/hook", key=KEY, source=SOURCE)


async def test_everything_about_an_end_is_in_one_commit(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    execution = everything().submit().fail("a")
    assert await store.commit(rows_of(execution, owner=ONE)) == {execution.id}
    commits = {await database.fetchval(f"SELECT xmin::text FROM {table}") for table in TABLES}  # noqa: S608  (ours)
    assert (len(commits), None in commits) == (1, False)
    assert [await count(database, table) for table in TABLES] == [1] * len(TABLES)


async def test_a_commit_that_is_sent_twice_counts_once(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    executions = [Execution().submit(), everything().submit().fail("a"), Execution().finish()]
    rows = rows_of(*executions, owner=ONE)
    await store.commit(rows)
    once = await everything_in(database)
    assert await store.commit(rows) == {execution.id for execution in executions}
    for row in rows:
        await store.commit([row])
    assert await everything_in(database) == once


async def test_a_commit_that_arrives_late_changes_nothing(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    execution = everything().submit()
    early = rows_of(execution, owner=ONE)
    late = rows_of(execution.complete("a").fail("b"), owner=ONE)
    await store.commit(early)
    await store.commit(late)
    then = await everything_in(database)
    assert await store.commit(early) == set()
    assert await everything_in(database) == then
    assert await summary(database, execution) == ("failed", None, 1, 1)


async def test_who_was_taken_over_from_writes_nothing_more(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    execution = everything().submit()
    await store.commit(rows_of(execution, owner=ONE))
    stale = rows_of(execution.fail("a"), owner=ONE)
    await database.execute("UPDATE executions SET owner = $1::uuid, epoch = 2, revision = 0", OTHER)
    then = await everything_in(database)
    other = Execution().finish()
    assert await store.commit([*stale, *rows_of(other)]) == {other.id}
    await database.execute("DELETE FROM usage_outbox WHERE id = $1::uuid", other.id)
    await database.execute("DELETE FROM executions WHERE id = $1::uuid", other.id)
    await database.execute("DELETE FROM journal WHERE execution_id = $1::uuid", other.id)
    assert await everything_in(database) == then


async def test_who_was_taken_over_from_is_told(
    journal: JournalWriter, database: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    journal.when_lost = lambda record: told.append(record.id)
    execution = Execution(journal).submit()
    await journal.durable(execution.record)
    await database.execute("UPDATE executions SET epoch = 2")
    execution.complete("a")
    with pytest.raises(ExecutionLostError):
        await journal.durable(execution.record)
    await journal.settled(execution.record.tenant, execution.id)
    execution.complete("b")
    with pytest.raises(ExecutionLostError):
        await journal.durable(execution.record)
    assert (execution.record.lost, told) == (True, [execution.id])
    assert f"execution {execution.id} is not ours any more" in caplog.text
    assert await count(database, "usage_outbox") == 0


async def test_whoever_waits_to_read_what_was_lost_is_not_kept(
    journal: JournalWriter, database: asyncpg.Connection
) -> None:
    execution = Execution(journal).submit()
    await journal.durable(execution.record)
    await database.execute("UPDATE executions SET epoch = 2")
    execution.complete("a")
    await journal.settled(execution.record.tenant, execution.id)
    assert execution.record.lost


async def test_numbers_have_no_gaps_when_another_goes_on(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    execution = Execution().submit()
    await store.commit(rows_of(execution, owner=ONE))
    await database.execute("UPDATE executions SET owner = $1::uuid, epoch = 2, revision = 0", OTHER)
    await store.commit(rows_of(execution.take_over().complete("a"), owner=OTHER))
    assert await summary(database, execution) == ("running", OTHER, 2, 1)
    await store.commit(rows_of(execution.complete("b"), owner=OTHER))
    assert await summary(database, execution) == ("completed", None, 2, 1)
    assert await sequences(database, execution) == list(range(1, 9))


async def test_an_owner_is_written_as_long_as_somebody_runs_it(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    running, left, lost = Execution().submit(), Execution().submit(), Execution().submit()
    left.record.released = lost.record.lost = True
    await store.commit(rows_of(running, left, lost, owner=ONE))
    owners = [(await summary(database, one))[1] for one in (running, left, lost)]
    assert owners == [ONE, NOBODY, NOBODY]


async def test_usage_is_told_of_every_run_by_itself(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    execution = everything().submit().fail("a")
    await store.commit(rows_of(execution, owner=ONE))
    execution.retry().complete("a").complete("b")
    await store.commit(rows_of(execution, owner=ONE))
    first, second = await usage(database)
    assert (first.id, second.id != first.id) == (execution.id, True)
    assert [one.data.execution_id for one in (first, second)] == [execution.id] * 2
    assert [one.data.status for one in (first, second)] == ["failed", "completed"]
    assert [one.data.task_attempts for one in (first, second)] == [1, 2]
    assert [one.data.egress_bytes for one in (first, second)] == [5, 10]
    assert [one.data.execution_seconds for one in (first, second)] == [1.0, 2.0]
    told = sum(one.data.journal_bytes for one in (first, second))
    assert told == await database.fetchval("SELECT journal_bytes FROM executions")
    assert await summary(database, execution) == ("completed", None, 1, 2)


async def test_callbacks_are_owed_for_every_end_and_dead_letters_for_every_failure(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    execution = everything().submit().fail("a")
    await store.commit(rows_of(execution, owner=ONE))
    await store.commit(rows_of(execution.retry().fail("a"), owner=ONE))
    await store.commit(rows_of(execution.retry().complete("a").complete("b"), owner=ONE))
    callbacks = await database.fetch("SELECT run, url, status, body FROM callbacks ORDER BY run")
    ended = [json.loads(row["body"]) for row in callbacks]
    assert [row["run"] for row in callbacks] == [1, 2, 3]
    assert [body["type"].partition(".")[2] for body in ended] == ["failed", "failed", "completed"]
    assert (ended[2]["data"]["executionId"], ended[2]["data"]["run"]) == (execution.id, 3)
    letters = await database.fetch("SELECT * FROM dead_letters ORDER BY id")
    assert [(row["task"], row["reason"], row["attempts"]) for row in letters] == [("a", "permanent", 1)] * 2
    assert [row["created_at"].timestamp() for row in letters] == [NOON + 1, NOON + 3]
    assert {(row["tenant"], row["status"], str(row["execution_id"])) for row in letters} == {
        ("acme", "retried", execution.id)
    }


async def test_of_two_executions_with_the_same_key_one_is_written(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    first, second = everything().finish(), everything().finish()
    assert await store.commit(rows_of(first)) == {first.id}
    then = await everything_in(database)
    assert await store.commit(rows_of(second)) == set()
    assert await everything_in(database) == then


async def test_of_two_executions_with_the_same_key_in_one_commit_one_is_written(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    pair = (everything().finish(), everything().finish())
    (written,) = await store.commit(rows_of(*pair))
    assert [await count(database, table) for table in ("executions", "journal", "callbacks")] == [1, 1, 1]
    assert str(await database.fetchval("SELECT execution_id FROM idempotency_keys")) == written


async def test_a_key_stands_for_its_execution_as_long_as_it_runs_and_for_a_day(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    first, other = everything().submit(), Execution(tenant="globex", key=KEY).submit()
    assert await store.commit(rows_of(first, other)) == {first.id, other.id}
    left = await database.fetchval("SELECT min(expires_at - now()) FROM idempotency_keys")
    assert 23.9 < left.total_seconds() / 3600 <= 24
    assert await store.commit(rows_of(first.complete("a"))) == {first.id}
    await database.execute("UPDATE idempotency_keys SET expires_at = now() WHERE tenant = 'acme'")
    second = everything().submit()
    assert await store.commit(rows_of(second)) == {second.id}
    found = await database.fetch("SELECT tenant, execution_id::text FROM idempotency_keys ORDER BY tenant")
    assert [tuple(row) for row in found] == [("acme", second.id), ("globex", other.id)]


async def test_what_runs_for_longer_than_its_key_is_kept_is_written_to_its_end(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    first, second = everything().submit(), everything().submit()
    assert await store.commit(rows_of(first)) == {first.id}
    await database.execute("UPDATE idempotency_keys SET expires_at = expires_at - interval '24 hours'")
    assert await store.commit(rows_of(second)) == {second.id}
    for task in ("a", "b"):
        for one in (first, second):
            assert await store.commit(rows_of(one.complete(task))) == {one.id}
    assert {(await summary(database, one))[0] for one in (first, second)} == {"completed"}
    assert str(await database.fetchval("SELECT execution_id FROM idempotency_keys")) == second.id


async def test_a_plan_s_source_is_stored_once_and_again_after_an_hour(
    database: asyncpg.Connection, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said_again() -> bool:
        await store.commit(rows_of(everything().submit(), Execution(source=SOURCE).submit()))
        fresh: bool = await database.fetchval("SELECT used_at > 'epoch' FROM plan_sources")
        await database.execute("UPDATE plan_sources SET used_at = 'epoch'")
        return fresh

    assert [await said_again() for _ in range(3)] == [True, False, False]
    monkeypatch.setattr(storing, "SOURCE_SECONDS", 0.0)
    assert [await said_again() for _ in range(2)] == [True, True]
    assert [tuple(row) for row in await database.fetch("SELECT tenant, key, source FROM plan_sources")] == [
        ("acme", "p", "{}")
    ]


async def test_a_source_that_was_not_stored_with_a_commit_is_stored_with_the_next(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    refused = Execution(source=SOURCE, version=2**40).submit()
    with pytest.raises(storing.RefusedDataError):
        await store.commit(rows_of(refused))
    assert await count(database, "plan_sources") == 0
    await store.commit(rows_of(Execution(source=SOURCE).submit()))
    assert await count(database, "plan_sources") == 1


async def partitions(database: asyncpg.Connection) -> list[str]:
    rows = await database.fetch(
        "SELECT relname FROM pg_class JOIN pg_inherits ON oid = inhrelid WHERE relkind = 'r' ORDER BY relname"
    )
    return [row["relname"] for row in rows]


async def test_a_day_is_made_when_something_of_it_is_written(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    before = await partitions(database)
    ends = [Execution(at=NOON + days * 86400).finish() for days in (0, 1, -60, 366)]
    await store.commit(rows_of(*ends))
    made = set(await partitions(database)) - set(before)
    days = ("20251231", "20260301", "20260302", "20270302")
    assert made == {f"{table}_{day}" for table in ("executions", "journal") for day in days}
    for end in ends:
        part = await database.fetchval(
            "SELECT tableoid::regclass::text FROM executions WHERE id = $1", end.id
        )
        assert part == f"executions_{day_of(end.id):%Y%m%d}"
        assert await database.fetchval("SELECT day_of($1)", end.id) == day_of(end.id)


@pytest.mark.parametrize("second", [-0.001, 0.0, 86_399.999])
async def test_days_begin_and_end_at_midnight_in_utc(
    database: asyncpg.Connection, store: PostgresStore, second: float
) -> None:
    midnight = NOON - 12 * 3600
    execution = Execution(at=midnight + second).finish()
    await store.commit(rows_of(execution))
    assert day_of(execution.id) == date(2026, 3, 1) if second >= 0 else date(2026, 2, 28)
    assert await sequences(database, execution) == list(range(1, 9))


async def test_an_instant_is_stored_as_it_is_told_elsewhere(
    database: asyncpg.Connection, store: PostgresStore
) -> None:
    # Doubles of today lie a quarter of a microsecond apart: among a hundred some are near the middle of two.
    executions = [Execution(at=NOON + number * 0.0000012345).submit() for number in range(100)]
    await store.commit(rows_of(*executions))
    stored = await database.fetch("SELECT id::text, submitted_at FROM executions")
    told = {one.id: datetime.fromtimestamp(one.record.submitted_at, UTC) for one in executions}
    assert {row["id"]: row["submitted_at"] for row in stored} == told


async def test_two_executors_that_make_the_same_day_at_the_same_time_both_go_on(
    url: str,
) -> None:
    stores = [PostgresStore(url) for _ in range(4)]
    for number, store in enumerate(stores):
        await store.commit(rows_of(Execution(at=NOON + number * 86400).submit()))
    for days in range(10, 15):
        executions = [Execution(at=NOON + days * 86400).finish() for _ in stores]
        written = await asyncio.gather(
            *(store.commit(rows_of(execution)) for store, execution in zip(stores, executions, strict=True))
        )
        assert written == [{execution.id} for execution in executions]
    for store in stores:
        await store.close()


async def test_a_day_that_was_dropped_is_made_again(
    journal: JournalWriter, database: asyncpg.Connection
) -> None:
    await journal.durable(Execution(journal).finish().record)
    await database.execute("DROP TABLE executions_20260301, journal_20260301")
    execution = Execution(journal).finish()
    await written(journal, execution)
    assert journal.available
    assert await sequences(database, execution) == list(range(1, 9))
    assert await count(database, "executions") == 1


def test_an_id_tells_its_day() -> None:
    assert day_of(new_execution_id(NOON)) == date(2026, 3, 1)
    assert day_of(new_execution_id(0.0)) == date(1970, 1, 1)
