"""Queries on tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from tenantry.controlplane.store.tables import TenantRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession


async def add_tenant(session: AsyncSession, tenant: str, document: dict[str, Any], now: datetime) -> bool:
    """Adds a tenant at revision 0; `False` when there already is one of that name."""
    statement = (
        insert(TenantRow)
        .values(tenant=tenant, document=document, revision=0, created_at=now, updated_at=now)
        .on_conflict_do_nothing()
        .returning(col(TenantRow.tenant))
    )
    return await session.scalar(statement) is not None


async def find_tenant(session: AsyncSession, tenant: str) -> TenantRow | None:
    """The tenant, when it exists."""
    return await session.get(TenantRow, tenant)


async def lock_tenant(session: AsyncSession, tenant: str) -> TenantRow | None:
    """The tenant, its row locked until the transaction ends: its changes happen one after the other."""
    return await session.scalar(select(TenantRow).where(col(TenantRow.tenant) == tenant).with_for_update())


async def list_tenants(session: AsyncSession, *, after: str, limit: int) -> Sequence[TenantRow]:
    """Up to `limit` tenants by name, beginning behind `after`."""
    return (
        await session.scalars(
            select(TenantRow)
            .where(col(TenantRow.tenant) > after)
            .order_by(col(TenantRow.tenant))
            .limit(limit)
        )
    ).all()


async def existing_tenants(session: AsyncSession, tenants: Iterable[str]) -> set[str]:
    """Those of the names that are tenants."""
    statement = select(TenantRow.tenant).where(col(TenantRow.tenant).in_(list(tenants)))
    return set((await session.scalars(statement)).all())
