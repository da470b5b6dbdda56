"""Queries on bundles, and the notification that a tenant's bundle has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from tenantry.controlplane.store.tables import BundleRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

CHANNEL: Final = "tenantry_bundles"
"""Where PostgreSQL says, at commit, that some bundle has changed."""

_NOTIFY: Final = text("SELECT pg_notify(:channel, :tenant)")


async def replace_bundle(session: AsyncSession, bundle: BundleRow) -> None:
    """Makes this the tenant's bundle and wakes whoever waits for changes once the transaction commits."""
    values = bundle.model_dump()
    await session.execute(
        insert(BundleRow).values(values).on_conflict_do_update(index_elements=["tenant"], set_=values)
    )
    await session.execute(_NOTIFY, {"channel": CHANNEL, "tenant": bundle.tenant})


async def find_bundle(session: AsyncSession, tenant: str) -> BundleRow | None:
    """The tenant's bundle."""
    return await session.get(BundleRow, tenant)


async def bundle_index(session: AsyncSession) -> Sequence[tuple[str, int, str]]:
    """Tenant, revision and digest of every bundle, by tenant."""
    statement = select(BundleRow.tenant, BundleRow.revision, BundleRow.digest)
    return (await session.execute(statement.order_by(col(BundleRow.tenant)))).all()
