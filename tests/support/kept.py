"""Rows of past days, as the journal's writer leaves them, and a clock moved by hand: for what cleans up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.identifiers import new_execution_id
from tenantry.dataplane.journal.rows import day_of
from tests.support.executions import NOON

if TYPE_CHECKING:
    from datetime import date

    import asyncpg

DAY: Final = 86_400.0
_EXECUTION: Final = """
    INSERT INTO executions (tenant, id, workflow, version, plan, status, failure_code, labels, submitted_at,
                            ended_at, task_attempts, task_seconds, egress_bytes, journal_bytes, owner)
    VALUES ($1, $2::uuid, $3, 1, $4, $5, '', '{}', to_timestamp($6),
            to_timestamp($7), 1, 0.5, 10, $8, $9::uuid)
"""
_RUNNING: Final = {"submitted", "running", "compensating"}
_SOMEBODY: Final = "00000000-0000-0000-0000-00000000000e"


@dataclass
class Clock:
    """Says what it was set to."""

    now: float = NOON

    def __call__(self) -> float:
        """Now."""
        return self.now

    def move(self, *, days: float = 0.0, seconds: float = 0.0) -> None:
        """Lets time pass."""
        self.now += days * DAY + seconds


@dataclass
class Shelf:
    """What is kept in a database, put there and looked at by SQL."""

    database: asyncpg.Connection
    clock: Clock

    async def put(
        self,
        *,
        tenant: str = "acme",
        workflow: str = "order",
        days: float,
        status: str = "completed",
        lasted: float = 60.0,
        plan: str = "plan",
        trace_bytes: int = 100,
    ) -> str:
        """An execution that ended so many days ago, or began then if it has not ended; with a trace."""
        ended_at = None if status in _RUNNING or status == "paused" else self.clock() - days * DAY
        began_at = self.clock() - days * DAY - (0 if ended_at is None else lasted)
        execution_id = new_execution_id(began_at)
        await self.database.execute("SELECT ensure_day($1)", day_of(execution_id))
        owner = _SOMEBODY if status in _RUNNING else None
        await self.database.execute(
            _EXECUTION, tenant, execution_id, workflow, plan, status, began_at, ended_at, trace_bytes, owner
        )
        for sequence in (1, 3):
            await self.database.execute(
                "INSERT INTO journal VALUES ($1, $2::uuid, $3, $4)", tenant, execution_id, sequence, "[]"
            )
        return execution_id

    async def put_many(
        self, count: int, *, days: float, tenant: str = "acme", workflow: str = "order"
    ) -> None:
        """As many completed executions, a second apart, the last of them so many days ago."""
        await self.database.execute("SELECT ensure_day(to_timestamp($1)::date)", self.clock() - days * DAY)
        await self.database.execute(
            """
            WITH made AS (
                SELECT to_timestamp(seconds) AS at, (lpad(to_hex((seconds * 1000)::bigint), 12, '0')
                    || '7000' || lpad(to_hex(number), 16, '8'))::uuid AS id
                FROM generate_series(1, $4::integer) AS number,
                    LATERAL (SELECT $3::float8 - number) AS of (seconds)
            ), summarised AS (
                INSERT INTO executions (tenant, id, workflow, version, status, failure_code, labels,
                    submitted_at, ended_at, task_attempts, task_seconds, egress_bytes, journal_bytes)
                SELECT $1, id, $2, 1, 'completed', '', '{}', at, at, 1, 0.5, 10, 100 FROM made
            )
            INSERT INTO journal SELECT $1, id, 1, '[]' FROM made
            """,
            tenant,
            workflow,
            self.clock() - days * DAY,
            count,
        )

    async def call_back(self, execution_id: str, *, days: float | None, tenant: str = "acme") -> None:
        """A callback of an execution, delivered so many days ago; `None`: it is still to be sent."""
        ended_at = None if days is None else self.clock() - days * DAY
        await self.database.execute(
            "INSERT INTO callbacks (tenant, execution_id, run, url, body, status, ended_at)"
            " VALUES ($1, $2::uuid, 1, 'https://example.com', '', $3, to_timestamp($4))",
            tenant,
            execution_id,
            "pending" if days is None else "delivered",
            ended_at,
        )

    async def bury(self, execution_id: str, *, status: str, tenant: str = "acme") -> str:
        """A dead letter of an execution."""
        letter_id = new_execution_id(self.clock())
        await self.database.execute(
            """
            INSERT INTO dead_letters (tenant, id, execution_id, workflow, version, task, task_name, reason,
                                      failure, failure_code, attempts, created_at, status)
            VALUES ($1, $2::uuid, $3::uuid, 'order', 1, 'a', 'a', 'permanent', '{}', 'internal', 1, now(), $4)
            """,
            tenant,
            letter_id,
            execution_id,
            status,
        )
        return letter_id

    async def shown(self, tenant: str = "acme") -> set[str]:
        """The executions of a tenant that are not hidden."""
        return await self._ids(
            "SELECT id::text FROM executions WHERE tenant = $1 AND deleted_at IS NULL", tenant
        )

    async def traced(self, tenant: str = "acme") -> set[str]:
        """The executions of a tenant whose traces are not hidden."""
        return await self._ids(
            "SELECT id::text FROM executions"
            " WHERE tenant = $1 AND trace_deleted_at IS NULL AND deleted_at IS NULL",
            tenant,
        )

    async def stored(self, tenant: str = "acme") -> set[str]:
        """The executions of a tenant that are there, hidden or not."""
        return await self._ids("SELECT id::text FROM executions WHERE tenant = $1", tenant)

    async def journaled(self, tenant: str = "acme") -> set[str]:
        """The executions of a tenant whose traces are there, hidden or not."""
        return await self._ids(
            "SELECT DISTINCT execution_id::text AS id FROM journal WHERE tenant = $1", tenant
        )

    async def days(self, table: str = "executions") -> set[date]:
        """The days that a table has a partition for."""
        rows = await self.database.fetch(
            "SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day FROM pg_inherits"
            " JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = $1::text::regclass",
            table,
        )
        return {row["day"] for row in rows}

    async def _ids(self, statement: str, *values: Any) -> set[str]:
        return {row["id"] for row in await self.database.fetch(statement, *values)}
