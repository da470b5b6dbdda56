"""Circuits as tests call them, whatever keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.circuits.breaker import Change, Outcome, Refusal
from tenantry.dataplane.circuits.port import Permit
from tenantry.dataplane.circuits.view import circuit_name
from tests.support.circuit_model import ACME, EPOCH, POLICY, USERS

if TYPE_CHECKING:
    from tenantry.dataplane.circuits.breaker import Order
    from tenantry.dataplane.circuits.port import Circuits
    from tenantry.dataplane.circuits.view import CircuitView
    from tenantry.language.plan.model import CircuitPolicy
    from tenantry.tenants.identity import TenantId
    from tests.support.settling import Ask


@dataclass(frozen=True)
class CircuitCalls:
    """Short for what tests ask again and again."""

    circuits: Circuits
    ask: Ask

    def admit(
        self,
        tenant: TenantId = ACME,
        upstream: str = USERS,
        now: float = EPOCH,
        policy: CircuitPolicy = POLICY,
    ) -> Permit | Refusal:
        return self.ask(self.circuits.admit(tenant, upstream, policy, now))

    def refuses(self, tenant: TenantId = ACME, upstream: str = USERS, now: float = EPOCH) -> bool:
        return isinstance(self.admit(tenant, upstream, now), Refusal)

    def call(self, tenant: TenantId = ACME, upstream: str = USERS, now: float = EPOCH) -> Permit:
        """An admitted call."""
        decision = self.admit(tenant, upstream, now)
        assert isinstance(decision, Permit)
        return decision

    def report(self, permit: Permit, outcome: Outcome, now: float = EPOCH) -> Change | None:
        return self.ask(self.circuits.report(permit, outcome, now))

    def fail(self, tenant: TenantId = ACME, upstream: str = USERS, now: float = EPOCH) -> None:
        """As many failures as it takes to open."""
        permits = [self.call(tenant, upstream, now) for _ in range(POLICY.failure_threshold)]
        changes = [self.report(permit, Outcome.FAILURE, now) for permit in permits]
        assert changes == [None, Change.OPENED]

    def order(
        self, order: Order, tenant: TenantId = ACME, upstream: str = USERS, now: float = EPOCH
    ) -> CircuitView | None:
        return self.ask(self.circuits.obey(tenant, circuit_name(upstream, POLICY), order, now))

    def views(self, tenant: TenantId = ACME, now: float = EPOCH) -> list[CircuitView]:
        return self.ask(self.circuits.snapshot(tenant, now))

    def upstreams(self, tenant: TenantId = ACME, now: float = EPOCH) -> list[str]:
        return [view.upstream for view in self.views(tenant, now)]
