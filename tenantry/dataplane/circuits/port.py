"""The port of circuits: what runs tasks and what shows circuits ask, whatever keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from tenantry.dataplane.circuits.breaker import Ticket  # noqa: TC001  (msgspec resolves annotations)
from tenantry.language.plan.model import CircuitPolicy  # noqa: TC001  (the same)
from tenantry.tenants.identity import TenantId  # noqa: TC001  (the same)

if TYPE_CHECKING:
    from tenantry.dataplane.circuits.breaker import Change, Order, Outcome, Refusal
    from tenantry.dataplane.circuits.view import CircuitView


class Permit(msgspec.Struct, frozen=True):
    """Leave to call an upstream once. Whoever holds it reports it once, however the call ends."""

    tenant: TenantId
    upstream: str
    policy: CircuitPolicy
    ticket: Ticket


class Circuits(Protocol):
    """Keeps a circuit per tenant, upstream and policy. Each call is one atomic step.

    A circuit exists from its first call on; one that nobody asked for in a long time begins anew, unless a
    person holds it. `upstream` is an origin such as `https://users.example.com`. Instants never decrease.
    """

    async def admit(
        self, tenant: TenantId, upstream: str, policy: CircuitPolicy, now: float
    ) -> Permit | Refusal:
        """Decides whether a call may be made."""
        ...

    async def report(self, permit: Permit, outcome: Outcome, now: float) -> Change | None:
        """Takes in how the call ended; tells what that did to the circuit."""
        ...

    async def snapshot(self, tenant: TenantId, now: float) -> list[CircuitView]:
        """The tenant's circuits, by name."""
        ...

    async def obey(self, tenant: TenantId, name: str, order: Order, now: float) -> CircuitView | None:
        """Carries a person's order out; `None` when the tenant has no circuit of that name."""
        ...
