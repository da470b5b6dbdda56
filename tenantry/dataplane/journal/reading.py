"""One way to ask the journal's database something, and one way in which it fails."""

from __future__ import annotations

import logging
from typing import Any, Final

import asyncpg

from tenantry.dataplane.engine.ports import JournalUnavailableError

_LOG = logging.getLogger(__name__)
_TROUBLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def fetch(pool: asyncpg.Pool[asyncpg.Record], statement: str, *values: Any) -> list[asyncpg.Record]:
    """The rows a statement gives.

    Raises:
        JournalUnavailableError: the database did not answer.
    """
    try:
        rows: list[asyncpg.Record] = await pool.fetch(statement, *values)
    except _TROUBLE as error:
        _LOG.error("the journal cannot be read: %r", error)
        raise JournalUnavailableError("the journal's database is not reachable") from error
    return rows
