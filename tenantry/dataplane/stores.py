"""What a data plane keeps of its tenants beside the journal: limits, circuits, results. Built by the process.

With a Redis, replicas share them and work as one; without, or while it is away, they are this process's own.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.limits.memory import MemoryLimitStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.circuits.port import Circuits
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.limits.port import LimitStore
    from tenantry.dataplane.settings import Settings
    from tenantry.dataplane.sharing import Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores of one process. `sharing` is `None` when there is no Redis."""

    limits: LimitStore
    circuits: Circuits
    cache: ResultCache
    sharing: Sharing | None = None


@asynccontextmanager
async def open_stores(settings: Settings, clock: Clock) -> AsyncIterator[Stores]:
    """The stores as the settings want them. See `open_sharing` for what may fail."""
    if not settings.redis_url:
        yield Stores(limits=MemoryLimitStore(), circuits=MemoryCircuits(), cache=ResultCache())
        return
    # Not above: a process without a Redis saves a sixth of its start and 20 MiB.
    from tenantry.dataplane.sharing import open_sharing  # noqa: PLC0415

    async with open_sharing(settings, clock) as sharing:
        yield Stores(
            limits=sharing.limits,
            circuits=sharing.circuits,
            cache=ResultCache(shared=sharing.results),
            sharing=sharing,
        )
