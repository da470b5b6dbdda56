"""Circuits shared through Redis while it is there, and this process's own while it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.dataplane.circuits.breaker import Refusal
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.circuits.port import Permit
from tenantry.dataplane.redis.pipeline import RedisDownError

if TYPE_CHECKING:
    from tenantry.dataplane.circuits.breaker import Change, Order, Outcome
    from tenantry.dataplane.circuits.redis import RedisCircuits
    from tenantry.dataplane.circuits.view import CircuitView
    from tenantry.dataplane.redis.link import RedisLink
    from tenantry.dataplane.redis.replicas import Replicas
    from tenantry.language.plan.model import CircuitPolicy
    from tenantry.tenants.identity import TenantId


class _OwnPermit(Permit, frozen=True):
    """Given by this process's own circuits: Redis knows nothing of it."""

    circuits: MemoryCircuits


class FallbackCircuits:
    """`Circuits` that go on without Redis, with new ones at every loss of it.

    A call is reported to whoever admitted it: generations of the two mean nothing to each other. What cannot
    be reported because Redis went away is lost, as if the caller had been cut off.
    """

    def __init__(self, shared: RedisCircuits, link: RedisLink, replicas: Replicas) -> None:
        self._shared, self._link, self._replicas = shared, link, replicas
        self._own = MemoryCircuits()
        self._connection = link.connections

    async def admit(
        self, tenant: TenantId, upstream: str, policy: CircuitPolicy, now: float
    ) -> Permit | Refusal:
        """See `Circuits.admit`."""
        try:
            return await self._shared.admit(tenant, upstream, policy, self._common(now))
        except RedisDownError:
            own = self._alone()
        decision = await own.admit(tenant, upstream, policy, now)
        if isinstance(decision, Refusal):
            return decision
        return _OwnPermit(tenant, upstream, policy, decision.ticket, own)

    async def report(self, permit: Permit, outcome: Outcome, now: float) -> Change | None:
        """See `Circuits.report`."""
        if isinstance(permit, _OwnPermit):
            return await permit.circuits.report(permit, outcome, now)
        try:
            return await self._shared.report(permit, outcome, self._common(now))
        except RedisDownError:
            return None

    async def snapshot(self, tenant: TenantId, now: float) -> list[CircuitView]:
        """See `Circuits.snapshot`."""
        try:
            return await self._shared.snapshot(tenant, self._common(now))
        except RedisDownError:
            return await self._alone().snapshot(tenant, now)

    async def obey(self, tenant: TenantId, name: str, order: Order, now: float) -> CircuitView | None:
        """See `Circuits.obey`. Without Redis, only this process obeys, and only until Redis is back."""
        try:
            return await self._shared.obey(tenant, name, order, self._common(now))
        except RedisDownError:
            return await self._alone().obey(tenant, name, order, now)

    def _common(self, now: float) -> float:
        return now + self._replicas.offset_seconds

    def _alone(self) -> MemoryCircuits:
        if self._connection != self._link.connections:  # Redis was back in between: nothing older matters
            self._own, self._connection = MemoryCircuits(), self._link.connections
        return self._own
