"""Changes of a tenant: one at a time, audited, and in the data planes' hands once they commit.

Invariant: whatever changes a tenant goes through here, so a committed change and its signed bundle are one
transaction, and revisions follow the order of the commits.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenantry.controlplane.services.access import transaction
from tenantry.controlplane.services.errors import NotFoundError
from tenantry.controlplane.services.offered import load_offered
from tenantry.controlplane.services.stored import load_stored
from tenantry.controlplane.store.api_keys import keys_in_force
from tenantry.controlplane.store.audit import record_deed
from tenantry.controlplane.store.bundles import replace_bundle
from tenantry.controlplane.store.rate_cards import find_rate_card
from tenantry.controlplane.store.tables import BundleRow
from tenantry.controlplane.store.tenants import lock_tenant
from tenantry.protocol.bundles import Bundle, BundledDefinition, BundledKey, sign

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from sqlalchemy.ext.asyncio import AsyncSession

    from tenantry.controlplane.services.clock import Clock
    from tenantry.controlplane.store.database import Database
    from tenantry.controlplane.store.tables import DefinitionVersionRow, TenantRow
    from tenantry.tenants.roles import Principal


@dataclass(slots=True)
class Change:
    """A change being made. `tenant` is locked until the transaction ends; `recorded` counts the deeds."""

    session: AsyncSession
    tenant: TenantRow
    actor: Principal
    now: datetime
    recorded: int = 0

    def record(self, action: str, target: str, **details: Any) -> None:
        """Writes a deed into the audit log. Without a deed nothing has changed and no bundle is made."""
        record_deed(
            self.session,
            tenant=self.tenant.tenant,
            actor=self.actor.key_id,
            action=action,
            target=target,
            now=self.now,
            **details,
        )
        self.recorded += 1


class TenantChanges:
    """Opens changes."""

    def __init__(self, database: Database, signing_key: Ed25519PrivateKey, clock: Clock) -> None:
        self._database, self._signing_key, self._clock = database, signing_key, clock

    def now(self) -> datetime:
        """The present, by the clock that dates changes."""
        return self._clock()

    @asynccontextmanager
    async def open(self, actor: Principal, tenant: str) -> AsyncIterator[Change]:
        """A transaction in which the actor changes the tenant.

        Raises:
            NotFoundError: there is no such tenant.
        """
        async with (
            transaction(self._database, actor, tenant) as session,
            self.within(session, actor, tenant) as change,
        ):
            yield change

    @asynccontextmanager
    async def within(self, session: AsyncSession, actor: Principal, tenant: str) -> AsyncIterator[Change]:
        """The same in a transaction that is already open.

        Raises:
            NotFoundError: there is no such tenant.
        """
        row = await lock_tenant(session, tenant)
        if row is None:
            raise NotFoundError("tenant", tenant, field="tenant")
        change = Change(session, row, actor, self._clock())
        yield change
        if change.recorded:
            await self._publish(change)

    async def _publish(self, change: Change) -> None:
        change.tenant.revision += 1
        change.tenant.updated_at = change.now
        await change.session.flush()
        bundle = await _compose(change)
        signed = sign(bundle, self._signing_key)
        row = BundleRow(
            tenant=bundle.tenant,
            revision=bundle.revision,
            digest=signed.digest,
            payload=signed.payload,
            signature=signed.signature,
        )
        await replace_bundle(change.session, row)


async def _compose(change: Change) -> Bundle:
    session, tenant = change.session, change.tenant
    stored = await load_stored(session, tenant.tenant)
    offered = await load_offered(session, tenant.tenant, stored)
    keys = await keys_in_force(session, tenant.tenant, change.now)
    rate_card = await find_rate_card(session, tenant.tenant, change.now)
    return Bundle(
        tenant=tenant.tenant,
        revision=tenant.revision,
        spec=tenant.document["spec"],
        definitions=tuple(map(_bundled, stored.current.values())),
        pinned=tuple(map(_bundled, offered.older)),
        references=offered.references,
        labels=offered.labels,
        keys=tuple(
            BundledKey(
                id=key.id,
                hash=key.hash,
                role=key.role,
                expires_at=key.expires_at.timestamp() if key.expires_at else None,
            )
            for key in keys
        ),
        rate_card=rate_card.prices if rate_card else {},
    )


def _bundled(row: DefinitionVersionRow) -> BundledDefinition:
    return BundledDefinition(
        kind=row.kind, name=row.name, version=row.version, digest=row.digest, document=row.document
    )
