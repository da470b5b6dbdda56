"""The failures of calls that became dead letters, read to be graded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.dead_letters.quality import GradedFailure, grade
from tenantry.dataplane.dead_letters.store import id_range
from tenantry.dataplane.journal.reading import fetch

if TYPE_CHECKING:
    import asyncpg

    from tenantry.dataplane.dead_letters.analytics import Span
    from tenantry.tenants.identity import TenantId

MAX_GRADED: Final = 10_000
"""So many are graded, the latest ones."""

_FAILURES: Final = """
    SELECT created_at, workflow, task_name, failure FROM dead_letters
    WHERE tenant = $1 AND id >= $2::uuid AND id < $3::uuid AND created_at >= $4 AND created_at < $5
        AND task_name <> '' AND ($6::text IS NULL OR task_name = $6) AND ($7::text IS NULL OR workflow = $7)
        AND failure_code LIKE 'upstream-%'
    ORDER BY id DESC LIMIT $8
"""


class GradedFailures:
    """Of one data plane. Every call raises `JournalUnavailableError` when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def over(
        self, tenant: TenantId, span: Span, *, task: str | None = None, workflow: str | None = None
    ) -> list[GradedFailure]:
        """A tenant's failures of a span, the latest first, at most `MAX_GRADED`: of a task, of a workflow."""
        bounds = (tenant, *id_range(span.since, span.until), span.since, span.until)
        rows = await fetch(self._pool, _FAILURES, *bounds, task, workflow, MAX_GRADED)
        return await asyncio.to_thread(lambda: [_graded(row) for row in rows])


def _graded(row: Any) -> GradedFailure:
    marks = grade(msgspec.json.decode(row["failure"]))
    return GradedFailure(row["created_at"], row["workflow"], row["task_name"], marks)
