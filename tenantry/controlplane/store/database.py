"""The database: pooled connections and the two kinds of transaction. Services open them, nobody else.

Row-level security is the second wall behind every query's own tenant condition: a tenant's transaction runs
as the role `tenantry_tenant`, which sees and writes the rows of that one tenant whatever the query says. The
platform's transactions run as the connecting user, for work that concerns several tenants.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from tenantry.postgres.migration import asyncpg_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.tenants.identity import TenantId

MIGRATIONS: Final = Path(__file__).parent / "migrations"
"""Alembic's folder for `postgres.migration.migrate`."""

_ENTER_TENANT: Final = text(
    "SELECT set_config('tenantry.tenant', :tenant, true), set_config('role', 'tenantry_tenant', true)"
)

# Connection failures, no connection left, and a server that starts, recovers or shuts down.
_AWAY: Final = re.compile(r"08...|53300|57P0[1-5]")


class DatabaseUnavailableError(Exception):
    """The database is away, recovering or has no connection left. Whether a change was made is unknown."""


class Database:
    """Hands out transactions; each commits when its block ends and rolls back when it raises."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[AsyncSession]:
        """A transaction that sees every tenant.

        Raises:
            DatabaseUnavailableError: it cannot begin, go on or commit, and later can.
        """
        try:
            async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (OSError, DBAPIError, NoFreeConnectionError, asyncpg.PostgresError) as error:
            if _is_away(error):
                raise DatabaseUnavailableError(str(error)) from error
            raise

    @asynccontextmanager
    async def tenant(self, tenant: TenantId) -> AsyncIterator[AsyncSession]:
        """A transaction that sees one tenant and nothing else.

        Raises:
            DatabaseUnavailableError: as in `platform`.
        """
        async with self.platform() as session:
            await session.execute(_ENTER_TENANT, {"tenant": tenant})
            yield session

    async def check(self) -> None:
        """Returns when the database answers.

        Raises:
            SQLAlchemyError: it does not.
            OSError: nobody listens there.
        """
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Closes the pooled connections."""
        await self._engine.dispose()


def connect(url: str) -> AsyncEngine:
    """Prepares pooled connections to a `postgresql://` address; connects when first used."""
    return create_async_engine(
        asyncpg_url(url),
        json_serializer=_dump,
        json_deserializer=orjson.loads,
        pool_pre_ping=True,
    )


def _is_away(error: Exception) -> bool:
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _AWAY.fullmatch(_sqlstate(error.orig)) is not None
    return not isinstance(error, asyncpg.PostgresError) or _AWAY.fullmatch(_sqlstate(error)) is not None


def _sqlstate(error: BaseException | None) -> str:
    return str(getattr(error, "sqlstate", None) or "")


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
