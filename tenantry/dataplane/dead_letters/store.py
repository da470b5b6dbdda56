"""The table of dead letters: pages, one letter, and changes that two people cannot both make.

Ids are UUIDv7 of the instant the letter was written at: a span of time is a range of them.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.dead_letters.decision import Case, Go, Stay
from tenantry.dataplane.dead_letters.letters import GOAL, DeadLetter, LetterStatus
from tenantry.dataplane.journal.reading import asking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    import asyncpg

    from tenantry.dataplane.dead_letters.decision import Refuse
    from tenantry.dataplane.dead_letters.letters import LetterAct, LetterFilter
    from tenantry.tenants.identity import TenantId

CLAIM: Final = timedelta(seconds=60)
"""So long nobody else may retry what somebody is retrying; then whoever does is thought dead."""

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")
_MAX_MILLISECONDS: Final = (1 << 48) - 1

_LETTER: Final = """
    letter.id::text, letter.execution_id::text, letter.workflow, letter.version, letter.task,
    letter.task_name, letter.reason, letter.failure, letter.failure_code, letter.attempts,
    letter.created_at, letter.status, letter.changed_at, letter.changed_by, letter.retried_as::text, (
        SELECT executions.status FROM executions
        WHERE executions.tenant = letter.tenant AND executions.id = letter.execution_id
            AND executions.deleted_at IS NULL
    ) AS execution_status
"""
_FREE: Final = "(letter.claimed_until IS NULL OR letter.claimed_until <= now())"
_CHANGE: Final = f"""
    UPDATE dead_letters AS letter SET status = $3, changed_at = now(), changed_by = $4
    WHERE letter.tenant = $1 AND letter.id = $2::uuid AND letter.status = 'open' AND {_FREE}
"""  # noqa: S608  (a constant)
# In the order of ids, and first of all: whoever else acts on a letter of the execution waits here. What was
# waited for is seen by the next statement only, which is why that one reads.
_LOCK: Final = """
    SELECT FROM dead_letters
    WHERE tenant = $1
        AND execution_id = (SELECT execution_id FROM dead_letters WHERE tenant = $1 AND id = $2::uuid)
        AND (status <> 'retried' OR id = $2::uuid)
    ORDER BY id FOR UPDATE
"""
_CASE: Final = f"""
    SELECT {_LETTER}, NOT {_FREE} AS held,
        (SELECT executions.id::text FROM executions
         WHERE executions.tenant = letter.tenant AND executions.id = letter.claim) AS begun_as,
        (SELECT executions.trace_deleted_at IS NOT NULL FROM executions
         WHERE executions.tenant = letter.tenant AND executions.id = letter.execution_id) AS trace_deleted
    FROM dead_letters AS letter
    WHERE letter.tenant = $1 AND letter.execution_id = (
            SELECT execution_id FROM dead_letters WHERE tenant = $1 AND id = $2::uuid)
        AND (letter.status <> 'retried' OR letter.id = $2::uuid)
    ORDER BY letter.id
"""  # noqa: S608  (a constant)
_CLAIM: Final = """
    UPDATE dead_letters SET claim = $3::uuid, claimed_until = now() + $4
    WHERE tenant = $1 AND id = ANY($2::uuid[])
"""
# Locked in the order of ids as well: whoever locks otherwise and whoever decides could wait for each other.
_HELD: Final = """
    WITH held AS (
        SELECT id FROM dead_letters
        WHERE tenant = $1 AND execution_id = $2::uuid AND claim = $3::uuid
        ORDER BY id FOR UPDATE
    )
"""
_SETTLE: Final = f"""{_HELD}
    UPDATE dead_letters AS letter
    SET status = 'retried', changed_at = now(), changed_by = $4, retried_as = $5::uuid, claimed_until = NULL
    FROM held WHERE letter.tenant = $1 AND letter.id = held.id
"""  # noqa: S608  (a constant)
_RELEASE: Final = f"""{_HELD}
    UPDATE dead_letters AS letter SET claim = NULL, claimed_until = NULL
    FROM held WHERE letter.tenant = $1 AND letter.id = held.id
"""  # noqa: S608  (a constant)


class LetterStore:
    """Reads and changes one data plane's dead letters. Every call names the tenant first.

    Every call raises `JournalUnavailableError` when the database does not answer.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def page(self, tenant: TenantId, wanted: LetterFilter, limit: int) -> list[DeadLetter]:
        """The newest letters the filter lets through, newest first, at most `limit`."""
        statement, values = page_statement(tenant, wanted, limit)
        async with self._connection() as connection:
            return [_letter(row) for row in await connection.fetch(statement, *values)]

    async def find(self, tenant: TenantId, letter_id: str) -> DeadLetter | None:
        """The letter, or `None` when this tenant has none of that id."""
        async with self._connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_LETTER} FROM dead_letters AS letter"  # noqa: S608  (a constant)
                " WHERE letter.tenant = $1 AND letter.id = $2::uuid",
                tenant,
                letter_id,
            )
        return None if row is None else _letter(row)

    async def change(self, tenant: TenantId, letter_id: str, act: LetterAct, actor: str) -> bool:
        """Brings an open letter where the act does; `False` when it is not open, or is being retried."""
        async with self._connection() as connection:
            done = await connection.execute(_CHANGE, tenant, letter_id, GOAL[act], actor)
        return str(done) == "UPDATE 1"

    async def claim(
        self, tenant: TenantId, letter_id: str, claim: str, decide: Callable[[Case], Go | Stay | Refuse]
    ) -> tuple[DeadLetter, Go | Stay | Refuse] | None:
        """Decides about a letter while nobody else can; what is to go is held under `claim` from then on.

        Args:
            tenant: whose letter.
            letter_id: which; `None` is given when the tenant has none of that id.
            claim: an id for an execution, which none has.
            decide: given what is known.
        """
        async with self._connection() as connection, connection.transaction():
            await connection.execute(_LOCK, tenant, letter_id)
            case = _case(await connection.fetch(_CASE, tenant, letter_id), letter_id)
            if case is None:
                return None
            decision = decide(case)
            if isinstance(decision, Go):
                covered = [one.id for one in decision.covered]
                await connection.execute(_CLAIM, tenant, covered, claim, CLAIM)
            return case.letter, decision

    async def settle(
        self, tenant: TenantId, execution_id: str, claim: str, actor: str, fork: str | None
    ) -> None:
        """What was held under the claim is retried; `fork` is the execution begun for it."""
        async with self._connection() as connection:
            await connection.execute(_SETTLE, tenant, execution_id, claim, actor, fork)

    async def release(self, tenant: TenantId, execution_id: str, claim: str) -> None:
        """What was held under the claim stays as it was."""
        async with self._connection() as connection:
            await connection.execute(_RELEASE, tenant, execution_id, claim)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with asking("dead letters"):
            async with self._pool.acquire() as connection:
                yield connection


def page_statement(tenant: TenantId, wanted: LetterFilter, limit: int) -> tuple[str, list[Any]]:
    """The statement that reads a page, and its arguments."""
    conditions, values = ["letter.tenant = $1"], [tenant]
    for sql, value in (
        ("letter.status = ${0}", wanted.status),
        ("letter.workflow = ${0}", wanted.workflow),
        ("letter.execution_id = ${0}::uuid", wanted.execution_id),
        ("letter.reason = ${0}", wanted.reason),
        ("letter.failure_code = ${0}", wanted.code),
        (f"${{0}} IN (letter.task, letter.task_name, {step_of('letter.task')})", wanted.task),
        ("letter.id >= ${0}::uuid", _id_at(wanted.since, -1)),
        ("letter.created_at >= ${0}", wanted.since),
        ("letter.id < ${0}::uuid", _id_at(wanted.until, 2)),
        ("letter.created_at < ${0}", wanted.until),
        ("letter.id < ${0}::uuid", wanted.before_id),
    ):
        if value is not None:
            values.append(value)  # type: ignore[arg-type]  # the driver types each parameter by the statement
            conditions.append(sql.format(len(values)))
    chosen = f"SELECT {_LETTER} FROM dead_letters AS letter WHERE {' AND '.join(conditions)}"  # noqa: S608
    return f"{chosen} ORDER BY letter.id DESC LIMIT {limit:d}", list(values)


def step_of(column: str) -> str:
    """SQL: a path without the numbers of items, so that all items of a loop are one."""
    return f"regexp_replace({column}, '\\[[0-9]+\\]', '[]', 'g')"


def id_range(since: datetime, until: datetime) -> tuple[str, str]:
    """Ids between which all letters of a span are, and perhaps a few of the milliseconds around it."""
    return _id_of(since, -1), _id_of(until, 2)


def _id_at(instant: datetime | None, more_milliseconds: int) -> str | None:
    return None if instant is None else _id_of(instant, more_milliseconds)


def _id_of(instant: datetime, more_milliseconds: int) -> str:
    """The first id of a millisecond. An instant is stored rounded, and its id's is cut off: hence `more`."""
    milliseconds = (instant - _EPOCH) // timedelta(milliseconds=1) + more_milliseconds
    return f"{min(max(0, milliseconds), _MAX_MILLISECONDS):012x}".ljust(32, "0")


def _case(rows: Iterable[Any], letter_id: str) -> Case | None:
    letter, others, held, begun_as, trace_deleted = None, [], False, None, False
    for row in rows:
        one = _letter(row)
        held = held or row["held"]
        if one.id == letter_id:
            letter, begun_as, trace_deleted = one, row["begun_as"], row["trace_deleted"] is True
        else:
            others.append(one)
    if letter is None:
        return None
    return Case(
        letter=letter, others=tuple(others), held=held, begun_as=begun_as, trace_deleted=trace_deleted
    )


def _letter(row: Any) -> DeadLetter:
    fields = {name: row[name] for name in DeadLetter.__dataclass_fields__}
    failure, status = msgspec.json.decode(fields.pop("failure")), LetterStatus(fields.pop("status"))
    return DeadLetter(**fields, failure=failure, status=status)
