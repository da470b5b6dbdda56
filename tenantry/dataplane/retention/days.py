"""Days as partitions of `executions` and `journal`: created ahead, dropped whole when all in them is past.

Dropping takes a moment, whatever a day holds; removing row by row does not. Tenants share days, so a day goes
when what every one of them has in it has expired. That is found out without holding anybody up; then the day
is locked against writers, looked at once more, and dropped.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from tenantry.dataplane.retention.counts import Kept
from tenantry.tenants.retention import GRACE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.retention.policies import TenantPolicies
    from tenantry.tenants.identity import TenantId

    PoliciesOf = Callable[[TenantId], TenantPolicies | None]

DAYS_AHEAD: Final = 2
"""Days after today that have their tables already."""

_LOCK_MILLISECONDS: Final = 100
"""So long may all writers have to wait for a day to be dropped; otherwise it is done another time."""

_DAY_LOCK_MILLISECONDS: Final = 2000
_CHECK_MILLISECONDS: Final = 5000
_YOUNGEST: Final = timedelta(days=2)
"""Younger days are left alone: nothing in them can be past a retention of a day and its grace."""

_EPOCH: Final = date(1970, 1, 1)
_MILLISECONDS_PER_DAY: Final = 86_400_000
_LOG = logging.getLogger(__name__)

_PARTITIONS: Final = """
    SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day,
           to_regclass('journal_' || right(relname, 8)) IS NOT NULL AS traces
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'executions'::regclass ORDER BY day
"""
_GROUPS: Final = """
    SELECT tenant, workflow, count(*) AS count, max(ended_at) AS ended_at,
           bool_and(owner IS NULL AND status IN ('completed', 'failed', 'cancelled')) AS ended
    FROM {} GROUP BY tenant, workflow
"""
_NOT_NOW: Final = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
    asyncpg.UndefinedTableError,  # somebody else was first
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Partition:
    """A day that has tables; those of its traces may have gone before."""

    day: date
    traces: bool


@dataclass(frozen=True, slots=True)
class Dropped:
    """A day that went whole, and how many executions of each tenant had been in it."""

    kept: Kept
    day: date
    executions: dict[TenantId, int]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Tables that may go. `column` says when what is in them was hidden, for the executions of the day."""

    day: date
    executions: str
    tables: tuple[str, ...]
    column: str
    kept: tuple[Kept, ...]


def first_id_of(day: date) -> str:
    """The lowest id that an execution of that day can have."""
    milliseconds = (day - _EPOCH).days * _MILLISECONDS_PER_DAY
    return str(UUID(int=milliseconds << 80))


def start_of(day: date) -> float:
    """When the day began, in epoch seconds."""
    return (day - _EPOCH).days * 86_400.0


async def partitions(connection: asyncpg.Connection) -> list[Partition]:
    """The days there are, the oldest first."""
    return [Partition(**dict(row)) for row in await connection.fetch(_PARTITIONS)]


async def create_ahead(connection: asyncpg.Connection, now: float) -> None:
    """Makes the tables of today and the next days, so that no commit has to."""
    today = datetime.fromtimestamp(now, UTC).date()
    for ahead in range(DAYS_AHEAD + 1):
        await connection.execute("SELECT ensure_day($1)", today + timedelta(days=ahead))


async def drop_past(connection: asyncpg.Connection, policies: PoliciesOf, now: float) -> list[Dropped]:
    """Drops the days in which all is past its grace, and still expired.

    Args:
        connection: not in a transaction.
        policies: of a tenant; `None` when nobody here knows: then its days stay.
        now: epoch seconds.
    """
    youngest = datetime.fromtimestamp(now, UTC).date() - _YOUNGEST
    dropped = []
    for partition in await partitions(connection):
        if partition.day > youngest:
            break
        try:
            dropped += await _drop_what_is_past(connection, partition, policies, now)
        except _NOT_NOW as error:
            _LOG.info("day %s is dropped another time: %s", partition.day, type(error).__name__)
    return dropped


async def _drop_what_is_past(
    connection: asyncpg.Connection, partition: Partition, policies: PoliciesOf, now: float
) -> list[Dropped]:
    for candidate in _candidates(partition):
        executions = await _past_in(connection, candidate, policies, now)
        if executions is not None and await _drop(connection, candidate, now):
            return [Dropped(kept, candidate.day, executions) for kept in candidate.kept]
    return []


def _candidates(partition: Partition) -> list[_Candidate]:
    """What may go of a day: all of it, or at least its traces."""
    name = partition.day.strftime("%Y%m%d")
    executions, journal = f"executions_{name}", f"journal_{name}"
    traces = _Candidate(partition.day, executions, (journal,), "trace_deleted_at", (Kept.TASK_TRACES,))
    if not partition.traces:
        kept: tuple[Kept, ...] = (Kept.EXECUTION_HISTORY,)
        return [_Candidate(partition.day, executions, (executions,), "deleted_at", kept)]
    kept = (Kept.EXECUTION_HISTORY, Kept.TASK_TRACES)
    return [_Candidate(partition.day, executions, (journal, executions), "deleted_at", kept), traces]


async def _past_in(
    connection: asyncpg.Connection, candidate: _Candidate, policies: PoliciesOf, now: float
) -> dict[TenantId, int] | None:
    """How many executions of each tenant are in a day, if all are past; found without holding anybody up."""
    if not await _all_hidden(connection, candidate, now):
        return None
    executions: Counter[TenantId] = Counter()
    for row in await connection.fetch(_GROUPS.format(candidate.executions)):
        known = policies(row["tenant"])
        if known is None or not row["ended"]:
            return None
        cutoff = known.cutoffs(candidate.kept[0], now).of(row["workflow"])
        if row["ended_at"].timestamp() > cutoff:  # kept longer since it was hidden: it is to come back
            return None
        executions[row["tenant"]] += row["count"]
    return dict(executions)


async def _all_hidden(connection: asyncpg.Connection, candidate: _Candidate, now: float) -> bool:
    """Whether everything in a day has been hidden for its grace. Ends at the first row that has not."""
    found: bool = await connection.fetchval(
        f"SELECT NOT EXISTS (SELECT FROM {candidate.executions}"  # noqa: S608  (a date)
        f" WHERE {candidate.column} IS NULL OR {candidate.column} > to_timestamp($1))",
        now - GRACE_SECONDS,
    )
    return found


async def _drop(connection: asyncpg.Connection, candidate: _Candidate, now: float) -> bool:
    async with connection.transaction():
        # Nobody writes into a day like this but those that come late. They may wait long enough for a vacuum
        # to make way, which it does for whoever has waited a second.
        await connection.execute(f"SET LOCAL lock_timeout = {_DAY_LOCK_MILLISECONDS}")
        await connection.execute(f"SET LOCAL statement_timeout = {_CHECK_MILLISECONDS}")
        await connection.execute(f"LOCK TABLE {candidate.executions} IN SHARE MODE")
        if not await _all_hidden(connection, candidate, now):
            return False
        # This locks the tables of all days.
        await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
        await connection.execute(f"DROP TABLE {', '.join(candidate.tables)}")
    _LOG.info("dropped %s", " and ".join(candidate.tables))
    return True
