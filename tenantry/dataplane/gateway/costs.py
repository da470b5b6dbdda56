"""What an execution cost, and what the next one may: meters times the tenant's rate card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.dataplane.engine.core.events import WorkflowRetried
from tenantry.tenants.metering import Meter, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.journal.history import ExecutionSummary, PastRuns
    from tenantry.tenants.rate_card import RateCard


def cost(summary: ExecutionSummary, card: RateCard, events: Iterable[AnyEvent] = ()) -> dict[str, str] | None:
    """Amount and currency of an execution that has ended; `None` while it runs.

    Each run is billed by itself, and nothing between them. How long they took is known from the events
    alone: without them it is `None` for an execution that was retried as well.
    """
    seconds = summary.duration_seconds
    if seconds is not None and summary.run > 1:
        seconds = _seconds_of_runs(events)
    if seconds is None:
        return None
    return _money(
        card,
        {
            Meter.INVOCATIONS: summary.run,
            Meter.TASK_ATTEMPTS: summary.task_attempts,
            Meter.EXECUTION_SECONDS: seconds,
            Meter.TASK_SECONDS: summary.task_seconds,
            Meter.EGRESS_BYTES: summary.egress_bytes,
            Meter.JOURNAL_BYTES: summary.journal_bytes,
        },
    )


def estimate(past: PastRuns, card: RateCard) -> dict[str, Any]:
    """Expected duration and cost from the latest completed runs; nulls when there are none."""
    if past.count == 0:
        return {"basedOnExecutions": 0, "durationSeconds": None, "cost": None}
    used = {
        Meter.INVOCATIONS: 1,
        Meter.TASK_ATTEMPTS: past.task_attempts,
        Meter.EXECUTION_SECONDS: past.seconds,
        Meter.TASK_SECONDS: past.task_seconds,
        Meter.EGRESS_BYTES: past.egress_bytes,
        Meter.JOURNAL_BYTES: past.journal_bytes,
    }
    return {
        "basedOnExecutions": past.count,
        "durationSeconds": round(past.seconds, 6),
        "cost": _money(card, used),
    }


def _seconds_of_runs(events: Iterable[AnyEvent]) -> float | None:
    """From the beginning of each run to its last event, as usage is told of; `None` without events."""
    seconds, began_at, last_at = 0.0, None, 0.0
    for event in events:
        if began_at is None:
            began_at = event.at
        elif isinstance(event, WorkflowRetried):
            seconds += max(0.0, last_at - began_at)
            began_at = event.at
        last_at = event.at
    return None if began_at is None else seconds + max(0.0, last_at - began_at)


def _money(card: RateCard, used: dict[Meter, float]) -> dict[str, str]:
    money = card.cost({meter: quantity(value) for meter, value in used.items()}).rounded()
    return {"amount": f"{money.amount:f}", "currency": money.currency}
