"""The table of callbacks as a sender sees it: who waits, what to send now, what became of it.

All instants are the database's: replicas share one clock, whatever their own say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.callbacks.schedule import Again, Delivered
from tenantry.protocol.callbacks import CallbackStatus
from tenantry.tenants.identity import TenantId

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import asyncpg

    from tenantry.dataplane.callbacks.schedule import Outcome

HOLD: Final = timedelta(seconds=60)
"""How long a taken callback is left alone: longer than a try takes. Then whoever sends it is thought dead."""

UNSERVED: Final = timedelta(minutes=10)
"""A callback is due for so long before nobody serving its tenant means that the tenant is gone."""

# A loose index scan: one probe for each tenant that waits, however many callbacks it has.
_WAITING: Final = """
    WITH RECURSIVE waiting (tenant) AS (
        (SELECT tenant FROM callbacks WHERE status = 'pending' ORDER BY tenant LIMIT 1)
        UNION ALL
        SELECT (SELECT callbacks.tenant FROM callbacks
                WHERE status = 'pending' AND callbacks.tenant > waiting.tenant
                ORDER BY callbacks.tenant LIMIT 1)
        FROM waiting WHERE waiting.tenant IS NOT NULL
    )
    SELECT tenant FROM waiting WHERE tenant IS NOT NULL
"""

# Taking pushes the next try ahead, in one statement: two who take at once skip each other's rows, and what a
# sender that died had taken is due again after the hold. Who has least under way gets the next place.
_CLAIM: Final = """
    WITH asking AS (
        SELECT * FROM unnest($1::text[], $2::integer[]) AS one (tenant, sending)
    ), due AS MATERIALIZED (
        SELECT found.*
        FROM asking CROSS JOIN LATERAL (
            SELECT tenant, execution_id, run, next_at FROM callbacks
            WHERE tenant = asking.tenant AND status = 'pending' AND next_at <= now()
            ORDER BY next_at LIMIT greatest(0, least($3 - asking.sending, $4))
            FOR UPDATE SKIP LOCKED
        ) AS found
        ORDER BY asking.sending + row_number() OVER (PARTITION BY found.tenant ORDER BY found.next_at),
                 found.next_at
        LIMIT $4
    )
    UPDATE callbacks SET attempts = attempts + 1, next_at = now() + $5
    FROM due
    WHERE callbacks.tenant = due.tenant AND callbacks.execution_id = due.execution_id
        AND callbacks.run = due.run
    RETURNING callbacks.tenant, callbacks.execution_id::text, callbacks.run, url, body, attempts,
              now() AS taken_at, callbacks.next_at AS held_until
"""

_SETTLE: Final = """
    UPDATE callbacks
    SET status = $5, answered = $6, error = $7,
        next_at = CASE WHEN $8::interval IS NULL THEN next_at ELSE now() + $8 END,
        ended_at = CASE WHEN $8::interval IS NULL THEN now() END,
        body = CASE WHEN $5 = 'delivered' THEN '' ELSE body END
    WHERE tenant = $1 AND execution_id = $2::uuid AND run = $3 AND status = 'pending' AND next_at = $4
"""

_GIVE_UP: Final = """
    UPDATE callbacks SET status = 'failed', ended_at = now(), error = 'the tenant is gone'
    WHERE status = 'pending' AND tenant = ANY($1::text[]) AND next_at <= now() - $2::interval
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenCallback:
    """A callback taken to be sent once.

    Attributes:
        attempts: this try included.
        taken_at: now, as the database says.
        held_until: nobody else takes it before; it names this try when it is settled.
    """

    tenant: TenantId
    execution_id: str
    run: int
    url: str
    body: str
    attempts: int
    taken_at: datetime
    held_until: datetime

    @property
    def message_id(self) -> str:
        """Names the message for its receiver: the same at every try."""
        return f"{self.execution_id}_{self.run}"


class Outbox:
    """Callbacks of all tenants that are yet to be sent. Every call may raise what the database raises."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def waiting(self) -> list[TenantId]:
        """The tenants with callbacks that are pending, due or not."""
        return [TenantId(row["tenant"]) for row in await self._pool.fetch(_WAITING)]

    async def take(
        self, sending: Mapping[TenantId, int], *, most_per_tenant: int, most: int
    ) -> list[TakenCallback]:
        """Takes callbacks that are due, those of tenants with the fewest under way first.

        Args:
            sending: the tenants to take from, and how many of each are under way here.
            most_per_tenant: so many of a tenant may be under way.
            most: so many are taken.
        """
        rows = await self._pool.fetch(
            _CLAIM, list(sending), list(sending.values()), most_per_tenant, most, HOLD
        )
        return [_taken(row) for row in rows]

    async def settle(self, taken: TakenCallback, status: int | None, outcome: Outcome) -> None:
        """Writes down what became of a try, unless its hold ended and somebody else has taken it since."""
        now_is, error, wait = _columns(outcome)
        await self._pool.execute(
            _SETTLE,
            taken.tenant, taken.execution_id, taken.run, taken.held_until, now_is, status, error, wait,
        )  # fmt: skip

    async def give_up(self, tenants: Collection[TenantId]) -> None:
        """Gives up what has long been due of tenants that are gone."""
        await self._pool.execute(_GIVE_UP, list(tenants), UNSERVED)


def _columns(outcome: Outcome) -> tuple[CallbackStatus, str | None, timedelta | None]:
    if isinstance(outcome, Delivered):
        return CallbackStatus.DELIVERED, None, None
    if isinstance(outcome, Again):
        return CallbackStatus.PENDING, outcome.error, timedelta(seconds=outcome.seconds)
    return CallbackStatus.FAILED, outcome.error, None


def _taken(row: Any) -> TakenCallback:
    return TakenCallback(**dict(row))
