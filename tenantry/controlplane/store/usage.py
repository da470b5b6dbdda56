"""Usage in the database: a batch is deduplicated, priced, recorded and summed by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import func, text
from sqlmodel import col, select

from tenantry.controlplane.store.tables import UsageHourRow
from tenantry.tenants.metering import Meter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from tenantry.tenants.metering import Quantities

_RECORD: Final = text("""
    WITH incoming AS (
      SELECT event.*, coalesce((
        SELECT max(card.effective_from) FROM rate_cards card
        WHERE card.tenant = event.tenant AND card.effective_from <= event.occurred_at
      ), 'epoch') AS priced_from
      FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS event(
        tenant text, source text, id text, occurred_at timestamptz, workflow text, version bigint,
        execution_id text, status text, labels json, invocations numeric, task_attempts numeric,
        execution_seconds numeric, task_seconds numeric, egress_bytes numeric, journal_bytes numeric)
      -- One order for everybody: two batches that share events wait for each other instead of deadlocking.
      ORDER BY tenant, source, id
    ), recorded AS (
      INSERT INTO usage_events (tenant, source, id, occurred_at, workflow, version, execution_id, status,
        labels, invocations, task_attempts, execution_seconds, task_seconds, egress_bytes, journal_bytes,
        priced_from)
      SELECT * FROM incoming ON CONFLICT DO NOTHING RETURNING *
    ), summed AS (
      INSERT INTO usage_hourly AS total (tenant, hour, workflow, priced_from, invocations, task_attempts,
        execution_seconds, task_seconds, egress_bytes, journal_bytes)
      SELECT tenant, date_trunc('hour', occurred_at, 'UTC'), workflow, priced_from, sum(invocations),
        sum(task_attempts), sum(execution_seconds), sum(task_seconds), sum(egress_bytes), sum(journal_bytes)
      FROM recorded GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
      ON CONFLICT (tenant, hour, workflow, priced_from) DO UPDATE SET
        invocations = total.invocations + excluded.invocations,
        task_attempts = total.task_attempts + excluded.task_attempts,
        execution_seconds = total.execution_seconds + excluded.execution_seconds,
        task_seconds = total.task_seconds + excluded.task_seconds,
        egress_bytes = total.egress_bytes + excluded.egress_bytes,
        journal_bytes = total.journal_bytes + excluded.journal_bytes
    )
    SELECT count(*) FROM recorded
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSums:
    """What a workflow used under one rate card, named by the instant it came into force."""

    workflow: str
    priced_from: datetime
    quantities: Quantities


async def record_events(session: AsyncSession, events: Sequence[dict[str, Any]]) -> int:
    """Records events given as the columns of `usage_events`, and says how many of them were new."""
    accepted: int = (await session.execute(_RECORD, {"events": orjson.dumps(events).decode()})).scalar_one()
    return accepted


async def sum_by_workflow(
    session: AsyncSession, tenant: str, first_hour: datetime, end: datetime
) -> list[WorkflowSums]:
    """The sums over the hours that begin in [`first_hour`, `end`), by workflow and rate card."""
    sums = [func.sum(getattr(UsageHourRow, meter.value)) for meter in Meter]
    statement = (
        select(UsageHourRow.workflow, UsageHourRow.priced_from, *sums)
        .where(
            col(UsageHourRow.tenant) == tenant,
            col(UsageHourRow.hour) >= first_hour,
            col(UsageHourRow.hour) < end,
        )
        .group_by(col(UsageHourRow.workflow), col(UsageHourRow.priced_from))
        .order_by(col(UsageHourRow.workflow), col(UsageHourRow.priced_from))
    )
    return [
        WorkflowSums(workflow=row[0], priced_from=row[1], quantities=dict(zip(Meter, row[2:], strict=True)))
        for row in await session.execute(statement)
    ]
