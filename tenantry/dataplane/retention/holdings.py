"""What is kept of a tenant, and what cleanups did: for whoever asks. The gateway's."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (dataclass fields)
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.journal.reading import fetch
from tenantry.dataplane.retention.counts import Kept
from tenantry.dataplane.retention.log import Entry
from tenantry.tenants.retention import GRACE_SECONDS

if TYPE_CHECKING:
    import asyncpg

    from tenantry.tenants.identity import TenantId

_EXECUTIONS: Final = """
    SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS history,
           coalesce(sum(pg_column_size(executions)) FILTER (WHERE deleted_at IS NULL), 0)::bigint
               AS history_bytes,
           min(submitted_at) FILTER (WHERE deleted_at IS NULL) AS history_oldest,
           count(*) FILTER (WHERE deleted_at IS NOT NULL) AS history_hidden,
           count(*) FILTER (WHERE trace_deleted_at IS NULL) AS traces,
           coalesce(sum(journal_bytes) FILTER (WHERE trace_deleted_at IS NULL), 0)::bigint
               AS traces_bytes,
           min(submitted_at) FILTER (WHERE trace_deleted_at IS NULL) AS traces_oldest,
           count(*) FILTER (WHERE trace_deleted_at > to_timestamp($2)) AS traces_hidden
    FROM executions WHERE tenant = $1
"""
_LOGS: Final = """
    SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS logs,
           coalesce(sum(bytes) FILTER (WHERE deleted_at IS NULL), 0)::bigint AS logs_bytes,
           min(at) FILTER (WHERE deleted_at IS NULL) AS logs_oldest,
           count(*) FILTER (WHERE deleted_at IS NOT NULL) AS logs_hidden
    FROM (
        SELECT pg_column_size(callbacks) AS bytes, created_at AS at, deleted_at FROM callbacks
        WHERE tenant = $1 AND status <> 'pending'
        UNION ALL
        SELECT pg_column_size(cleanup_log), started_at, deleted_at FROM cleanup_log WHERE tenant = $1
    ) AS log
"""
_ENTRIES: Final = """
    SELECT id::text, actor, dry_run, started_at, ended_at, counts, error FROM cleanup_log
    WHERE tenant = $1 AND deleted_at IS NULL
        AND ($3::uuid IS NULL OR cleanup_log.id < $3::uuid) AND NOT (dry_run AND $4::boolean)
    ORDER BY cleanup_log.id DESC LIMIT $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is kept of one kind.

    Attributes:
        count: executions, executions with traces, or entries of logs.
        size_bytes: what they take, without indexes.
        oldest: when the first of them began.
        soft_deleted: those that are hidden and not removed yet.
    """

    count: int
    size_bytes: int
    oldest: datetime | None
    soft_deleted: int


class Holdings:
    """Reads one data plane's tables. Every call names the tenant first.

    Every call raises `JournalUnavailableError` when the database does not answer.

    Args:
        pool: as other readers use it.
        counting: connections that nobody who reads waits for: what is counted may be millions of rows.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], counting: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool, self._counting = pool, counting
        self._turn = asyncio.Lock()

    async def kept(self, tenant: TenantId, now: float) -> dict[Kept, Holding]:
        """What is kept of the tenant at `now` (epoch seconds). One is counted at a time."""
        async with self._turn:
            (executions,) = await fetch(self._counting, _EXECUTIONS, tenant, now - GRACE_SECONDS)
            (logs,) = await fetch(self._counting, _LOGS, tenant)
        return {
            Kept.EXECUTION_HISTORY: _holding(executions, "history"),
            Kept.TASK_TRACES: _holding(executions, "traces"),
            Kept.API_LOGS: _holding(logs, "logs"),
        }

    async def cleanups(
        self, tenant: TenantId, limit: int, before: str | None = None, *, dry_runs: bool = True
    ) -> list[Entry]:
        """The tenant's cleanups, the latest first, at most `limit`; `before` is the id the page follows."""
        rows = await fetch(self._pool, _ENTRIES, tenant, limit, before, not dry_runs)
        return [_entry(row) for row in rows]


def _holding(row: Any, name: str) -> Holding:
    return Holding(
        count=row[name],
        size_bytes=row[f"{name}_bytes"],
        oldest=row[f"{name}_oldest"],
        soft_deleted=row[f"{name}_hidden"],
    )


def _entry(row: Any) -> Entry:
    return Entry(**{**dict(row), "counts": json.loads(row["counts"])})
