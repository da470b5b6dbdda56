"""The limit store of a single process: everything in memory, each decision one step without an await."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from tenantry.tenants.limits import Admission, Admitted, Limits, Usage, WindowCounts, decide

if TYPE_CHECKING:
    from tenantry.tenants.identity import Instant, TenantId

DEFAULT_LEASE_SECONDS: Final = 30.0


class _Ledger:
    """One tenant's counters and leases.

    `leases` maps execution to expiry, the soonest first: every lease lives equally long and a renewed one
    moves to the end, so expired ones are found at the front without a search.
    """

    __slots__ = ("counts", "leases")

    def __init__(self) -> None:
        self.counts: WindowCounts = {}
        self.leases: OrderedDict[str, float] = OrderedDict()

    def expire(self, now: float) -> None:
        while self.leases:
            execution_id, expires_at = next(iter(self.leases.items()))
            if expires_at > now:
                return
            del self.leases[execution_id]

    def lease(self, execution_id: str, expires_at: float) -> None:
        self.leases[execution_id] = expires_at
        self.leases.move_to_end(execution_id)


class MemoryLimitStore:
    """A `LimitStore` whose counters live and die with the process.

    Holds a few numbers per tenant and one entry per running execution, nothing per past request.
    """

    def __init__(self, *, lease_seconds: float = DEFAULT_LEASE_SECONDS) -> None:
        self.lease_seconds = lease_seconds
        self._ledgers: dict[TenantId, _Ledger] = {}

    async def admit(self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant) -> Admission:
        """See `LimitStore.admit`."""
        ledger = self._ledger(tenant, now)
        before = Usage(counts=ledger.counts, held=len(ledger.leases))
        admission, after = decide(limits, before, now)
        if isinstance(admission, Admitted):
            ledger.counts = after.counts
            ledger.lease(execution_id, now + self.lease_seconds)
        return admission

    async def renew(self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant) -> bool:
        """See `LimitStore.renew`."""
        ledger = self._ledger(tenant, now)
        bound = limits.concurrency
        if execution_id not in ledger.leases and bound is not None and len(ledger.leases) >= bound.limit:
            return False
        ledger.lease(execution_id, now + self.lease_seconds)
        return True

    def release(self, tenant: TenantId, execution_id: str) -> None:
        """See `LimitStore.release`."""
        if ledger := self._ledgers.get(tenant):
            ledger.leases.pop(execution_id, None)

    def _ledger(self, tenant: TenantId, now: Instant) -> _Ledger:
        ledger = self._ledgers.get(tenant)
        if ledger is None:
            ledger = self._ledgers[tenant] = _Ledger()
        ledger.expire(now)
        return ledger
