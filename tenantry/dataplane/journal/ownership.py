"""Who runs what: executors with their leases, executions with their owners, and orders given to owners.

Time is the database's, so that the clocks of executors need not agree. An executor whose lease has expired
may renew it all the same until another has declared it dead; from then on what it ran is an orphan. Whoever
takes an orphan raises its epoch, so that nothing more of the dead executor's is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenantry.dataplane.engine.core.state import ENDED
from tenantry.dataplane.journal.reading import fetch
from tenantry.dataplane.journal.rows import NOBODY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import asyncpg

    from tenantry.tenants.identity import TenantId

_TAKEN: Final = "tenant, id::text, epoch, plan, status, journal_bytes"
# A row that changed while its lock was waited for is judged again, but not by a join: with NOT EXISTS, which
# becomes one, in place of the count two that look at the same time both take the same orphan.
_TAKE_ORPHANS: Final = f"""
    UPDATE executions SET owner = $1::uuid, epoch = epoch + 1, revision = 0
    WHERE (tenant, id) IN (
        SELECT tenant, id FROM executions AS orphan
        WHERE owner IS NOT NULL AND tenant = ANY($2::text[])
            AND (SELECT count(*) FROM executors WHERE executors.id = orphan.owner) = 0
        LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    RETURNING {_TAKEN}
"""  # noqa: S608  (a constant)
_TAKE: Final = f"""
    UPDATE executions SET owner = $1::uuid, epoch = epoch + 1, revision = 0
    WHERE tenant = $2 AND id = $3::uuid AND status = ANY($4::text[]) AND deleted_at IS NULL
        AND trace_deleted_at IS NULL
        AND (owner IS NULL OR NOT EXISTS (SELECT FROM executors WHERE executors.id = owner))
    RETURNING {_TAKEN}
"""  # noqa: S608  (a constant)


@dataclass(frozen=True, slots=True)
class Taken:
    """An execution that is ours from now on.

    Attributes:
        plan: the key of its plan's source.
        journal_bytes: how much there is to read of it.
    """

    tenant: TenantId
    id: str
    epoch: int
    plan: str
    status: str
    journal_bytes: int = 0


class Standing(NamedTuple):
    """What the row of an execution says, for when nothing else can be read of it; `labels` are JSON."""

    workflow: str
    version: int
    labels: str
    run: int
    submitted_at: float
    task_attempts: int
    task_seconds: float
    egress_bytes: int
    journal_bytes: int


class Segment(NamedTuple):
    """Events of one commit, as JSON."""

    first_sequence: int
    events: str


class Order(NamedTuple):
    """Something an executor is asked to do to an execution it runs: `cancel`, `pause` or `resume`."""

    tenant: TenantId
    execution_id: str
    kind: str
    actor: str


class Ownership:
    """Executors and what they own, in one database.

    Every call raises `JournalUnavailableError` when the database does not answer.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def register(self, executor: str, name: str, lease_seconds: float) -> None:
        """Makes an executor known, with a lease."""
        await self._run(
            "INSERT INTO executors (id, name, lease_expires_at)"
            " VALUES ($1::uuid, $2, now() + make_interval(secs => $3))",
            executor,
            name,
            lease_seconds,
        )

    async def renew(self, executor: str, lease_seconds: float) -> bool:
        """Keeps the lease; `False` when the executor has been declared dead."""
        return bool(
            await self._run(
                "UPDATE executors SET lease_expires_at = now() + make_interval(secs => $2)"
                " WHERE id = $1::uuid RETURNING id",
                executor,
                lease_seconds,
            )
        )

    async def leave(self, executor: str) -> None:
        """Ends an executor: whatever it still owns may be taken at once."""
        await self._run("DELETE FROM executors WHERE id = $1::uuid", executor)

    async def bury(self, executor: str) -> bool:
        """Declares the other executors dead whose leases have expired; whether there are orphans."""
        rows = await self._run(
            """
            WITH buried AS (
                DELETE FROM executors WHERE lease_expires_at < now() AND id <> $1::uuid RETURNING id)
            SELECT EXISTS (
                SELECT FROM executions WHERE owner IS NOT NULL AND (
                    owner IN (SELECT id FROM buried)
                    OR NOT EXISTS (SELECT FROM executors WHERE executors.id = owner))
            ) AS orphans
            """,
            executor,
        )
        return bool(rows[0]["orphans"])

    async def disclaim(self, executor: str, but: Collection[str]) -> None:
        """Leaves what an executor took and wrote nothing of, but for these ids, to whoever looks next."""
        await self._run(
            "UPDATE executions SET owner = $3::uuid"
            " WHERE owner = $1::uuid AND revision = 0 AND NOT id = ANY($2::uuid[])",
            executor,
            list(but),
            NOBODY,
        )

    async def give_back(self, taken: Taken) -> None:
        """Leaves an execution to whoever looks next; one that has ended, to nobody."""
        await self._run(
            "UPDATE executions SET owner = $4::uuid WHERE tenant = $1 AND id = $2::uuid AND epoch = $3",
            taken.tenant,
            taken.id,
            taken.epoch,
            None if taken.status in ENDED else NOBODY,
        )

    async def take_orphans(self, executor: str, tenants: Iterable[TenantId], limit: int) -> list[Taken]:
        """Takes executions of these tenants that nobody alive owns."""
        rows = await self._run(_TAKE_ORPHANS, executor, list(tenants), limit)
        return [Taken(**dict(row)) for row in rows]

    async def take(
        self, executor: str, tenant: TenantId, execution_id: str, statuses: Sequence[str]
    ) -> Taken | None:
        """Takes an execution that nobody runs, if it has one of these statuses."""
        rows = await self._run(_TAKE, executor, tenant, execution_id, list(statuses))
        return Taken(**dict(rows[0])) if rows else None

    async def segments(self, taken: Sequence[Taken]) -> dict[str, list[Segment]]:
        """What was journaled of executions, in order, by id."""
        rows = await self._run(
            """
            SELECT execution_id::text AS id, first_sequence, events FROM journal
            JOIN unnest($1::text[], $2::uuid[]) AS wanted (tenant, execution_id) USING (tenant, execution_id)
            ORDER BY execution_id, first_sequence
            """,
            [one.tenant for one in taken],
            [one.id for one in taken],
        )
        found: dict[str, list[Segment]] = {one.id: [] for one in taken}
        for row in rows:
            found[row["id"]].append(Segment(row["first_sequence"], row["events"]))
        return found

    async def source(self, tenant: TenantId, key: str) -> str | None:
        """The source of a plan."""
        rows = await self._run("SELECT source FROM plan_sources WHERE tenant = $1 AND key = $2", tenant, key)
        return rows[0]["source"] if rows else None

    async def standing(self, taken: Taken) -> Standing | None:
        """What an execution's row says, while it is ours."""
        rows = await self._run(
            """
            SELECT workflow, version, labels, run, extract(epoch FROM submitted_at)::float8 AS submitted_at,
                task_attempts, task_seconds, egress_bytes, journal_bytes
            FROM executions WHERE tenant = $1 AND id = $2::uuid AND epoch = $3
            """,
            taken.tenant,
            taken.id,
            taken.epoch,
        )
        return Standing(**dict(rows[0])) if rows else None

    async def order(self, order: Order) -> bool:
        """Gives an order to whoever runs the execution; `False` when nobody does."""
        rows = await self._run(
            """
            INSERT INTO commands (owner, tenant, execution_id, kind, actor)
            SELECT owner, tenant, id, $3, $4 FROM executions
            WHERE tenant = $1 AND id = $2::uuid AND owner IS NOT NULL
            RETURNING id
            """,
            *order,
        )
        return bool(rows)

    async def orders(self, executor: str, tenants: Iterable[TenantId]) -> dict[int, Order]:
        """The orders about these tenants' executions that an executor has to carry out, by number, in order.

        Those whose executor is gone become its own. Until they are `done` they are there for others too,
        should it be gone itself.
        """
        rows = await self._run(
            """
            UPDATE commands SET owner = $1::uuid
            WHERE tenant = ANY($3::text[]) AND (owner = $1::uuid OR owner = $2::uuid
                OR NOT EXISTS (SELECT FROM executors WHERE executors.id = commands.owner))
            RETURNING id, tenant, execution_id::text, kind, actor
            """,
            executor,
            NOBODY,
            list(tenants),
        )
        return {
            row["id"]: Order(row["tenant"], row["execution_id"], row["kind"], row["actor"])
            for row in sorted(rows, key=lambda row: row["id"])
        }

    async def done(self, orders: Collection[int]) -> None:
        """Forgets orders that were carried out."""
        await self._run("DELETE FROM commands WHERE id = ANY($1::bigint[])", list(orders))

    async def _run(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        return await fetch(self._pool, statement, *values)
