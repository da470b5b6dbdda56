"""A naive model of circuits that remembers every call: what keeps circuits has to agree with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tenantry.dataplane.circuits.breaker import PROBE_SECONDS, Change, Order, Outcome, Refusal
from tenantry.dataplane.circuits.port import Permit
from tenantry.dataplane.circuits.view import CircuitStatus, circuit_name
from tenantry.language.plan.model import CircuitPolicy
from tenantry.tenants.identity import TenantId

if TYPE_CHECKING:
    from tenantry.dataplane.circuits.port import Circuits
    from tenantry.dataplane.circuits.view import CircuitView
    from tests.support.settling import Ask

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
    """Does anything to circuits and to the model, and finds no difference."""

    def __init__(self, circuits: Circuits, ask: Ask) -> None:
        super().__init__()
        self.circuits, self.ask = circuits, ask
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
            decision = self.ask(self.circuits.admit(tenant, upstream, policy, self.now))
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
        change = self.ask(self.circuits.report(call.permit, outcome, self.now))
        known = any(call.model is model for model in self.models.values())
        assert change == (call.model.conclude(call, outcome, self.now) if known else None)

    @rule(tenant=TENANTS, upstream=UPSTREAMS, policy=POLICIES, order=st.sampled_from(Order))
    def an_order_is_given(self, tenant: TenantId, upstream: str, policy: CircuitPolicy, order: Order) -> None:
        view = self.ask(self.circuits.obey(tenant, circuit_name(upstream, policy), order, self.now))
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
                for view in self.ask(self.circuits.snapshot(tenant, self.now))
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
