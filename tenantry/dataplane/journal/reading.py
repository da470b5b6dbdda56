"""One way to ask the journal's database something, and one way in which it fails."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from tenantry.dataplane.engine.ports import JournalUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG = logging.getLogger(__name__)
_TROUBLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def fetch(pool: asyncpg.Pool[asyncpg.Record], statement: str, *values: Any) -> list[asyncpg.Record]:
    """The rows a statement gives.

    Raises:
        JournalUnavailableError: the database did not answer.
    """
    with asking("the journal"):
        rows: list[asyncpg.Record] = await pool.fetch(statement, *values)
    return rows


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Inside, the database is asked; `what` it is asked for is logged when that fails.

    Raises:
        JournalUnavailableError: the database did not answer.
    """
    try:
        yield
    except _TROUBLE as error:
        _LOG.error("the database does not answer for %s: %r", what, error)
        raise JournalUnavailableError from error
