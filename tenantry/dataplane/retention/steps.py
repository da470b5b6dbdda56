"""The steps of a cleanup as statements: each finds a batch of rows of one tenant and day, and changes it.

A batch is found, locked and changed in one statement, and so in one short transaction. Rows that somebody
else is just changing are left for the next time. Every condition is judged on the locked row: an execution
that is retried at this moment has not ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from tenantry.dataplane.retention.counts import Effect, Kept

SCHEDULE: Final = "system/schedule"
"""The actor of cleanups that the schedule began."""

BATCH: Final = 1000
MAX_TRACE_BYTES: Final = 64 * 1024 * 1024
"""So much of traces is removed at a time, if less than `BATCH` of them: some hold megabytes."""

# The first three arguments of a statement are a tenant, an id and the first one beyond: a day, or what is
# left of it. The fourth is a judgement (`cleaner.py`).
_CUTOFF: Final = (
    "to_timestamp(coalesce($4::jsonb -> 'workflows' ->> workflow, $4::jsonb ->> 'expired')::float8)"
)
_LOGS_CUTOFF: Final = "to_timestamp(($4::jsonb ->> 'logs')::float8)"
_NOW: Final = "to_timestamp(($4::jsonb ->> 'now')::float8)"
_PAST_GRACE: Final = "<= to_timestamp(($4::jsonb ->> 'hidden')::float8)"
_ENDED: Final = "owner IS NULL AND status IN ('completed', 'failed', 'cancelled')"
_EXPIRED: Final = f"({_ENDED} AND ended_at <= {_CUTOFF})"
_REMOVABLE: Final = f"deleted_at {_PAST_GRACE} AND {_EXPIRED}"
_HAS_TRACE: Final = """EXISTS (
    SELECT FROM journal WHERE journal.tenant = $1 AND journal.execution_id = executions.id
        AND journal.execution_id >= $2::uuid AND journal.execution_id < $3::uuid)"""


def _no_execution(table: str, unless: str) -> str:
    """Whether a row's execution is gone, or as good as gone; of young ones it is known that they are not."""
    return f"""execution_id < ($4::jsonb ->> 'gone')::uuid AND NOT EXISTS (
        SELECT FROM executions WHERE executions.tenant = $1 AND executions.id = {table}.execution_id
            AND executions.id >= $2::uuid AND executions.id < $3::uuid AND ({unless}) IS NOT TRUE)"""


_CALLBACK_EXPIRED: Final = f"""(
    status <> 'pending' AND (ended_at <= {_LOGS_CUTOFF} OR {_no_execution("callbacks", _EXPIRED)}))"""
# The schedule goes by the latest cleanup it began, which therefore stays.
_CLEANUP_EXPIRED: Final = f"""(
    ended_at <= {_LOGS_CUTOFF} AND EXISTS (
        SELECT FROM cleanup_log AS later WHERE later.tenant = $1 AND later.id > cleanup_log.id
            AND later.actor = '{SCHEDULE}' AND NOT later.dry_run))"""


class Table(NamedTuple):
    """A table whose rows have UUIDv7s of a time: `key` is the column."""

    name: str
    key: str
    kept: Kept


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to the rows of one tenant and day.

    Attributes:
        count: how many rows it is about now.
        change: changes a batch of them; gives how many, and the last id.
    """

    kept: Kept
    effect: Effect
    count: str
    change: str


def _of_executions(kept: Kept, effect: Effect, chosen: str, change: str) -> Step:
    where = f"tenant = $1 AND id >= $2::uuid AND id < $3::uuid AND {chosen}"
    return Step(
        kept,
        effect,
        f"SELECT count(*) FROM executions WHERE {where}",  # noqa: S608  (constants, here and below)
        f"""
        WITH found AS MATERIALIZED (
            SELECT id, journal_bytes FROM executions WHERE {where}
            ORDER BY id LIMIT {BATCH} FOR UPDATE OF executions SKIP LOCKED
        ), batch AS MATERIALIZED (
            SELECT id FROM (
                SELECT id, sum(journal_bytes) OVER (ORDER BY id) - journal_bytes AS before FROM found
            ) AS sized WHERE before < {MAX_TRACE_BYTES}
        ), {change}
        SELECT count(*) AS count, (SELECT id::text FROM batch ORDER BY id DESC LIMIT 1) AS last FROM batch
        """,  # noqa: S608
    )


def _marked(column: str, value: str) -> str:
    return f"""changed AS (
        UPDATE executions SET {column} = {value} FROM batch
        WHERE executions.tenant = $1 AND executions.id = batch.id
            AND executions.id >= $2::uuid AND executions.id < $3::uuid
    )"""  # noqa: S608


def _without(table: str, column: str) -> str:
    return f"""without_{table} AS (
        DELETE FROM {table} USING batch
        WHERE {table}.tenant = $1 AND {table}.{column} = batch.id
            AND {table}.{column} >= $2::uuid AND {table}.{column} < $3::uuid
    )"""  # noqa: S608


def _of_rows(table: Table, effect: Effect, chosen: str, change: str) -> Step:
    where = f"tenant = $1 AND {table.key} >= $2::uuid AND {table.key} < $3::uuid AND {chosen}"
    return Step(
        table.kept,
        effect,
        f"SELECT count(*) FROM {table.name} WHERE {where}",  # noqa: S608
        f"""
        WITH batch AS MATERIALIZED (
            SELECT ctid, {table.key} AS id FROM {table.name} WHERE {where}
            ORDER BY {table.key} LIMIT {BATCH} FOR UPDATE OF {table.name} SKIP LOCKED
        ), changed AS ({change} WHERE {table.name}.ctid = ANY(ARRAY(SELECT ctid FROM batch)))
        SELECT count(*) AS count, (SELECT id::text FROM batch ORDER BY id DESC LIMIT 1) AS last FROM batch
        """,  # noqa: S608
    )


def _hiding(table: Table, expired: str) -> tuple[Step, ...]:
    return (
        _of_rows(
            table,
            Effect.SOFT_DELETED,
            f"deleted_at IS NULL AND {expired}",
            f"UPDATE {table.name} SET deleted_at = {_NOW}",  # noqa: S608
        ),
        _of_rows(
            table,
            Effect.RESTORED,
            f"deleted_at IS NOT NULL AND NOT {expired}",
            f"UPDATE {table.name} SET deleted_at = NULL",  # noqa: S608
        ),
        _of_rows(
            table,
            Effect.REMOVED,
            f"deleted_at {_PAST_GRACE} AND {expired}",
            f"DELETE FROM {table.name}",  # noqa: S608
        ),
    )


HISTORY: Final = (
    _of_executions(
        Kept.EXECUTION_HISTORY,
        Effect.SOFT_DELETED,
        f"deleted_at IS NULL AND {_EXPIRED}",
        _marked("deleted_at", _NOW),
    ),
    _of_executions(
        Kept.EXECUTION_HISTORY,
        Effect.RESTORED,
        f"deleted_at IS NOT NULL AND NOT {_EXPIRED}",
        _marked("deleted_at", "NULL"),
    ),
    _of_executions(
        Kept.EXECUTION_HISTORY,
        Effect.REMOVED,
        _REMOVABLE,
        f"{_without('journal', 'execution_id')}, {_without('executions', 'id')}",
    ),
)
TRACES: Final = (
    _of_executions(
        Kept.TASK_TRACES,
        Effect.SOFT_DELETED,
        f"trace_deleted_at IS NULL AND {_EXPIRED}",
        _marked("trace_deleted_at", _NOW),
    ),
    _of_executions(
        Kept.TASK_TRACES,
        Effect.RESTORED,
        f"trace_deleted_at IS NOT NULL AND NOT {_EXPIRED} AND {_HAS_TRACE}",
        _marked("trace_deleted_at", "NULL"),
    ),
    _of_executions(
        Kept.TASK_TRACES,
        Effect.REMOVED,
        f"trace_deleted_at {_PAST_GRACE} AND {_EXPIRED} AND {_HAS_TRACE}",
        _without("journal", "execution_id"),
    ),
)
_CALLBACKS: Final = Table("callbacks", "execution_id", Kept.API_LOGS)
_CLEANUPS: Final = Table("cleanup_log", "id", Kept.API_LOGS)
_LETTERS: Final = Table("dead_letters", "execution_id", Kept.DEAD_LETTERS)

OTHERS: Final = {
    _CALLBACKS: _hiding(_CALLBACKS, _CALLBACK_EXPIRED),
    _CLEANUPS: _hiding(_CLEANUPS, _CLEANUP_EXPIRED),
    _LETTERS: (
        _of_rows(
            _LETTERS,
            Effect.REMOVED,
            f"status <> 'open' AND {_no_execution('dead_letters', _REMOVABLE)}",
            "DELETE FROM dead_letters",
        ),
    ),
}
"""Of tables that are not partitioned. Dead letters are not hidden: they are listed while they are there."""
