"""The audit log: who did what. Written in the same transaction as the deed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.controlplane.store.tables import AuditRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession


def record_deed(
    session: AsyncSession, *, tenant: str, actor: str, action: str, target: str, now: datetime, **details: Any
) -> None:
    """Adds a row: `action` is a verb and a noun such as `definition.apply`; nothing secret in `details`."""
    session.add(AuditRow(tenant=tenant, actor=actor, action=action, target=target, details=details, at=now))
