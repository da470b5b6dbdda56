"""Authentication: from a bearer token to the principal it stands for, and the key everything begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.controlplane.services.errors import UnauthenticatedError
from tenantry.controlplane.store.api_keys import (
    add_key,
    find_key_anywhere,
    reinstate_key,
    revoke_keys_named,
)
from tenantry.controlplane.store.tables import PLATFORM, ApiKeyRow
from tenantry.tenants.api_keys import has_expired, hash_token, matches, parse_token
from tenantry.tenants.identity import Instant, TenantId
from tenantry.tenants.roles import Principal, Role

if TYPE_CHECKING:
    from tenantry.controlplane.services.clock import Clock
    from tenantry.controlplane.store.database import Database

BOOTSTRAP_NAME: Final = "bootstrap"


class Authentication:
    """Knows keys by the hash of their tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def authenticate(self, token: str) -> Principal:
        """The principal of a token.

        Raises:
            UnauthenticatedError: the same for every reason, so that nobody learns which keys exist.
        """
        key_id = parse_token(token)
        if key_id is not None:
            async with self._database.platform() as session:
                key = await find_key_anywhere(session, key_id)
            if key is not None and matches(token, key.hash) and self._is_in_force(key):
                return _principal(key)
        raise UnauthenticatedError("the API key is not known, revoked or expired")

    async def ensure_bootstrap_key(self, token: str) -> None:
        """Makes the token a platform-admin key, and the only one that came this way.

        Called at start with the token of the environment: changing it there revokes the former one.

        Raises:
            ValueError: the text is not a token.
        """
        key_id = parse_token(token)
        if key_id is None:
            raise ValueError("not an API key: it reads tnt_<id>_<secret>, the secret at least 20 characters")
        now, token_hash = self._clock(), hash_token(token)
        key = ApiKeyRow(
            tenant=PLATFORM,
            id=key_id,
            name=BOOTSTRAP_NAME,
            role=Role.PLATFORM_ADMIN.value,
            hash=token_hash,
            created_at=now,
        )
        async with self._database.platform() as session:
            await revoke_keys_named(session, PLATFORM, BOOTSTRAP_NAME, except_hash=token_hash, now=now)
            if not await add_key(session, key):
                await reinstate_key(session, PLATFORM, key_id, token_hash)

    def _is_in_force(self, key: ApiKeyRow) -> bool:
        expires_at = Instant(key.expires_at.timestamp()) if key.expires_at else None
        return key.revoked_at is None and not has_expired(expires_at, Instant(self._clock().timestamp()))


def _principal(key: ApiKeyRow) -> Principal:
    tenant = None if key.tenant == PLATFORM else TenantId(key.tenant)
    return Principal(key_id=key.id, role=Role(key.role), tenant=tenant)
