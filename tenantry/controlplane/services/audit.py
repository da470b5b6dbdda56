"""The audit log as tenants read it: who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.controlplane.services.access import require, transaction
from tenantry.controlplane.services.errors import NotFoundError
from tenantry.controlplane.services.pages import Page, check_page_size, to_page
from tenantry.controlplane.store.audit import list_deeds
from tenantry.controlplane.store.tenants import find_tenant
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from tenantry.controlplane.store.database import Database
    from tenantry.controlplane.store.tables import AuditRow
    from tenantry.tenants.roles import Principal


class Audit:
    """The use case around the audit log; `TenantChanges` writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, actor: Principal, tenant: str, *, first: int, before: int | None = None
    ) -> Page[AuditRow]:
        """What was done to the tenant, newest first.

        Raises:
            NotFoundError: there is no such tenant.
        """
        require(actor, Permission.READ_AUDIT, tenant)
        limit = check_page_size(first)
        async with transaction(self._database, actor, tenant) as session:
            if await find_tenant(session, tenant) is None:
                raise NotFoundError("tenant", tenant, field="tenant")
            rows = await list_deeds(session, tenant, before=before, limit=limit)
        return to_page(rows, first)
