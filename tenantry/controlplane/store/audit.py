"""The audit log: who did what. Written in the same transaction as the deed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from tenantry.controlplane.store.tables import AuditRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession


def record_deed(
    session: AsyncSession, *, tenant: str, actor: str, action: str, target: str, now: datetime, **details: Any
) -> None:
    """Adds a row: `action` is a verb and a noun such as `definition.apply`; nothing secret in `details`."""
    session.add(AuditRow(tenant=tenant, actor=actor, action=action, target=target, details=details, at=now))


async def list_deeds(
    session: AsyncSession, tenant: str, *, before: int | None, limit: int
) -> Sequence[AuditRow]:
    """Up to `limit` of the tenant's deeds, newest first, those before the one of that id when it is given."""
    statement = select(AuditRow).where(col(AuditRow.tenant) == tenant)
    if before is not None:
        statement = statement.where(col(AuditRow.id) < before)
    return (await session.scalars(statement.order_by(col(AuditRow.id).desc()).limit(limit))).all()
