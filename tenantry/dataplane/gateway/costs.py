"""What an execution cost, and what the next one may: meters times the tenant's rate card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.tenants.metering import Meter, quantity

if TYPE_CHECKING:
    from tenantry.dataplane.journal.history import ExecutionSummary, PastRuns
    from tenantry.tenants.rate_card import RateCard


def cost(summary: ExecutionSummary, card: RateCard) -> dict[str, str] | None:
    """Amount and currency of an execution that has ended; `None` while it runs."""
    seconds = summary.duration_seconds
    if seconds is None:
        return None
    return _money(
        card,
        {
            Meter.INVOCATIONS: 1,
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


def _money(card: RateCard, used: dict[Meter, float]) -> dict[str, str]:
    money = card.cost({meter: quantity(value) for meter, value in used.items()}).rounded()
    return {"amount": f"{money.amount:f}", "currency": money.currency}
