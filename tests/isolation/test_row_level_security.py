"""The second wall: in a tenant's transaction the database itself knows no other tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel

from tenantry.controlplane.services.access import transaction
from tenantry.controlplane.store import tables
from tenantry.controlplane.store.database import MIGRATIONS, Database
from tenantry.protocol.usage import ExecutionUsage, UsageEvent, encode_batch
from tenantry.tenants.identity import TenantId
from tenantry.tenants.roles import Principal, Role
from tests.support.controlplane import Api, run_control_plane, task_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

TABLES: Final = [table.name for table in SQLModel.metadata.sorted_tables]
A, B = TenantId("a"), TenantId("b")


@pytest.fixture
async def api(make_migrated_database: Callable[[Path], str]) -> AsyncIterator[Api]:
    """Two tenants with rows in every table."""
    async with run_control_plane(make_migrated_database(MIGRATIONS)) as running:
        for tenant in (A, B):
            await running.create_tenant(tenant)
            await running.apply(tenant, task_text("get"))
            await running.label(tenant, "get", "stable", 1, kind="WorkflowTask")
            await running.issue_key(tenant, "VIEWER")
            used = ExecutionUsage(
                tenant=tenant, workflow="w", version=1, execution_id="e", status="completed"
            )
            event = UsageEvent(id=tenant, source="s", subject="e", time="2026-03-01T00:00:00Z", data=used)
            assert (await running.report(encode_batch([event]))).status_code == 200
        yield running


def test_the_tables_are_those_of_the_models() -> None:
    assert tables.UsageHourRow.__tablename__ in TABLES
    assert len(TABLES) == 10


@pytest.mark.parametrize("table", TABLES)
async def test_a_tenants_transaction_sees_its_own_rows_only(api: Api, table: str) -> None:
    database = Database(api.engine)
    async with database.platform() as session:
        everybody = set(await session.scalars(text(f"SELECT tenant FROM {table}")))  # noqa: S608
    assert {A, B} <= everybody
    async with database.tenant(A) as session:
        assert set(await session.scalars(text(f"SELECT tenant FROM {table}"))) == {A}  # noqa: S608


@pytest.mark.parametrize("table", TABLES)
async def test_a_tenants_transaction_changes_and_deletes_its_own_rows_only(api: Api, table: str) -> None:
    database = Database(api.engine)
    count = text(f"SELECT count(*) FROM {table} WHERE tenant = 'b'")  # noqa: S608
    async with database.platform() as session:
        before = await session.scalar(count)
    async with database.tenant(A) as session:
        await session.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    async with database.platform() as session:
        assert await session.scalar(count) == before
        assert await session.scalar(text(f"SELECT count(*) FROM {table} WHERE tenant = 'a'")) == 0  # noqa: S608


@pytest.mark.parametrize("table", TABLES)
async def test_a_tenants_transaction_cannot_hand_rows_to_another(api: Api, table: str) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with Database(api.engine).tenant(A) as session:
            await session.execute(text(f"UPDATE {table} SET tenant = 'c'"))  # noqa: S608


async def test_the_wall_stands_around_the_actors_own_tenant_whatever_is_asked_for(api: Api) -> None:
    actor = Principal(key_id="k", role=Role.TENANT_ADMIN, tenant=A)
    for asked in (B, None):
        async with transaction(Database(api.engine), actor, asked) as session:
            assert set(await session.scalars(text("SELECT tenant FROM tenants"))) == {A}


async def test_the_wall_is_gone_when_the_connection_serves_somebody_else(api: Api) -> None:
    database = Database(api.engine)
    for tenant in (A, B, A):
        async with database.tenant(tenant) as session:
            assert await session.scalar(text("SELECT tenant FROM tenants")) == tenant
    async with database.platform() as session:
        assert await session.scalar(text("SELECT current_user")) != "tenantry_tenant"
        assert await session.scalar(text("SELECT count(*) FROM tenants")) == 2
