"""Brings a database to the newest schema. Called at the start of every process, of many at once too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

_LOCK: Final = text("SELECT pg_advisory_xact_lock(7305816)")
"""Any number will do, as long as no other program locks it in the same database."""


async def migrate(engine: AsyncEngine) -> None:
    """Runs the missing migrations in one transaction; a second process waits for the first and finds none."""
    async with engine.begin() as connection:
        await connection.execute(_LOCK)
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
