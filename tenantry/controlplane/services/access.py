"""Who may do what: every use case asks here first. A refusal is logged with its reason."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tenantry.controlplane.services.errors import ForbiddenError, NotFoundError
from tenantry.tenants.identity import TenantId
from tenantry.tenants.roles import Permission, Principal, Refused, authorize

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncSession

    from tenantry.controlplane.store.database import Database

_LOG = logging.getLogger(__name__)


def require(actor: Principal, permission: Permission, tenant: str | None) -> None:
    """Returns when the actor may do this to the tenant, or to the platform when it is `None`.

    Raises:
        ForbiddenError: the role does not include it.
        NotFoundError: it is another tenant's, which reads exactly like one that does not exist.
    """
    decision = authorize(actor, permission, None if tenant is None else TenantId(tenant))
    if not isinstance(decision, Refused):
        return
    _LOG.warning("refused %s to key %s: %s", permission.value, actor.key_id, decision.reason)
    if decision.hidden:
        raise NotFoundError("tenant", str(tenant), field="tenant")
    raise ForbiddenError(decision.reason)


def transaction(
    database: Database, actor: Principal, tenant: str | None
) -> AbstractAsyncContextManager[AsyncSession]:
    """A transaction on one tenant's rows, or for a platform-admin on every tenant's when it is `None`.

    The wall stands around the actor's own tenant where it has one: were `require` forgotten, another tenant's
    rows would still not be there.
    """
    if actor.tenant is not None:
        return database.tenant(actor.tenant)
    return database.platform() if tenant is None else database.tenant(TenantId(tenant))
