"""The table of callbacks as a tenant sees it: where each stands; a failed one made due again. Gateway's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (dataclass fields)
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.journal.reading import fetch

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from tenantry.protocol.callbacks import CallbackStatus
    from tenantry.tenants.identity import TenantId

_DELIVERY: Final = """
    SELECT execution_id::text, run, url, status, attempts,
           CASE WHEN status = 'pending' THEN next_at END AS next_at, answered, error, created_at, ended_at
    FROM callbacks
"""
_RETRY: Final = """
    UPDATE callbacks SET status = 'pending', attempts = 0, next_at = now(), ended_at = NULL
    WHERE tenant = $1 AND execution_id = $2::uuid AND status = 'failed' AND deleted_at IS NULL
        AND run = (SELECT max(run) FROM callbacks WHERE tenant = $1 AND execution_id = $2::uuid)
    RETURNING run
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A callback as it stands.

    Attributes:
        next_at: the latest instant of the next try, while it is pending.
        answered: the status of the last answer.
        error: what was wrong with the last try.
    """

    execution_id: str
    run: int
    url: str
    status: str
    attempts: int
    next_at: datetime | None
    answered: int | None
    error: str | None
    created_at: datetime
    ended_at: datetime | None


class Deliveries:
    """Reads one data plane's callbacks. Every call names the tenant first.

    Every call raises `JournalUnavailableError` when the database does not answer.

    Args:
        pool: of the data plane's database.
        wake: tells who sends that something is due.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], wake: Callable[[], None]) -> None:
        self._pool, self._wake = pool, wake

    async def page(
        self,
        tenant: TenantId,
        limit: int,
        *,
        status: CallbackStatus | None = None,
        before: tuple[str, int] | None = None,
    ) -> list[Delivery]:
        """The tenant's callbacks, those of the newest executions first, at most `limit`.

        `before` is the execution and run that the page follows.
        """
        conditions, values = ["tenant = $1", "deleted_at IS NULL"], [tenant, limit]
        if status is not None:
            values.append(status)
            conditions.append(f"status = ${len(values)}")
        if before is not None:
            values.extend(before)
            conditions.append(f"(execution_id, run) < (${len(values) - 1}::uuid, ${len(values)})")
        chosen = f"{_DELIVERY} WHERE {' AND '.join(conditions)} ORDER BY execution_id DESC, run DESC LIMIT $2"
        return [_delivery(row) for row in await fetch(self._pool, chosen, *values)]

    async def find(self, tenant: TenantId, execution_id: str) -> Delivery | None:
        """The callback of the execution's latest end, or `None` when this tenant has none."""
        chosen = f"{_DELIVERY} WHERE tenant = $1 AND execution_id = $2::uuid AND deleted_at IS NULL"
        rows = await fetch(self._pool, f"{chosen} ORDER BY run DESC LIMIT 1", tenant, execution_id)
        return _delivery(rows[0]) if rows else None

    async def retry(self, tenant: TenantId, execution_id: str) -> bool:
        """Makes that callback due now, with the whole schedule before it; whether it had failed."""
        failed = bool(await fetch(self._pool, _RETRY, tenant, execution_id))
        if failed:
            self._wake()
        return failed


def _delivery(row: Any) -> Delivery:
    return Delivery(**dict(row))
