"""Whatever keeps limits: bursts, tenants apart, leases that end, expire and are taken again."""

from __future__ import annotations

import pytest

from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.limits.port import LimitStore
from tenantry.dataplane.limits.redis import RedisLimitStore
from tenantry.tenants.identity import Instant
from tenantry.tenants.limits import Admitted, ConcurrencyPolicy, Limits, Rejected
from tests.support.limit_model import ACME, EPOCH, GLOBEX, LEASE_SECONDS, limits


@pytest.mark.parametrize("kind", [MemoryLimitStore, RedisLimitStore])
def test_every_store_answers_every_call_of_the_port(kind: type) -> None:
    calls = {name for name in vars(LimitStore) if not name.startswith("_")} - {"lease_seconds"}
    assert calls == {"admit", "renew", "release"}
    assert all(hasattr(kind, name) for name in calls)


async def test_a_burst_is_admitted_up_to_the_limit_and_no_further(store: LimitStore) -> None:
    two = limits(rate=2, hourly=100, concurrent=None)
    admissions = [await store.admit(ACME, two, f"e{number}", Instant(EPOCH)) for number in range(4)]
    assert [isinstance(admission, Admitted) for admission in admissions] == [True, True, False, False]


async def test_one_tenants_requests_take_nothing_from_another(store: LimitStore) -> None:
    one = limits(rate=1, hourly=1, concurrent=1)
    assert isinstance(await store.admit(ACME, one, "e1", Instant(EPOCH)), Admitted)
    assert isinstance(await store.admit(ACME, one, "e2", Instant(EPOCH)), Rejected)
    assert isinstance(await store.admit(GLOBEX, one, "e1", Instant(EPOCH)), Admitted)


async def test_when_all_holders_die_full_capacity_is_back_within_one_lease(store: LimitStore) -> None:
    three = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 3))
    for number in range(3):
        await store.admit(ACME, three, f"dead-{number}", Instant(EPOCH + number))
    last = Instant(EPOCH + 2 + LEASE_SECONDS)
    for number in range(3):
        assert isinstance(await store.admit(ACME, three, f"next-{number}", last), Admitted)
    assert isinstance(await store.admit(ACME, three, "one-too-many", last), Rejected)


async def test_a_renewed_lease_outlives_its_first_term(store: LimitStore) -> None:
    one = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 1))
    await store.admit(ACME, one, "long", Instant(EPOCH))
    for step in range(1, 10):
        now = Instant(EPOCH + step * LEASE_SECONDS / 2)
        assert await store.renew(ACME, one, "long", now)
        assert isinstance(await store.admit(ACME, one, "other", now), Rejected)


async def test_a_lease_that_expired_is_not_taken_back_from_who_has_it_now(store: LimitStore) -> None:
    one = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 1))
    await store.admit(ACME, one, "stalled", Instant(EPOCH))
    later = Instant(EPOCH + LEASE_SECONDS)
    assert isinstance(await store.admit(ACME, one, "next", later), Admitted)
    assert not await store.renew(ACME, one, "stalled", later)


async def test_an_execution_taken_over_is_leased_but_not_counted_again(store: LimitStore) -> None:
    one = limits(rate=1, hourly=1, concurrent=2)
    assert await store.renew(ACME, one, "recovered", Instant(EPOCH))
    admission = await store.admit(ACME, one, "fresh", Instant(EPOCH))
    assert isinstance(admission, Admitted)
    assert {state.policy.name: state.remaining for state in admission.snapshot}["concurrent-workflows"] == 0


async def test_releasing_what_nobody_holds_does_nothing(store: LimitStore) -> None:
    store.release(ACME, "unknown")
    one = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 1))
    await store.admit(ACME, one, "e1", Instant(EPOCH))
    store.release(ACME, "unknown")
    store.release(GLOBEX, "e1")
    assert isinstance(await store.admit(ACME, one, "e2", Instant(EPOCH)), Rejected)
