"""What a data plane keeps of its tenants beside the journal: limits, circuits, results. Built by the process.

With a Redis, replicas share them and work as one; without, or while it is away, they are this process's own.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.cache.redis import RedisResults
from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.circuits.fallback import FallbackCircuits
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.circuits.redis import RedisCircuits
from tenantry.dataplane.limits.fallback import FallbackLimitStore
from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.limits.redis import RedisLimitStore
from tenantry.dataplane.redis.link import open_link
from tenantry.dataplane.redis.replicas import join_replicas
from tenantry.dataplane.settings import RedisDown, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.circuits.port import Circuits
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.limits.port import LimitStore
    from tenantry.dataplane.redis.link import RedisLink
    from tenantry.dataplane.redis.replicas import Replicas
    from tenantry.dataplane.settings import Settings


@dataclass(frozen=True, slots=True)
class Sharing:
    """The way to other replicas, as readiness shows it.

    Attributes:
        required: without Redis nothing is admitted.
    """

    link: RedisLink
    replicas: Replicas
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores of one process. `sharing` is `None` when there is no Redis."""

    limits: LimitStore
    circuits: Circuits
    cache: ResultCache
    sharing: Sharing | None = None


@asynccontextmanager
async def open_stores(settings: Settings, clock: Clock) -> AsyncIterator[Stores]:
    """The stores as the settings want them. A Redis that is away delays them by a second and stops nothing.

    Raises:
        SettingsError: the address of Redis has a parameter that is unknown or wrong.
    """
    if not settings.redis_url:
        yield Stores(limits=MemoryLimitStore(), circuits=MemoryCircuits(), cache=ResultCache())
        return
    try:
        opened = open_link(settings.redis_url)
    except ValueError as error:
        raise SettingsError(f"TENANTRY_REDIS_URL: {error}") from None
    async with opened as link, join_replicas(link, clock) as replicas:
        yield Stores(
            limits=FallbackLimitStore(RedisLimitStore(link), replicas, settings.redis_down),
            circuits=FallbackCircuits(RedisCircuits(link), link, replicas),
            cache=ResultCache(shared=RedisResults(link, replicas)),
            sharing=Sharing(link, replicas, required=settings.redis_down is RedisDown.CLOSED),
        )
