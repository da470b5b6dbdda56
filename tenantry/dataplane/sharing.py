"""The stores that replicas share through Redis, each with what it falls back to. Opened by `stores`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.cache.redis import RedisResults
from tenantry.dataplane.circuits.fallback import FallbackCircuits
from tenantry.dataplane.circuits.redis import RedisCircuits
from tenantry.dataplane.limits.fallback import FallbackLimitStore
from tenantry.dataplane.limits.redis import RedisLimitStore
from tenantry.dataplane.redis.link import open_link
from tenantry.dataplane.redis.replicas import join_replicas
from tenantry.dataplane.settings import RedisDown, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.redis.link import RedisLink
    from tenantry.dataplane.redis.replicas import Replicas
    from tenantry.dataplane.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """What replicas share, and the way to it, as readiness shows it.

    Attributes:
        required: without Redis nothing is admitted.
    """

    link: RedisLink
    replicas: Replicas
    required: bool
    limits: FallbackLimitStore
    circuits: FallbackCircuits
    results: RedisResults


@asynccontextmanager
async def open_sharing(settings: Settings, clock: Clock) -> AsyncIterator[Sharing]:
    """The way to the Redis in the settings. One that is away delays this by a second and stops nothing.

    Raises:
        SettingsError: the address has a parameter that is unknown or wrong.
    """
    try:
        opened = open_link(settings.redis_url)
    except ValueError as error:
        raise SettingsError(f"TENANTRY_REDIS_URL: {error}") from None
    async with opened as link, join_replicas(link, clock) as replicas:
        yield Sharing(
            link=link,
            replicas=replicas,
            required=settings.redis_down is RedisDown.CLOSED,
            limits=FallbackLimitStore(RedisLimitStore(link), replicas, settings.redis_down),
            circuits=FallbackCircuits(RedisCircuits(link), link, replicas),
            results=RedisResults(link, replicas),
        )
