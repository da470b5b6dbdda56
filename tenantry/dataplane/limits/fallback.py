"""Limits shared through Redis while it is there; what the operator has decided while it is not."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.limits.port import LimitsUnavailableError
from tenantry.dataplane.redis.pipeline import RedisDownError
from tenantry.dataplane.settings import RedisDown
from tenantry.tenants.identity import Instant
from tenantry.tenants.limits import Admission, Admitted, ConcurrencyPolicy, Limits, WindowPolicy

if TYPE_CHECKING:
    from tenantry.dataplane.limits.redis import RedisLimitStore
    from tenantry.dataplane.redis.replicas import Replicas
    from tenantry.tenants.identity import TenantId

_REMEMBERED_LIMITS: Final = 4096


class FallbackLimitStore:
    """A `LimitStore` that goes on without Redis.

    What this process admits is counted here as well: from the first moment without Redis it knows what it has
    used of its share. A call that Redis did not answer is never sent again, because it may have been counted.
    """

    def __init__(self, shared: RedisLimitStore, replicas: Replicas, when_down: RedisDown) -> None:
        self._shared, self._replicas, self._when_down = shared, replicas, when_down
        self._own = MemoryLimitStore(lease_seconds=shared.lease_seconds)

    @property
    def lease_seconds(self) -> float:
        """See `LimitStore.lease_seconds`."""
        return self._shared.lease_seconds

    async def admit(self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant) -> Admission:
        """See `LimitStore.admit`."""
        try:
            admission = await self._shared.admit(tenant, limits, execution_id, self._common(now))
        except RedisDownError:
            return await self._admit_alone(tenant, limits, execution_id, now)
        if isinstance(admission, Admitted):
            await self._own.admit(tenant, _without_bounds(limits), execution_id, now)
        return admission

    async def _admit_alone(
        self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant
    ) -> Admission:
        if self._when_down is RedisDown.CLOSED:
            raise LimitsUnavailableError
        if self._when_down is RedisDown.OPEN:
            return Admitted(snapshot=())  # of what is left nothing is known, and nothing is told
        return await self._own.admit(tenant, _share(limits, self._replicas.count), execution_id, now)

    async def renew(self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant) -> bool:
        """See `LimitStore.renew`. Without Redis a lease this process holds is kept, whatever was decided."""
        try:
            kept = await self._shared.renew(tenant, limits, execution_id, self._common(now))
        except RedisDownError:
            return await self._own.renew(tenant, self._bounds_alone(limits), execution_id, now)
        if kept:
            await self._own.renew(tenant, _without_bounds(limits), execution_id, now)
        return kept

    def release(self, tenant: TenantId, execution_id: str) -> None:
        """See `LimitStore.release`."""
        self._own.release(tenant, execution_id)
        self._shared.release(tenant, execution_id)

    def _bounds_alone(self, limits: Limits) -> Limits:
        if self._when_down is RedisDown.LOCAL:
            return _share(limits, self._replicas.count)
        return _without_bounds(limits) if self._when_down is RedisDown.OPEN else _NOTHING_MORE

    def _common(self, now: Instant) -> Instant:
        return Instant(now + self._replicas.offset_seconds)


_NOTHING_MORE: Final = Limits(concurrency=ConcurrencyPolicy("none", 0))


@lru_cache(_REMEMBERED_LIMITS)
def _share(limits: Limits, replicas: int) -> Limits:
    """What one of so many replicas may admit by itself: its part of every limit, at least one."""
    concurrency = limits.concurrency
    return Limits(
        windows=tuple(
            WindowPolicy(policy.name, max(1, policy.limit // replicas), policy.window_seconds)
            for policy in limits.windows
        ),
        concurrency=concurrency
        and ConcurrencyPolicy(concurrency.name, max(1, concurrency.limit // replicas)),
    )


@lru_cache(_REMEMBERED_LIMITS)
def _without_bounds(limits: Limits) -> Limits:
    """The same windows, to be counted in and never full."""
    return Limits(
        windows=tuple(
            WindowPolicy(policy.name, sys.maxsize, policy.window_seconds) for policy in limits.windows
        )
    )
