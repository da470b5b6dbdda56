"""Dead letters as the journal's writer leaves them, their executions, and somebody who seems to retry."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tenantry.dataplane.identifiers import new_execution_id
from tests.support.executions import NOON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.language.values import Json

    Database: TypeAlias = asyncpg.Connection | asyncpg.Pool[asyncpg.Record]


MANY_LETTERS: Final = """
    INSERT INTO dead_letters (tenant, id, execution_id, workflow, version, task, task_name, reason, failure,
        failure_code, attempts, created_at, status)
    SELECT 'acme', rpad(lpad(to_hex((at * 1000)::bigint), 12, '0'), 32, '0')::uuid, gen_random_uuid(),
        'order-' || n % 50, 1, 'charge', 'charge', 'permanent', '{}', 'upstream-status', 1, to_timestamp(at),
        CASE n % 3 WHEN 0 THEN 'open' ELSE 'retried' END
    FROM (SELECT n, $1::float8 + n * 0.864 AS at FROM generate_series(0, 99999) AS n) AS each
"""
"""A day's 100,000 letters of acme, from the given instant on."""


async def end_execution(
    database: Database,
    *,
    tenant: str = "acme",
    execution_id: str = "",
    status: str = "failed",
    trace_deleted: bool = False,
    deleted: bool = False,
) -> str:
    """An execution of the tenant stands there; gives its id."""
    execution_id = execution_id or new_execution_id(NOON)
    await database.execute("SELECT ensure_day(day_of($1::uuid))", execution_id)
    await database.execute(
        "INSERT INTO executions (tenant, id, workflow, version, status, failure_code, labels, submitted_at,"
        " task_attempts, task_seconds, egress_bytes, journal_bytes, trace_deleted_at, deleted_at)"
        " VALUES ($1, $2::uuid, 'order', 1, $3, '', '{}', to_timestamp($4), 1, 0, 0, 0,"
        " CASE WHEN $5 THEN now() END, CASE WHEN $6 THEN now() END)",
        tenant, execution_id, status, NOON, trace_deleted, deleted,
    )  # fmt: skip
    return execution_id


async def write_letter(
    database: Database,
    *,
    tenant: str = "acme",
    execution_id: str = "",
    workflow: str = "order",
    task: str = "charge",
    task_name: str = "charge-card",
    reason: str = "permanent",
    code: str = "upstream-status",
    failure: Mapping[str, Any] | None = None,
    at: float = NOON,
    status: str = "open",
    retried_as: str | None = None,
) -> str:
    """A letter of the tenant, of a failed execution unless one is named; gives its id."""
    execution_id = execution_id or await end_execution(database, tenant=tenant)
    letter_id = new_execution_id(at)
    told = {"code": code, "message": "the upstream answered 402", "task": task, **(failure or {})}
    await database.execute(
        "INSERT INTO dead_letters (tenant, id, execution_id, workflow, version, task, task_name, reason,"
        " failure, failure_code, attempts, created_at, status, retried_as) VALUES ($1, $2::uuid, $3::uuid,"
        " $4, 1, $5, $6, $7, $8::json, $9, 3, to_timestamp($10), $11, $12::uuid)",
        tenant, letter_id, execution_id, workflow, task, task_name, reason, json.dumps(told), code, at,
        status, retried_as,
    )  # fmt: skip
    return letter_id


class Retried(NamedTuple):
    """What was asked of those who retry. `new_id` and `tasks` are those of a fork."""

    tenant: str
    execution_id: str
    actor: str
    inputs: dict[str, Any]
    tasks: tuple[str, ...] = ()
    new_id: str = ""


@dataclass
class FakeRetries:
    """Remembers what it was asked for; does it in the database, unless it raises `refusal`.

    Attributes:
        gate: everybody waits here before anything happens.
        dies: raised after it happened: whoever asked never hears of it.
    """

    database: Database
    asked: list[Retried] = field(default_factory=list)
    refusal: BaseException | None = None
    dies: BaseException | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def __post_init__(self) -> None:
        self.gate.set()

    async def retry(
        self,
        tenant: ServedTenant,
        execution_id: str,
        actor: str,
        inputs: Mapping[str, Json],
        *,
        acknowledged: bool,
    ) -> None:
        """The execution runs again."""
        del acknowledged
        await self._ask(Retried(tenant.name, execution_id, actor, dict(inputs)))
        await self.database.execute(
            "UPDATE executions SET status = 'running', run = run + 1 WHERE tenant = $1 AND id = $2::uuid",
            tenant.name,
            execution_id,
        )
        self._maybe_die()

    async def fork(
        self,
        tenant: ServedTenant,
        execution_id: str,
        actor: str,
        inputs: Mapping[str, Json],
        *,
        tasks: Sequence[str],
        new_id: str,
    ) -> None:
        """Another execution runs."""
        await self._ask(Retried(tenant.name, execution_id, actor, dict(inputs), tuple(tasks), new_id))
        await end_execution(self.database, tenant=tenant.name, execution_id=new_id, status="running")
        self._maybe_die()

    async def _ask(self, what: Retried) -> None:
        self.waiting.release()
        await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(what)

    def _maybe_die(self) -> None:
        if self.dies is not None:
            raise self.dies


def instant(seconds: float) -> datetime:
    """Epoch seconds as an instant."""
    return datetime.fromtimestamp(seconds, UTC)
