"""The port of results that replicas share: what the result cache asks beside this process's own shelves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tenantry.dataplane.cache.shelf import Name
    from tenantry.language.values import Json
    from tenantry.tenants.identity import TenantId


@dataclass(frozen=True, slots=True)
class SharedResult:
    """A result, and when it came."""

    output: Json
    kept_at: float


class SharedResults(Protocol):
    """Keeps results for every replica, bounded per tenant. Without a way to them nothing is found or kept."""

    async def find(self, tenant: TenantId, name: Name, ttl_seconds: float, now: float) -> SharedResult | None:
        """The tenant's result of that name, unless it is as old as the reader will not have it."""
        ...

    async def keep(self, tenant: TenantId, name: Name, output: Json, ttl_seconds: float, now: float) -> None:
        """Keeps a result in the place of the last one of its name, if it is not too large."""
        ...
