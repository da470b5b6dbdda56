"""Where executions are told as spans. The executor calls it at the beginning and at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.tenants.identity import TenantId


class SpanSink(Protocol):
    """Takes executions; neither call waits, fails, or costs more than some microseconds."""

    def begun(self, execution_id: str, traceparent: str) -> str:
        """The trace context to record of a new execution: its caller's, as far as anything is told of it."""
        ...

    def ended(self, tenant: TenantId, execution_id: str, events: list[AnyEvent]) -> None:
        """The execution has ended. `events` are all it ever had, and nobody changes the list any more."""
        ...
