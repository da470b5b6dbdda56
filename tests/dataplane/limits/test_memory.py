"""The store in memory against a naive model that remembers every request and lease.

The model is also what the store on Redis has to agree with.
"""

from __future__ import annotations

import pickle
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.limits.port import LimitStore
from tenantry.tenants.identity import Instant, TenantId
from tenantry.tenants.limits import (
    Admitted,
    ConcurrencyPolicy,
    Limits,
    Rejected,
    WindowPolicy,
)
from tests.support.settling import settle

EPOCH = 1_700_000_000.0
LEASE_SECONDS = 30.0
ACME, GLOBEX = TenantId("acme"), TenantId("globex")
WINDOW_SECONDS = {"rate-limit": 2.0, "workflows-per-hour": 3600.0}


def limits(rate: int, hourly: int, concurrent: int | None) -> Limits:
    return Limits(
        windows=(
            WindowPolicy("rate-limit", rate, WINDOW_SECONDS["rate-limit"]),
            WindowPolicy("workflows-per-hour", hourly, WINDOW_SECONDS["workflows-per-hour"]),
        ),
        concurrency=ConcurrencyPolicy("concurrent-workflows", concurrent) if concurrent else None,
    )


class Model:
    """One tenant, remembered naively: the moments of all admitted requests, the end of each lease."""

    def __init__(self) -> None:
        self.admitted: list[float] = []
        self.leases: dict[str, float] = {}

    def held(self, now: float) -> int:
        return sum(1 for end in self.leases.values() if end > now)

    def used(self, seconds: float, now: float) -> int:
        index = now // seconds
        current = sum(1 for moment in self.admitted if moment // seconds == index)
        previous = sum(1 for moment in self.admitted if moment // seconds == index - 1)
        covered = 1 - (Fraction(now) - Fraction(index * seconds)) / Fraction(seconds)
        return current + int(previous * covered)

    def violated(self, limits: Limits, now: float) -> tuple[str, ...]:
        names = [
            policy.name for policy in limits.windows if self.used(policy.window_seconds, now) >= policy.limit
        ]
        if limits.concurrency and self.held(now) >= limits.concurrency.limit:
            names.append(limits.concurrency.name)
        return tuple(names)


TENANTS = st.sampled_from([ACME, GLOBEX])
EXECUTIONS = st.integers(0, 20).map(lambda number: f"request-{number}") | st.just("recovered")
LIMITS = st.builds(limits, st.integers(1, 4), st.integers(1, 12), st.none() | st.integers(1, 3))


class StoreAgreesWithModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store: LimitStore = MemoryLimitStore(lease_seconds=LEASE_SECONDS)
        self.models = {ACME: Model(), GLOBEX: Model()}
        self.now = Instant(EPOCH)
        self.requests = 0

    @rule(seconds=st.sampled_from([0.125, 0.5, 1.0, 2.0, 15.0, LEASE_SECONDS, 1800.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.now = Instant(self.now + seconds)

    @rule(tenant=TENANTS, limits=LIMITS)
    def a_request_comes(self, tenant: TenantId, limits: Limits) -> None:
        model, execution = self.models[tenant], f"request-{self.requests}"
        violated = model.violated(limits, self.now)
        admission = settle(self.store.admit(tenant, limits, execution, self.now))
        if violated:
            assert isinstance(admission, Rejected)
            assert admission.violated == violated
            assert admission.retry_after_seconds >= 0
        else:
            assert isinstance(admission, Admitted)
            model.admitted.append(self.now)
            model.leases[execution] = self.now + LEASE_SECONDS
            self.requests += 1
        self._check_snapshot(model, limits, admission)

    def _check_snapshot(self, model: Model, limits: Limits, admission: Admitted | Rejected) -> None:
        remaining = {state.policy.name: state.remaining for state in admission.snapshot}
        for policy in limits.windows:
            used = model.used(policy.window_seconds, self.now)
            assert remaining[policy.name] == max(0, policy.limit - used)
        if limits.concurrency:
            held = model.held(self.now)
            assert remaining[limits.concurrency.name] == max(0, limits.concurrency.limit - held)

    @rule(tenant=TENANTS, limits=LIMITS, execution=EXECUTIONS)
    def an_execution_is_renewed(self, tenant: TenantId, limits: Limits, execution: str) -> None:
        if execution.startswith("request-") and int(execution.removeprefix("request-")) >= self.requests:
            execution = "recovered"
        model = self.models[tenant]
        alive = model.leases.get(execution, 0.0) > self.now
        bound = limits.concurrency.limit if limits.concurrency else 10**9
        kept = settle(self.store.renew(tenant, limits, execution, self.now))
        assert kept is (alive or model.held(self.now) < bound)
        if kept:
            model.leases[execution] = self.now + LEASE_SECONDS

    @rule(tenant=TENANTS, execution=EXECUTIONS)
    def an_execution_ends(self, tenant: TenantId, execution: str) -> None:
        settle(self.store.release(tenant, execution))
        self.models[tenant].leases.pop(execution, None)

    @invariant()
    def leases_are_found_by_the_front_alone(self) -> None:
        assert isinstance(self.store, MemoryLimitStore)
        for ledger in self.store._ledgers.values():
            assert list(ledger.leases.values()) == sorted(ledger.leases.values())


StoreAgreesWithModel.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestStoreAgreesWithModel = StoreAgreesWithModel.TestCase


@pytest.fixture
def store() -> MemoryLimitStore:
    return MemoryLimitStore(lease_seconds=LEASE_SECONDS)


def test_the_store_answers_every_call_of_the_port(store: MemoryLimitStore) -> None:
    calls = {name for name in vars(LimitStore) if not name.startswith("_")}
    assert calls == {"admit", "renew", "release", "lease_seconds"}
    assert all(hasattr(store, name) for name in calls)


async def test_a_burst_is_admitted_up_to_the_limit_and_no_further(store: MemoryLimitStore) -> None:
    two = limits(rate=2, hourly=100, concurrent=None)
    admissions = [await store.admit(ACME, two, f"e{number}", Instant(EPOCH)) for number in range(4)]
    assert [isinstance(admission, Admitted) for admission in admissions] == [True, True, False, False]


async def test_one_tenants_requests_take_nothing_from_another(store: MemoryLimitStore) -> None:
    one = limits(rate=1, hourly=1, concurrent=1)
    assert isinstance(await store.admit(ACME, one, "e1", Instant(EPOCH)), Admitted)
    assert isinstance(await store.admit(ACME, one, "e2", Instant(EPOCH)), Rejected)
    assert isinstance(await store.admit(GLOBEX, one, "e1", Instant(EPOCH)), Admitted)


async def test_when_all_holders_die_full_capacity_is_back_within_one_lease(store: MemoryLimitStore) -> None:
    three = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 3))
    for number in range(3):
        await store.admit(ACME, three, f"dead-{number}", Instant(EPOCH + number))
    last = Instant(EPOCH + 2 + LEASE_SECONDS)
    for number in range(3):
        assert isinstance(await store.admit(ACME, three, f"next-{number}", last), Admitted)
    assert isinstance(await store.admit(ACME, three, "one-too-many", last), Rejected)


async def test_a_renewed_lease_outlives_its_first_term(store: MemoryLimitStore) -> None:
    one = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 1))
    await store.admit(ACME, one, "long", Instant(EPOCH))
    for step in range(1, 10):
        now = Instant(EPOCH + step * LEASE_SECONDS / 2)
        assert await store.renew(ACME, one, "long", now)
        assert isinstance(await store.admit(ACME, one, "other", now), Rejected)


async def test_a_lease_that_expired_is_not_taken_back_from_who_has_it_now(store: MemoryLimitStore) -> None:
    one = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 1))
    await store.admit(ACME, one, "stalled", Instant(EPOCH))
    later = Instant(EPOCH + LEASE_SECONDS)
    assert isinstance(await store.admit(ACME, one, "next", later), Admitted)
    assert not await store.renew(ACME, one, "stalled", later)


async def test_an_execution_taken_over_is_leased_but_not_counted_again(store: MemoryLimitStore) -> None:
    one = limits(rate=1, hourly=1, concurrent=2)
    assert await store.renew(ACME, one, "recovered", Instant(EPOCH))
    admission = await store.admit(ACME, one, "fresh", Instant(EPOCH))
    assert isinstance(admission, Admitted)
    assert {state.policy.name: state.remaining for state in admission.snapshot}["concurrent-workflows"] == 0


async def test_releasing_what_nobody_holds_does_nothing(store: MemoryLimitStore) -> None:
    await store.release(ACME, "unknown")
    one = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 1))
    await store.admit(ACME, one, "e1", Instant(EPOCH))
    await store.release(ACME, "unknown")
    await store.release(GLOBEX, "e1")
    assert isinstance(await store.admit(ACME, one, "e2", Instant(EPOCH)), Rejected)


async def test_the_store_does_not_grow_with_past_requests(store: MemoryLimitStore) -> None:
    generous = limits(rate=10**6, hourly=10**6, concurrent=10)
    sizes: list[int] = []
    for requests in (100, 10_000):
        for number in range(requests):
            now = Instant(EPOCH + len(sizes) * 10_000 + number / 8)
            assert isinstance(await store.admit(ACME, generous, f"e{number}", now), Admitted)
            await store.release(ACME, f"e{number}")
        sizes.append(len(pickle.dumps(store)))
    assert sizes[1] <= sizes[0] + 16
