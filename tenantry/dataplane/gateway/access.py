"""Access: who is asking, for which tenant. The tenant comes from the credential, never from the path."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.gateway import errors
from tenantry.tenants.api_keys import has_expired, matches, parse_token
from tenantry.tenants.identity import Instant
from tenantry.tenants.roles import Permission, Principal, Refused, Role, authorize

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.clock import Clock

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated, authorised caller and the tenant it acts on."""

    tenant: ServedTenant
    principal: Principal


def authenticate(registry: Registry, request: Request, clock: Clock) -> tuple[ServedTenant, Principal]:
    """The key's owner and what the key is.

    Raises:
        RefusedError: 401.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise errors.unauthenticated("send the header 'Authorization: Bearer <API key>'")
    key_id = parse_token(token)
    found = registry.key(key_id) if key_id else None
    if found is None or not matches(token, found[1].hash):
        raise errors.unauthenticated("the API key is not valid here")
    tenant, key = found
    if has_expired(None if key.expires_at is None else Instant(key.expires_at), Instant(clock())):
        raise errors.unauthenticated("the API key has expired: issue a new one")
    return tenant, Principal(key_id=key.id, role=Role(key.role), tenant=tenant.name)


def admit_caller(registry: Registry, request: Request, clock: Clock, permission: Permission) -> Caller:
    """Authenticates and authorises a request for `/tenants/{tenant}/...`.

    Raises:
        RefusedError: 401, 403 or, for another's or no tenant alike, 404.
    """
    tenant, principal = authenticate(registry, request, clock)
    if request.path_params["tenant"] != tenant.name:
        _LOG.info("refused key %s: it belongs to another tenant than the path's", principal.key_id)
        raise errors.not_found("tenant")
    decision = authorize(principal, permission, tenant.name)
    if isinstance(decision, Refused):
        _LOG.info("refused key %s: %s", principal.key_id, decision.reason)
        raise errors.forbidden(decision.reason)
    if tenant.bundle.suspended:
        raise errors.suspended()
    return Caller(tenant, principal)
