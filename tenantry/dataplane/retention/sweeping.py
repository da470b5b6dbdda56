"""What serves nobody any more: expired idempotency keys, old orders, sources of plans that nobody goes by.

All are dated by the database, and so judged by its clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.retention.steps import BATCH

if TYPE_CHECKING:
    import asyncpg

_KEYS: Final = f"""
    WITH batch AS MATERIALIZED (
        SELECT ctid FROM idempotency_keys WHERE expires_at <= now()
        ORDER BY expires_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
    DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(SELECT ctid FROM batch))
"""  # noqa: S608  (a constant)

# An order waits for an executor that serves its tenant. Whoever gave it a day ago has looked since.
_ORDERS: Final = f"""
    WITH batch AS MATERIALIZED (
        SELECT id FROM commands WHERE given_at < now() - interval '1 day' LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
    DELETE FROM commands WHERE id = ANY(ARRAY(SELECT id FROM batch))
"""  # noqa: S608

# Executions that begin by a plan say so at least every hour (`store.SOURCE_SECONDS`): those that began a day
# or more after it was last said go by others, whatever executors' clocks are worth. Before that the latest
# are looked at first: while the plan is needed, that is where it is found.
_SOURCES: Final = f"""
    WITH batch AS MATERIALIZED (
        SELECT ctid FROM plan_sources AS source
        WHERE used_at < now() - interval '1 day' AND (
            SELECT id FROM executions
            WHERE executions.tenant = source.tenant AND executions.plan = source.key
                AND executions.workflow = source.source::json ->> 'workflow'
                AND executions.id < first_id_of((source.used_at AT TIME ZONE 'UTC')::date + 2)
            ORDER BY executions.id DESC LIMIT 1
        ) IS NULL
        LIMIT {BATCH} FOR UPDATE OF source SKIP LOCKED
    )
    DELETE FROM plan_sources WHERE ctid = ANY(ARRAY(SELECT ctid FROM batch))
"""  # noqa: S608


async def sweep(connection: asyncpg.Connection) -> None:
    """Removes all of them, in batches."""
    for statement in (_KEYS, _ORDERS, _SOURCES):
        while await connection.execute(statement) == f"DELETE {BATCH}":
            pass
