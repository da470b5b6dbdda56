"""The port of limit stores: what the gateway and the execution driver ask, whatever keeps the counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tenantry.tenants.identity import Instant, TenantId
    from tenantry.tenants.limits import Admission, Limits


class LimitsUnavailableError(Exception):
    """What tenants use cannot be asked, and the operator has decided that nothing is admitted then."""

    code = "limits-unavailable"

    def __init__(self) -> None:
        super().__init__("the limits cannot be checked: Redis is not reachable")


class OverLimitError(Exception):
    """The tenant's limits have no room for it now. `violated` names them. Nothing has begun."""

    def __init__(self, violated: tuple[str, ...]) -> None:
        super().__init__(f"the limit {', '.join(violated)} is reached")
        self.violated = violated


class LimitStore(Protocol):
    """Keeps what every tenant uses. Each call is one atomic step.

    An admitted execution holds a lease, which counts against the tenant's concurrency until it is released or
    expires; whoever runs the execution renews it more often than every `lease_seconds`.
    """

    @property
    def lease_seconds(self) -> float:
        """How long a lease lives without being renewed."""
        ...

    async def admit(self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant) -> Admission:
        """Decides over one request: counts it everywhere and leases, or consumes nothing at all.

        `execution_id` is a new one: two requests never share it.

        Raises:
            LimitsUnavailableError: the limits are kept elsewhere, and there is no way to them.
        """
        ...

    async def renew(self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant) -> bool:
        """Keeps a lease alive, or takes it again for an execution that goes on without one.

        An execution taken over after a crash has none; it was counted when it was first admitted, so only
        concurrency is asked. `False` when there is no room: more than the limit would run at once.
        """
        ...

    def release(self, tenant: TenantId, execution_id: str) -> None:
        """Gives the lease back at the end of the execution; without one it does nothing."""
        ...
