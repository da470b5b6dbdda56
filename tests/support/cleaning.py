"""Cleanups of tenants whose policies change, as one replica makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.eventually import eventually
from tests.support.tenants import make_bundle

if TYPE_CHECKING:
    import asyncpg

    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.dataplane.retention.cleanups import Cleanups
    from tenantry.dataplane.retention.log import Entry
    from tests.support.kept import Clock


@dataclass
class House:
    """Tenants and their cleanups, as one replica has them."""

    pool: asyncpg.Pool[asyncpg.Record]
    registry: Registry
    clock: Clock
    cleanups: Cleanups
    revision: int = 0

    async def serve(self, tenant: str = "acme", *, documents: str = "", **retention: str) -> None:
        """Serves a tenant with what its spec says of retention, or a new revision of it."""
        self.revision += 1
        spec = {"dataRetention": retention} if retention else {}
        await self.registry.install(make_bundle(tenant, self.revision, spec=spec, documents=documents))

    async def clean(self, tenant: str = "acme", *, dry_run: bool = False) -> Entry:
        """A cleanup by hand."""
        served = self.registry.tenant(tenant)
        assert served is not None
        return await self.cleanups.begin(served, "key", dry_run=dry_run)

    async def counted(self, tenant: str = "acme", *, dry_run: bool = False) -> dict[str, Any]:
        """What a cleanup by hand did, without what it did nothing to."""
        entry = await self.clean(tenant, dry_run=dry_run)
        assert entry.error is None
        return nonzero(entry.counts)


async def somebody_waits(connection: asyncpg.Connection, *, many: int = 1) -> None:
    """Returns once somebody, or so many, wait for locks."""

    async def waits() -> bool:
        waiting: int = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return waiting >= many

    await eventually(waits)


def nonzero(counts: dict[str, Any]) -> dict[str, Any]:
    shown = {kept: {name: count for name, count in of.items() if count} for kept, of in counts.items()}
    return {kept: of for kept, of in shown.items() if of}
