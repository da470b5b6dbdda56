"""Where commits go: the port of the journal's writer, and PostgreSQL behind it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg

from tenantry.dataplane.journal.rows import day_of
from tenantry.dataplane.journal.statement import STATEMENT, arguments

if TYPE_CHECKING:
    from datetime import date

    from tenantry.dataplane.journal.rows import Row

COMMIT_TIMEOUT_SECONDS: Final = 5.0

SETTINGS_SECONDS: Final = 5.0
"""So often, while it commits, it looks again whether the database still keeps what is committed."""

SOURCE_SECONDS: Final = 3600.0
"""So often it is said again that a plan's source is in use: retention forgets those nobody uses."""

_UNSAFE_SETTINGS: Final = """
    SELECT name FROM pg_settings
    WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off' ORDER BY name
"""
_REFUSES_THE_DATA: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""What PostgreSQL says of what it was sent. Anything else is trouble of the database's own, and passes."""

_LOG = logging.getLogger(__name__)


class RefusedDataError(Exception):
    """The database cannot hold what a commit was to write: sending it again changes nothing."""


class Store(Protocol):
    """Makes commits, one after the other."""

    @property
    def unsafe_settings(self) -> tuple[str, ...]:
        """What is set so that what is committed may still be lost; mostly empty."""
        ...

    async def commit(self, rows: list[Row]) -> set[str]:
        """Writes all of it or nothing; written twice it counts once.

        Returns:
            The ids of the executions that were ours to write.

        Raises:
            RefusedDataError: something in it cannot be stored.
            Exception: anything else may pass, and it may have been written.
        """
        ...

    def disconnect(self) -> None:
        """Gives up what is under way; the next commit connects anew."""
        ...

    async def close(self) -> None:
        """Ends it in good order."""
        ...


class PostgresStore:
    """A `Store` with a connection of its own, made when it is needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._days: set[date] = set()
        self._sources: dict[tuple[str, str], float] = {}
        self._looked_at = float("-inf")
        self.unsafe_settings: tuple[str, ...] = ()

    async def commit(self, rows: list[Row]) -> set[str]:
        """See `Store.commit`."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=COMMIT_TIMEOUT_SECONDS)
            self._looked_at = float("-inf")
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= SETTINGS_SECONDS:
            self._looked_at = now
            await self._look_at_settings()
        sources = self._new_sources(rows)
        try:
            await self._ensure_days(rows)
            written = await self._fetch(STATEMENT, *arguments(rows, sources))
        except asyncpg.CheckViolationError:
            self._days.clear()  # a day that retention had dropped: it is made anew when this is tried again
            raise
        except _REFUSES_THE_DATA as error:
            raise RefusedDataError(type(error).__name__) from error
        self._sources |= dict.fromkeys(sources, asyncio.get_running_loop().time())
        return {row["id"] for row in written}

    def disconnect(self) -> None:
        """See `Store.disconnect`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """See `Store.close`."""
        if self._connection is not None:
            await self._connection.close()

    async def _look_at_settings(self) -> None:
        unsafe = tuple(row["name"] for row in await self._fetch(_UNSAFE_SETTINGS))
        if unsafe and unsafe != self.unsafe_settings:
            _LOG.error("the database runs without %s: not ready", ", ".join(unsafe))
        self.unsafe_settings = unsafe

    async def _fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        assert self._connection is not None  # noqa: S101  (connected by the caller)
        rows: list[asyncpg.Record] = await self._connection.fetch(
            statement, *values, timeout=COMMIT_TIMEOUT_SECONDS
        )
        return rows

    async def _ensure_days(self, rows: list[Row]) -> None:
        for day in {day_of(row.record.id) for row in rows} - self._days:
            await self._fetch("SELECT ensure_day($1)", day)
            self._days.add(day)

    def _new_sources(self, rows: list[Row]) -> dict[tuple[str, str], str]:
        """The plans' sources nobody has stored for a while."""
        stale = asyncio.get_running_loop().time() - SOURCE_SECONDS
        return {
            key: source.content
            for row in rows
            if (source := row.record.source) is not None
            and self._sources.get(key := (row.record.tenant, source.key), stale) <= stale
        }
