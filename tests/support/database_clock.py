"""A database's clock moved by hand: `now()` in statements stands still until somebody moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

SESSION: Final = {"search_path": "hand, pg_catalog, public"}
"""`server_settings` of a connection that goes by this clock: its `now()` is found before PostgreSQL's."""

_SETUP: Final = """
    CREATE SCHEMA hand;
    CREATE TABLE hand.clock AS SELECT pg_catalog.now() AS at;
    CREATE FUNCTION hand.now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT at FROM hand.clock';
"""


class DatabaseClock:
    """The clock of one database; it begins at the present."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def set_up(self) -> None:
        """Makes it, once per database."""
        await self._pool.execute(_SETUP)

    async def now(self) -> datetime:
        """What it says."""
        at: datetime = await self._pool.fetchval("SELECT at FROM hand.clock")
        return at

    async def move(self, seconds: float) -> None:
        """Lets time pass."""
        await self._pool.execute("UPDATE hand.clock SET at = at + make_interval(secs => $1)", seconds)
