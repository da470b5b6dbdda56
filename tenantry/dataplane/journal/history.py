"""Reading the journal back: pages of executions, one execution with its events, durations for estimates."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (dataclass fields)
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import decode_events
from tenantry.dataplane.identifiers import first_execution_id
from tenantry.dataplane.journal.ownership import Segment
from tenantry.dataplane.journal.reading import fetch
from tenantry.language.values import canonical_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.tenants.identity import TenantId

_SUMMARY: Final = """
    SELECT id::text, workflow, version, plan, run, status, failure_code, submitted_at, ended_at,
           task_attempts, task_seconds, egress_bytes, journal_bytes,
           trace_deleted_at IS NOT NULL AS trace_deleted
    FROM executions
"""
# What retention has hidden is as good as gone.
_NOT_HIDDEN: Final = """NOT EXISTS (
    SELECT FROM executions WHERE executions.tenant = $1 AND executions.id = $2::uuid
        AND (executions.deleted_at IS NOT NULL OR executions.trace_deleted_at IS NOT NULL))"""


_PORTION: Final = 64
"""Segments that are read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSummary:
    """A row of an execution list.

    Attributes:
        plan: the key of its plan's source.
        run: counts its starts.
        trace_deleted: its events, and so its input and output, are not kept any more.
    """

    id: str
    workflow: str
    version: int
    plan: str
    run: int
    status: str
    failure_code: str
    submitted_at: datetime
    ended_at: datetime | None
    task_attempts: int
    task_seconds: float
    egress_bytes: int
    journal_bytes: int
    trace_deleted: bool = False

    @property
    def duration_seconds(self) -> float | None:
        """From acceptance to the end, by clocks that may differ; `None` while it runs."""
        if self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.submitted_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilter:
    """Which executions of a workflow to list; `None` does not restrict."""

    workflow: str
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    label: tuple[str, str] | None = None
    before_id: str | None = None


@dataclass(frozen=True, slots=True)
class PastRuns:
    """What a workflow's latest executions took that completed without a retry, on average."""

    count: int
    seconds: float
    task_attempts: float
    task_seconds: float
    egress_bytes: float
    journal_bytes: float


class History:
    """Reads one data plane's executions. Every call names the tenant first.

    Every call raises `JournalUnavailableError` when the database does not answer.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def page(self, tenant: TenantId, wanted: HistoryFilter, limit: int) -> list[ExecutionSummary]:
        """The newest executions the filter lets through, newest first, at most `limit`."""
        statement, values = page_query(tenant, wanted, limit)
        return [_summary(row) for row in await fetch(self._pool, statement, *values)]

    async def find(self, tenant: TenantId, execution_id: str) -> ExecutionSummary | None:
        """The execution, or `None` when this tenant has none of that id."""
        statement = f"{_SUMMARY} WHERE tenant = $1 AND id = $2::uuid AND deleted_at IS NULL"
        rows = await fetch(self._pool, statement, tenant, execution_id)
        return _summary(rows[0]) if rows else None

    async def events(self, tenant: TenantId, execution_id: str) -> list[AnyEvent]:
        """The execution's events in order; none when they are not kept any more."""
        rows = await fetch(
            self._pool,
            f"""
            SELECT events FROM journal
            WHERE tenant = $1 AND execution_id = $2::uuid AND {_NOT_HIDDEN} ORDER BY first_sequence
            """,  # noqa: S608  (a constant)
            tenant,
            execution_id,
        )
        # Beside the event loop: a loop's execution has tens of thousands of events.
        return await asyncio.to_thread(_decode, rows)

    async def segments(
        self, tenant: TenantId, execution_id: str, after: int = 0
    ) -> AsyncIterator[list[Segment]]:
        """The journal of an execution in portions, from the segment on that holds the event after `after`."""
        last = await self._segment_before(tenant, execution_id, after) if after else 0
        while rows := await fetch(
            self._pool,
            f"""
            SELECT first_sequence, events FROM journal
            WHERE tenant = $1 AND execution_id = $2::uuid AND first_sequence > $3 AND {_NOT_HIDDEN}
            ORDER BY first_sequence LIMIT {_PORTION}
            """,  # noqa: S608  (a constant)
            tenant,
            execution_id,
            last,
        ):
            yield [Segment(*row) for row in rows]
            last = rows[-1]["first_sequence"]
            if len(rows) < _PORTION:
                return

    async def _segment_before(self, tenant: TenantId, execution_id: str, after: int) -> int:
        """A number below that of the segment with the event after `after`, and of none before it."""
        rows = await fetch(
            self._pool,
            """
            SELECT max(first_sequence) - 1 AS last FROM journal
            WHERE tenant = $1 AND execution_id = $2::uuid AND first_sequence <= $3
            """,
            tenant,
            execution_id,
            after + 1,
        )
        return rows[0]["last"] or 0

    async def past_runs(self, tenant: TenantId, workflow: str, sample: int = 100) -> PastRuns:
        """Averages over the latest executions that completed in their first run."""
        ((count, *averages),) = await fetch(
            self._pool,
            """
            SELECT count(*), avg(extract(epoch FROM ended_at - submitted_at))::float8,
                   avg(task_attempts)::float8, avg(task_seconds), avg(egress_bytes)::float8,
                   avg(journal_bytes)::float8
            FROM (SELECT * FROM executions
                  WHERE tenant = $1 AND workflow = $2 AND status = 'completed' AND run = 1
                      AND deleted_at IS NULL
                  ORDER BY id DESC LIMIT $3) AS latest
            """,
            tenant,
            workflow,
            sample,
        )
        return PastRuns(count, *(average or 0.0 for average in averages))


def page_query(tenant: TenantId, wanted: HistoryFilter, limit: int) -> tuple[str, list[Any]]:
    """The statement of a page and its values: one walk down an index, from the newest day that matters."""
    conditions, values = ["tenant = $1", "workflow = $2", "deleted_at IS NULL"], [tenant, wanted.workflow]
    for sql, value in (
        ("status = ${}", wanted.status),
        ("submitted_at >= ${}", wanted.since),
        # An id is made a moment before its execution is submitted; that leaves whole days out.
        ("executions.id >= ${}::uuid", wanted.since and first_execution_id(wanted.since.timestamp() - 60)),
        ("submitted_at < ${}", wanted.until),
        ("executions.id < ${}::uuid", wanted.until and first_execution_id(wanted.until.timestamp() + 1)),
        ("labels @> ${}::jsonb", _label_json(wanted.label)),
        ("executions.id < ${}::uuid", wanted.before_id),
    ):
        if value is not None:
            values.append(value)  # type: ignore[arg-type]  # the driver types each parameter by the statement
            conditions.append(sql.format(len(values)))
    # By the column: `id` alone is the text in the list above it, and no index is in that order.
    order = f"ORDER BY executions.id DESC LIMIT {limit:d}"
    return f"{_SUMMARY} WHERE {' AND '.join(conditions)} {order}", values


def _decode(rows: list[asyncpg.Record]) -> list[AnyEvent]:
    return [event for row in rows for event in decode_events(row["events"])]


def _label_json(label: tuple[str, str] | None) -> str | None:
    return None if label is None else canonical_json({label[0]: label[1]}).decode()


def _summary(row: Any) -> ExecutionSummary:
    return ExecutionSummary(**dict(row))
