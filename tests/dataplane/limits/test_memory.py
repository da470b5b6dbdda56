"""The store in memory against the model, and what only it has: decisions in one step, nothing that grows."""

from __future__ import annotations

import pickle

from hypothesis import settings
from hypothesis.stateful import invariant

from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.tenants.identity import Instant
from tenantry.tenants.limits import Admitted
from tests.support.limit_model import ACME, EPOCH, LEASE_SECONDS, StoreAgreesWithModel, limits
from tests.support.settling import settle


class MemoryStoreAgreesWithModel(StoreAgreesWithModel):
    def __init__(self) -> None:
        self.in_memory = MemoryLimitStore(lease_seconds=LEASE_SECONDS)
        super().__init__(self.in_memory, settle)

    @invariant()
    def leases_are_found_by_the_front_alone(self) -> None:
        for ledger in self.in_memory._ledgers.values():
            assert list(ledger.leases.values()) == sorted(ledger.leases.values())


TestMemoryStoreAgreesWithModel = MemoryStoreAgreesWithModel.TestCase
TestMemoryStoreAgreesWithModel.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


async def test_the_store_does_not_grow_with_past_requests() -> None:
    store = MemoryLimitStore(lease_seconds=LEASE_SECONDS)
    generous = limits(rate=10**6, hourly=10**6, concurrent=10)
    sizes: list[int] = []
    for requests in (100, 10_000):
        for number in range(requests):
            now = Instant(EPOCH + len(sizes) * 10_000 + number / 8)
            assert isinstance(await store.admit(ACME, generous, f"e{number}", now), Admitted)
            store.release(ACME, f"e{number}")
        sizes.append(len(pickle.dumps(store)))
    assert sizes[1] <= sizes[0] + 16
