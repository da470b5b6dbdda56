"""Commits of the journal made by hand: by any executor, twice, late, or cut off; and what came of them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal.rows import NOBODY, take
from tenantry.dataplane.journal.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tenantry.dataplane.journal.rows import Row
    from tenantry.dataplane.journal.writer import JournalWriter
    from tests.support.executions import Execution


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
"""Of an execution of `tests.support.executions` that completed, with their numbers."""


def rows_of(*executions: Execution, owner: str = NOBODY) -> list[Row]:
    """What the next commit writes of the executions; it is no longer pending afterwards."""
    return take([execution.record for execution in executions], "tests", owner)


async def commit(url: str, *executions: Execution, owner: str = NOBODY) -> set[str]:
    """Makes one commit of them over a connection of its own; gives the ids that were the owner's to write."""
    store = PostgresStore(url)
    try:
        return await store.commit(rows_of(*executions, owner=owner))
    finally:
        await store.close()


async def written(journal: JournalWriter, execution: Execution) -> None:
    """Returns once what was recorded of the execution is in the database, however often that takes."""
    while True:
        try:
            return await journal.durable(execution.record)
        except JournalUnavailableError:
            await asyncio.sleep(0)


async def events_of(database: asyncpg.Connection, execution: Execution) -> list[tuple[int, str]]:
    """Number and type of every event in the journal."""
    rows = await database.fetch(
        "SELECT sequence, type FROM events WHERE tenant = $1 AND execution_id = $2 ORDER BY sequence",
        execution.record.tenant,
        execution.id,
    )
    return [(row["sequence"], row["type"]) for row in rows]


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
