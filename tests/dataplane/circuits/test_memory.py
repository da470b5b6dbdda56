"""The circuits in memory against a naive model that remembers every call.

The model is also what circuits on Redis have to agree with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tenantry.dataplane.circuits.breaker import PROBE_SECONDS, Change, Order, Outcome, Refusal
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.circuits.port import Circuits, Permit
from tenantry.dataplane.circuits.view import CircuitStatus, circuit_name
from tenantry.language.plan.model import CircuitPolicy
from tenantry.tenants.identity import TenantId
from tests.support.settling import settle

if TYPE_CHECKING:
    from tenantry.dataplane.circuits.view import CircuitView

EPOCH = 1_700_000_000.0
IDLE_SECONDS = 600.0
ACME, GLOBEX = TenantId("acme"), TenantId("globex")
USERS, ORDERS = "https://users.example.com", "https://orders.example.com:8443"
POLICY = CircuitPolicy(failure_threshold=2, sampling_seconds=60.0, break_seconds=30.0, half_open_requests=1)
WIDE = CircuitPolicy(failure_threshold=3, sampling_seconds=45.0, break_seconds=15.0, half_open_requests=3)


@dataclass(eq=False)
class Call:
    """An admitted call as the model remembers it. `place`: it has one of the half-open period's places."""

    model: Model
    period: int
    began_at: float
    permit: Permit
    place: bool = True
    outcome: Outcome | None = None


@dataclass(eq=False)
class Model:
    """One circuit, remembered naively: every call it ever admitted, every instant of a failure."""

    policy: CircuitPolicy
    used_at: float
    state: str = "closed"
    period: int = 0
    opened_at: float = 0.0
    calls: list[Call] = field(default_factory=list)
    failed_at: list[float] = field(default_factory=list)

    def enter(self, state: str) -> None:
        self.state, self.period, self.failed_at = state, self.period + 1, []

    def open(self, now: float) -> Change:
        self.enter("open")
        self.opened_at = now
        return Change.OPENED

    def is_forgotten(self, now: float) -> bool:
        longest = max(self.policy.sampling_seconds, self.policy.break_seconds)
        return now - self.used_at >= IDLE_SECONDS + longest and not self.state.startswith("held")

    def in_places(self) -> list[Call]:
        return [call for call in self.calls if call.period == self.period and call.place]

    def admits(self, now: float) -> bool:
        if self.state == "open" and now >= self.opened_at + self.policy.break_seconds:
            self.enter("half-open")
        if self.state == "half-open":
            taken = self.in_places()
            if len(taken) < self.policy.half_open_requests:
                return True
            oldest = next(call for call in taken if call.outcome is None)
            oldest.place = now < oldest.began_at + PROBE_SECONDS
            return not oldest.place
        return self.state in {"closed", "held closed"}

    def conclude(self, call: Call, outcome: Outcome, now: float) -> Change | None:
        if call.period != self.period:
            return None
        if self.state == "closed" and outcome is Outcome.FAILURE:
            self.failed_at.append(now)
            if self.recent_failures(now) >= self.policy.failure_threshold:
                return self.open(now)
        if self.state == "half-open":
            call.outcome = outcome
            call.place = call.place and outcome is not Outcome.NEUTRAL
            if outcome is Outcome.FAILURE:
                return self.open(now)
            succeeded = [one for one in self.in_places() if one.outcome is Outcome.SUCCESS]
            if len(succeeded) >= self.policy.half_open_requests:
                self.enter("closed")
                return Change.CLOSED
        return None

    def recent_failures(self, now: float) -> int:
        return sum(1 for instant in self.failed_at if instant > now - self.policy.sampling_seconds)

    def status(self, now: float) -> CircuitStatus:
        if self.state == "open" and now >= self.opened_at + self.policy.break_seconds:
            return CircuitStatus.HALF_OPEN
        return CircuitStatus(self.state.removeprefix("held "))


TENANTS = st.sampled_from([ACME, GLOBEX])
UPSTREAMS = st.sampled_from([USERS, ORDERS])
POLICIES = st.sampled_from([POLICY, WIDE])
PAUSES = st.sampled_from([0.125, 1.0, 15.0, 29.875, 30.0, 45.0, PROBE_SECONDS, IDLE_SECONDS])


class CircuitsAgreeWithModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.circuits: Circuits = MemoryCircuits(idle_seconds=IDLE_SECONDS)
        self.models: dict[tuple[TenantId, str, CircuitPolicy], Model] = {}
        self.in_flight: list[Call] = []
        self.now = EPOCH

    @rule(seconds=PAUSES)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.models = {key: model for key, model in self.models.items() if not model.is_forgotten(self.now)}

    @rule(tenant=TENANTS, upstream=UPSTREAMS, policy=POLICIES, calls=st.integers(1, 4))
    def calls_are_asked_for(self, tenant: TenantId, upstream: str, policy: CircuitPolicy, calls: int) -> None:
        for _ in range(calls):
            model = self.models.setdefault((tenant, upstream, policy), Model(policy, self.now))
            model.used_at = self.now
            decision = settle(self.circuits.admit(tenant, upstream, policy, self.now))
            if not model.admits(self.now):
                assert isinstance(decision, Refusal)
                assert (decision.opened_at, decision.retry_after_seconds > 0) == (model.opened_at, True)
                continue
            assert isinstance(decision, Permit)
            call = Call(model, model.period, self.now, decision)
            model.calls.append(call)
            self.in_flight.append(call)

    @rule(choice=st.integers(0, 50), outcome=st.sampled_from(Outcome))
    def a_call_ends(self, choice: int, outcome: Outcome) -> None:
        if not self.in_flight:
            return
        call = self.in_flight.pop(choice % len(self.in_flight))
        change = settle(self.circuits.report(call.permit, outcome, self.now))
        known = any(call.model is model for model in self.models.values())
        assert change == (call.model.conclude(call, outcome, self.now) if known else None)

    @rule(tenant=TENANTS, upstream=UPSTREAMS, policy=POLICIES, order=st.sampled_from(Order))
    def an_order_is_given(self, tenant: TenantId, upstream: str, policy: CircuitPolicy, order: Order) -> None:
        view = settle(self.circuits.obey(tenant, circuit_name(upstream, policy), order, self.now))
        model = self.models.get((tenant, upstream, policy))
        if model is None:
            assert view is None
            return
        model.used_at = model.opened_at = self.now
        model.enter({Order.OPEN: "held open", Order.CLOSE: "held closed", Order.RESET: "closed"}[order])
        self._agrees(view, model)

    @invariant()
    def what_is_shown_is_what_the_model_says(self) -> None:
        for tenant in (ACME, GLOBEX):
            views = {
                (view.upstream, view.policy): view
                for view in settle(self.circuits.snapshot(tenant, self.now))
            }
            assert views.keys() == {key[1:] for key in self.models if key[0] == tenant}
            for key, view in views.items():
                self._agrees(view, self.models[tenant, *key])

    def _agrees(self, view: CircuitView | None, model: Model) -> None:
        assert view is not None
        assert (view.status, view.held) == (model.status(self.now), model.state.startswith("held"))
        assert view.failures == model.recent_failures(self.now)
        closed = view.status is CircuitStatus.CLOSED
        assert view.opened_at == (None if closed else model.opened_at)

    @invariant()
    def no_half_open_period_has_more_calls_than_places(self) -> None:
        for model in self.models.values():
            if model.state == "half-open":
                assert len(model.in_places()) <= model.policy.half_open_requests


TestCircuitsAgreeWithModel = CircuitsAgreeWithModel.TestCase
TestCircuitsAgreeWithModel.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def call(
    circuits: MemoryCircuits, tenant: TenantId = ACME, upstream: str = USERS, now: float = EPOCH
) -> Permit:
    decision = settle(circuits.admit(tenant, upstream, POLICY, now))
    assert isinstance(decision, Permit)
    return decision


def fail(
    circuits: MemoryCircuits, tenant: TenantId = ACME, upstream: str = USERS, now: float = EPOCH
) -> None:
    permits = [call(circuits, tenant, upstream, now) for _ in range(POLICY.failure_threshold)]
    changes = [settle(circuits.report(permit, Outcome.FAILURE, now)) for permit in permits]
    assert changes == [None, Change.OPENED]


def names(circuits: MemoryCircuits, tenant: TenantId = ACME, now: float = EPOCH) -> list[str]:
    return [view.upstream for view in settle(circuits.snapshot(tenant, now))]


def test_one_tenant_s_failures_never_open_another_s_circuit() -> None:
    circuits = MemoryCircuits()
    fail(circuits, ACME)
    assert isinstance(settle(circuits.admit(ACME, USERS, POLICY, EPOCH)), Refusal)
    call(circuits, GLOBEX)
    assert [view.failures for view in settle(circuits.snapshot(GLOBEX, EPOCH))] == [0]


def test_upstreams_and_policies_have_circuits_of_their_own() -> None:
    circuits = MemoryCircuits()
    fail(circuits)
    call(circuits, upstream=ORDERS)
    assert isinstance(settle(circuits.admit(ACME, USERS, WIDE, EPOCH)), Permit)


def test_an_order_for_another_tenant_s_circuit_finds_nothing() -> None:
    circuits = MemoryCircuits()
    call(circuits, ACME)
    name = circuit_name(USERS, POLICY)
    assert settle(circuits.obey(GLOBEX, name, Order.OPEN, EPOCH)) is None
    call(circuits, ACME)


def test_a_late_permit_of_a_forgotten_circuit_does_nothing_to_the_one_after_it() -> None:
    circuits = MemoryCircuits(idle_seconds=IDLE_SECONDS)
    old = [call(circuits) for _ in range(3)]
    later = EPOCH + IDLE_SECONDS + POLICY.sampling_seconds
    assert settle(circuits.report(old.pop(), Outcome.FAILURE, later)) is None
    call(circuits, now=later)
    assert [settle(circuits.report(permit, Outcome.FAILURE, later)) for permit in old] == [None, None]
    assert [view.failures for view in settle(circuits.snapshot(ACME, later))] == [0]


def test_no_generation_comes_back_whichever_circuit_is_forgotten_last() -> None:
    circuits = MemoryCircuits(idle_seconds=IDLE_SECONDS)
    fail(circuits)
    tried = EPOCH + POLICY.break_seconds
    assert settle(circuits.report(call(circuits, now=tried), Outcome.SUCCESS, tried)) is Change.CLOSED
    old = call(circuits, now=tried)
    call(circuits, upstream=ORDERS, now=tried)
    later = tried + IDLE_SECONDS + POLICY.sampling_seconds
    assert names(circuits, now=later) == []
    fail(circuits, now=later)
    call(circuits, now=later + POLICY.break_seconds)
    assert settle(circuits.report(old, Outcome.FAILURE, later + POLICY.break_seconds)) is None


def test_idle_circuits_of_any_tenant_are_forgotten_as_others_begin() -> None:
    circuits = MemoryCircuits(idle_seconds=IDLE_SECONDS)
    call(circuits)
    settle(circuits.obey(ACME, circuit_name(USERS, POLICY), Order.OPEN, EPOCH))
    for number in range(50):
        call(circuits, TenantId(f"tenant-{number}"))
    later = EPOCH + IDLE_SECONDS + POLICY.sampling_seconds
    for number in range(102):
        call(circuits, GLOBEX, f"https://{number}.example.com", later)
    assert set(circuits._tenants) == {ACME, GLOBEX}


def test_a_held_circuit_is_never_idle() -> None:
    circuits = MemoryCircuits(idle_seconds=IDLE_SECONDS)
    call(circuits)
    settle(circuits.obey(ACME, circuit_name(USERS, POLICY), Order.OPEN, EPOCH))
    assert isinstance(settle(circuits.admit(ACME, USERS, POLICY, EPOCH + 1e9)), Refusal)
    assert names(circuits, now=EPOCH + 2e9) == [USERS]


def test_a_tenant_over_its_bound_loses_the_circuit_it_needed_least_and_its_neighbour_none() -> None:
    circuits = MemoryCircuits(max_per_tenant=3)
    call(circuits, GLOBEX)
    for number in range(3):
        call(circuits, upstream=f"https://{number}", now=EPOCH + number)
    settle(circuits.obey(ACME, circuit_name("https://0", POLICY), Order.OPEN, EPOCH))
    call(circuits, upstream="https://3", now=EPOCH + 3)
    assert sorted(names(circuits)) == ["https://0", "https://2", "https://3"]
    assert names(circuits, GLOBEX) == [USERS]


def test_circuits_that_are_all_held_stay_within_the_bound() -> None:
    circuits = MemoryCircuits(max_per_tenant=2)
    for number in range(4):
        call(circuits, upstream=f"https://{number}", now=EPOCH + number)
        settle(circuits.obey(ACME, circuit_name(f"https://{number}", POLICY), Order.CLOSE, EPOCH + number))
    assert sorted(names(circuits)) == ["https://2", "https://3"]


@pytest.mark.parametrize(
    ("upstream", "place"),
    [(USERS, "users.example.com"), (ORDERS, "orders.example.com-8443"), ("http://[::1]:80", "1-80")],
)
def test_a_name_fits_into_a_path_and_begins_with_the_host(upstream: str, place: str) -> None:
    name = circuit_name(upstream, POLICY)
    assert name.startswith(f"{place}-")
    assert name.replace(".", "").replace("-", "").isalnum()


def test_no_two_upstreams_or_policies_have_one_name() -> None:
    upstreams = [USERS, ORDERS, "http://users.example.com", "https://users.example.com:80"]
    assert len({circuit_name(upstream, policy) for upstream in upstreams for policy in (POLICY, WIDE)}) == 8
