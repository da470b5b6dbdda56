"""The circuits of a single process: everything in memory, each decision one step without an await."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeAlias

from tenantry.dataplane.circuits import breaker
from tenantry.dataplane.circuits.breaker import Circuit, Closed, HeldClosed, HeldOpen, Refusal
from tenantry.dataplane.circuits.port import Permit
from tenantry.dataplane.circuits.view import CircuitView, circuit_name, view_circuit

if TYPE_CHECKING:
    from tenantry.dataplane.circuits.breaker import Change, Order, Outcome
    from tenantry.language.plan.model import CircuitPolicy
    from tenantry.tenants.identity import TenantId

DEFAULT_IDLE_SECONDS: Final = 3600.0
DEFAULT_MAX_PER_TENANT: Final = 256


class _Kept:
    """One circuit, and when it was last asked for."""

    __slots__ = ("circuit", "keep_seconds", "used_at")

    def __init__(self, circuit: Circuit, keep_seconds: float, used_at: float) -> None:
        self.circuit, self.keep_seconds, self.used_at = circuit, keep_seconds, used_at

    @property
    def held(self) -> bool:
        return isinstance(self.circuit, HeldOpen | HeldClosed)

    @property
    def ends_at(self) -> float:
        return self.used_at + self.keep_seconds

    def is_idle(self, now: float) -> bool:
        return now >= self.ends_at and not self.held


_Key: TypeAlias = "tuple[str, CircuitPolicy]"


class MemoryCircuits:
    """`Circuits` that live and die with the process.

    Args:
        idle_seconds: a circuit that nobody asked for so much longer than its own durations is forgotten.
        max_per_tenant: beyond it, a tenant's circuit that would be forgotten first is, at once; those a
            person holds go last.
    """

    def __init__(
        self,
        *,
        idle_seconds: float = DEFAULT_IDLE_SECONDS,
        max_per_tenant: int = DEFAULT_MAX_PER_TENANT,
    ) -> None:
        self._idle_seconds, self._max_per_tenant = idle_seconds, max_per_tenant
        self._tenants: OrderedDict[TenantId, dict[_Key, _Kept]] = OrderedDict()
        # Above every generation forgotten: a permit of a forgotten circuit means nothing to its successor.
        self._next_generation = 0

    async def admit(
        self, tenant: TenantId, upstream: str, policy: CircuitPolicy, now: float
    ) -> Permit | Refusal:
        """See `Circuits.admit`."""
        kept = self._find(tenant, (upstream, policy), now) or self._begin(tenant, (upstream, policy), now)
        kept.used_at = now
        kept.circuit, decision = breaker.admit(kept.circuit, policy, now)
        if isinstance(decision, Refusal):
            return decision
        return Permit(tenant, upstream, policy, decision)

    async def report(self, permit: Permit, outcome: Outcome, now: float) -> Change | None:
        """See `Circuits.report`."""
        kept = self._find(permit.tenant, (permit.upstream, permit.policy), now)
        if kept is None:
            return None
        kept.circuit, change = breaker.report(kept.circuit, permit.policy, permit.ticket, outcome, now)
        return change

    async def snapshot(self, tenant: TenantId, now: float) -> list[CircuitView]:
        """See `Circuits.snapshot`."""
        self._forget_idle(tenant, now)
        circuits = self._tenants.get(tenant, {})
        views = (view_circuit(*key, kept.circuit, now) for key, kept in circuits.items())
        return sorted(views, key=lambda view: view.name)

    async def obey(self, tenant: TenantId, name: str, order: Order, now: float) -> CircuitView | None:
        """See `Circuits.obey`."""
        self._forget_idle(tenant, now)
        for key, kept in self._tenants.get(tenant, {}).items():
            if circuit_name(*key) == name:
                kept.used_at = now
                kept.circuit = breaker.obey(kept.circuit, order, now)
                return view_circuit(*key, kept.circuit, now)
        return None

    def _find(self, tenant: TenantId, key: _Key, now: float) -> _Kept | None:
        circuits = self._tenants.get(tenant)
        kept = circuits.get(key) if circuits else None
        return None if kept is None or kept.is_idle(now) else kept

    def _begin(self, tenant: TenantId, key: _Key, now: float) -> _Kept:
        # Forgetting is paid for by what is begun: a beginning looks at its tenant and, in turn, at another.
        self._forget_idle(tenant, now)
        if self._tenants:
            other = next(iter(self._tenants))
            self._tenants.move_to_end(other)
            self._forget_idle(other, now)
        circuits = self._tenants.setdefault(tenant, {})
        if len(circuits) >= self._max_per_tenant:
            self._forget(circuits, min(circuits, key=lambda key: (circuits[key].held, circuits[key].ends_at)))
        _, policy = key
        keep_seconds = self._idle_seconds + max(policy.sampling_seconds, policy.break_seconds)
        kept = circuits[key] = _Kept(Closed(generation=self._next_generation), keep_seconds, now)
        return kept

    def _forget_idle(self, tenant: TenantId, now: float) -> None:
        circuits = self._tenants.get(tenant, {})
        for key in [key for key, kept in circuits.items() if kept.is_idle(now)]:
            self._forget(circuits, key)
        if not circuits:
            self._tenants.pop(tenant, None)

    def _forget(self, circuits: dict[_Key, _Kept], key: _Key) -> None:
        self._next_generation = max(self._next_generation, circuits.pop(key).circuit.generation + 1)
