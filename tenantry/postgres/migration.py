"""Brings a database to its newest schema. Each plane calls it at start, with its own folder of migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

_LOCK: Final = text("SELECT pg_advisory_xact_lock(7305816)")
"""Any number will do, as long as no other program locks it in the same database."""


def asyncpg_url(url: str) -> str:
    """A `postgresql://` address in the form SQLAlchemy takes for asyncpg."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


async def migrate(url: str, folder: Path) -> None:
    """Runs the missing migrations in one transaction; a second process waits for the first and finds none."""
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.begin() as connection:
            await connection.execute(_LOCK)
            await connection.run_sync(_upgrade, folder)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, folder: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
