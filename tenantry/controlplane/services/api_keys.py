"""API keys of a tenant: issued, listed, revoked. A token is answered once and only its hash is kept."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenantry.controlplane.services.access import require, transaction
from tenantry.controlplane.services.clock import check_instant
from tenantry.controlplane.services.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
)
from tenantry.controlplane.services.pages import Page, check_page_size, to_page
from tenantry.controlplane.store.api_keys import add_key, find_key, list_keys
from tenantry.controlplane.store.tables import ApiKeyRow
from tenantry.controlplane.store.tenants import find_tenant
from tenantry.tenants.api_keys import hash_token, make_token
from tenantry.tenants.identity import TenantId
from tenantry.tenants.roles import Permission, may_grant

if TYPE_CHECKING:
    from datetime import datetime

    from tenantry.controlplane.services.changes import Change, TenantChanges
    from tenantry.controlplane.store.database import Database
    from tenantry.tenants.roles import Principal, Role

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
_ID_BYTES: Final = 8
_SECRET_BYTES: Final = 25


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key and its token, which nobody can ask for again."""

    key: ApiKeyRow
    token: str


class ApiKeys:
    """The use cases around a tenant's keys."""

    def __init__(self, database: Database, changes: TenantChanges) -> None:
        self._database, self._changes = database, changes

    async def issue(
        self, actor: Principal, tenant: str, *, name: str, role: Role, expires_at: datetime | None
    ) -> IssuedKey:
        """Issues a key. A name has one key in force, so a repeated request issues nothing.

        Raises:
            ConflictError: a key of that name is in force.
            ForbiddenError: the role is more than the actor may hand out.
            InvalidInputError: the name or the expiry makes no sense.
        """
        require(actor, Permission.MANAGE_KEYS, tenant)
        if not may_grant(actor, role, TenantId(tenant)):
            raise ForbiddenError(f"a key of the role {role.value} cannot be issued in a tenant")
        if _NAME.fullmatch(name) is None:
            raise InvalidInputError(
                "api_key.name", "a name is 1 to 63 letters, digits, spaces, dots, dashes", field="name"
            )
        if expires_at is not None:
            expires_at = check_instant(expires_at, "expiresAt")
        async with self._changes.open(actor, tenant) as change:
            return await _issue(change, name=name, role=role, expires_at=expires_at)

    async def revoke(self, actor: Principal, tenant: str, key_id: str) -> ApiKeyRow:
        """Revokes a key at once; one that already is stays as it is.

        Raises:
            NotFoundError: the tenant has no such key.
        """
        require(actor, Permission.MANAGE_KEYS, tenant)
        async with self._changes.open(actor, tenant) as change:
            key = await find_key(change.session, tenant, key_id)
            if key is None:
                raise NotFoundError("api_key", key_id, field="id")
            if key.revoked_at is None:
                key.revoked_at = change.now
                change.record("api_key.revoke", key_id, name=key.name)
            return key

    async def page(self, actor: Principal, tenant: str, *, first: int, after: str = "") -> Page[ApiKeyRow]:
        """The tenant's keys by id, revoked ones included."""
        require(actor, Permission.MANAGE_KEYS, tenant)
        limit = check_page_size(first)
        async with transaction(self._database, actor, tenant) as session:
            if await find_tenant(session, tenant) is None:
                raise NotFoundError("tenant", tenant, field="tenant")
            return to_page(await list_keys(session, tenant, after=after, limit=limit), first)


async def _issue(change: Change, *, name: str, role: Role, expires_at: datetime | None) -> IssuedKey:
    if expires_at is not None and expires_at <= change.now:
        raise InvalidInputError("api_key.expiry", "the key would already have expired", field="expiresAt")
    key_id = secrets.token_hex(_ID_BYTES)
    token = make_token(key_id, secrets.token_bytes(_SECRET_BYTES))
    key = ApiKeyRow(
        tenant=change.tenant.tenant,
        id=key_id,
        name=name,
        role=role.value,
        hash=hash_token(token),
        created_at=change.now,
        expires_at=expires_at,
    )
    if not await add_key(change.session, key):
        raise ConflictError(
            "api_key.name_taken", f"a key named {name!r} is in force; revoke it first", field="name"
        )
    change.record("api_key.issue", key_id, name=name, role=role.value)
    return IssuedKey(key=key, token=token)
