"""Bundles as data planes ask for them: the index, and one tenant's bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.controlplane.store.bundles import bundle_index, find_bundle
from tenantry.protocol.bundles import BundleEntry, BundleIndex, SignedBundle
from tenantry.tenants.identity import TenantId

if TYPE_CHECKING:
    from tenantry.controlplane.store.database import Database


class Bundles:
    """What data planes may read: everything that is signed for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def index(self) -> BundleIndex:
        """Which revision of which tenant's bundle is current."""
        async with self._database.platform() as session:
            rows = await bundle_index(session)
        return BundleIndex(
            entries=tuple(
                BundleEntry(tenant=tenant, revision=revision, digest=digest)
                for tenant, revision, digest in rows
            )
        )

    async def find(self, tenant: str) -> SignedBundle | None:
        """The tenant's bundle."""
        async with self._database.tenant(TenantId(tenant)) as session:
            row = await find_bundle(session, tenant)
        if row is None:
            return None
        return SignedBundle(payload=row.payload, digest=row.digest, signature=row.signature)
