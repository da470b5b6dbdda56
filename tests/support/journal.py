"""Commits of the journal made by hand: by any executor, twice, late, or cut off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal.rows import NOBODY, take
from tenantry.dataplane.journal.store import PostgresStore

if TYPE_CHECKING:
    from tenantry.dataplane.journal.rows import Row
    from tenantry.dataplane.journal.writer import JournalWriter
    from tests.support.executions import Execution


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
