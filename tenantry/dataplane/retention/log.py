"""The log of cleanups: every one of a tenant, by whom, what it did, what went wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.identifiers import new_execution_id
from tenantry.dataplane.retention.steps import SCHEDULE
from tenantry.tenants.identity import Instant, TenantId
from tenantry.tenants.retention import LastRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

_LAST: Final = """
    SELECT tenants.tenant, last.started_at, last.error
    FROM unnest($1::text[]) AS tenants (tenant) CROSS JOIN LATERAL (
        SELECT started_at, error FROM cleanup_log
        WHERE cleanup_log.tenant = tenants.tenant AND actor = $2 AND NOT dry_run
        ORDER BY id DESC LIMIT 1
    ) AS last
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A cleanup of a tenant.

    Attributes:
        actor: the API key it was asked with, or `system/…`.
        counts: see `Counts.view`.
        error: what kind of trouble ended it early, if any.
    """

    id: str
    actor: str
    dry_run: bool
    started_at: datetime
    ended_at: datetime
    counts: dict[str, Any]
    error: str | None


def new_entry(
    actor: str,
    started_at: float,
    ended_at: float,
    counts: dict[str, Any],
    *,
    dry_run: bool = False,
    error: str | None = None,
) -> Entry:
    """An entry that is yet to be written; instants are epoch seconds."""
    return Entry(
        id=new_execution_id(started_at),
        actor=actor,
        dry_run=dry_run,
        started_at=datetime.fromtimestamp(started_at, UTC),
        ended_at=datetime.fromtimestamp(ended_at, UTC),
        counts=counts,
        error=error,
    )


class CleanupLog:
    """The log as cleanups see it. Every call may raise what the database raises."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, tenant: TenantId, entry: Entry) -> None:
        """Writes an entry."""
        await self._connection.execute(
            "INSERT INTO cleanup_log (tenant, id, actor, dry_run, started_at, ended_at, counts, error)"
            " VALUES ($1, $2::uuid, $3, $4, $5, $6, $7::jsonb, $8)",
            tenant,
            entry.id,
            entry.actor,
            entry.dry_run,
            entry.started_at,
            entry.ended_at,
            json.dumps(entry.counts),
            entry.error,
        )

    async def last_runs(self, tenants: Iterable[TenantId]) -> dict[TenantId, LastRun]:
        """The latest cleanup of each tenant that the schedule began."""
        rows = await self._connection.fetch(_LAST, list(tenants), SCHEDULE)
        return {
            TenantId(row["tenant"]): LastRun(
                started_at=Instant(row["started_at"].timestamp()), failed=row["error"] is not None
            )
            for row in rows
        }
