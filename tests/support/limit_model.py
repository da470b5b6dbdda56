"""A naive model of limits that remembers every request and lease: every limit store has to agree with it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tenantry.tenants.identity import Instant, TenantId
from tenantry.tenants.limits import (
    Admitted,
    ConcurrencyPolicy,
    Limits,
    Rejected,
    WindowPolicy,
)

if TYPE_CHECKING:
    from tenantry.dataplane.limits.port import LimitStore
    from tests.support.settling import Ask

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


async def release(store: LimitStore, tenant: TenantId, execution: str) -> None:
    """Gives a lease back where an event loop runs, as stores need it that are asked over a connection."""
    store.release(tenant, execution)


class StoreAgreesWithModel(RuleBasedStateMachine):
    """Does anything to a store and to the model, and finds no difference."""

    def __init__(self, store: LimitStore, ask: Ask) -> None:
        super().__init__()
        self.store, self.ask = store, ask
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
        admission = self.ask(self.store.admit(tenant, limits, execution, self.now))
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
        kept = self.ask(self.store.renew(tenant, limits, execution, self.now))
        assert kept is (alive or model.held(self.now) < bound)
        if kept:
            model.leases[execution] = self.now + LEASE_SECONDS

    @rule(tenant=TENANTS, execution=EXECUTIONS)
    def an_execution_ends(self, tenant: TenantId, execution: str) -> None:
        self.ask(release(self.store, tenant, execution))
        self.models[tenant].leases.pop(execution, None)
