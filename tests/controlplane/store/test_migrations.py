"""Migrations: they make what the models say, once, however many processes start at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlmodel import SQLModel

from tenantry.controlplane.store import tables
from tenantry.controlplane.store.database import MIGRATIONS, connect
from tenantry.postgres.migration import migrate
from tests.support.controlplane import run_control_plane, task_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.fixture
async def engine(make_database: Callable[[], str]) -> AsyncIterator[AsyncEngine]:
    engine = connect(make_database())
    yield engine
    await engine.dispose()


async def prepare(engine: AsyncEngine) -> None:
    await migrate(engine.url.render_as_string(hide_password=False), MIGRATIONS)


async def test_migrations_make_what_the_models_say(engine: AsyncEngine) -> None:
    await prepare(engine)

    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, SQLModel.metadata)

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_processes_that_start_at_once_migrate_once(engine: AsyncEngine) -> None:
    await asyncio.gather(*(prepare(engine) for _ in range(4)))
    await prepare(engine)
    async with engine.connect() as connection:
        versions = (await connection.execute(text("SELECT version_num FROM alembic_version"))).all()
    assert len(versions) == 1


async def test_a_database_user_who_is_no_superuser_is_enough(
    engine: AsyncEngine, make_database: Callable[[], str]
) -> None:
    await prepare(engine)  # makes the role `tenantry_tenant`, which belongs to the whole server
    url = make_url(make_database())
    async with engine.begin() as connection:
        for statement in (
            "DROP ROLE IF EXISTS ordinary",
            "CREATE ROLE ordinary LOGIN NOSUPERUSER NOCREATEROLE",
            "GRANT tenantry_tenant TO ordinary",
            f"ALTER DATABASE {url.database} OWNER TO ordinary",
        ):
            await connection.execute(text(statement))
    ordinary = url.set(username="ordinary").render_as_string(hide_password=False)
    async with run_control_plane(ordinary) as api:
        for tenant in ("acme", "globex"):
            await api.create_tenant(tenant)
        await api.apply("acme", task_text("get"))
        assert len((await api.bundle("acme")).definitions) == 1
        assert (await api.bundle("globex")).definitions == ()


def test_the_tenant_leads_every_primary_key() -> None:
    assert tables.TenantRow.metadata is SQLModel.metadata
    for table in SQLModel.metadata.sorted_tables:
        assert table.primary_key.columns.keys()[0] == "tenant", table.name
