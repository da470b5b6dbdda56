"""One cleanup of one tenant: hides what has expired, shows again what has not after all, removes the rest.

In batches, each its own short transaction, so that nobody waits for a cleanup. Interrupted anywhere, it
leaves nothing that the next one does not finish.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.identifiers import first_execution_id
from tenantry.dataplane.journal.rows import day_of
from tenantry.dataplane.retention.counts import Counts, Effect, Kept
from tenantry.dataplane.retention.days import first_id_of, partitions, start_of
from tenantry.dataplane.retention.steps import HISTORY, OTHERS, TRACES
from tenantry.tenants.retention import GRACE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from datetime import date

    import asyncpg

    from tenantry.dataplane.retention.policies import Cutoffs, TenantPolicies
    from tenantry.dataplane.retention.steps import Step, Table
    from tenantry.tenants.identity import TenantId

    Act = Callable[[Step, str, str], Awaitable[None]]

_HIDING: Final = frozenset({Effect.SOFT_DELETED, Effect.RESTORED})
_REMOVING: Final = frozenset({Effect.REMOVED})
_ALL: Final = frozenset(Effect)
_FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"


class Cleaner:
    """Cleans up after a tenant: first `hide`, then `remove`; or only `count`s what these would do.

    Args:
        connection: not in a transaction.
        tenant: whose data.
        policies: what holds for it.
        now: epoch seconds; the whole cleanup goes by this instant.

    Attributes:
        counts: what was done so far.
    """

    def __init__(
        self, connection: asyncpg.Connection, tenant: TenantId, policies: TenantPolicies, now: float
    ) -> None:
        self._connection, self._tenant = connection, tenant
        self.counts = Counts()
        history, traces, logs = (
            policies.cutoffs(kept, now) for kept in (Kept.EXECUTION_HISTORY, Kept.TASK_TRACES, Kept.API_LOGS)
        )
        self._judgement = _judgement(history, logs, history, now)
        self._judgement_of_traces = _judgement(traces, logs, history, now)
        self._latest = {
            Kept.EXECUTION_HISTORY: history.latest,
            Kept.TASK_TRACES: traces.latest,
            Kept.API_LOGS: max(logs.latest, history.latest),  # a callback is hidden with its execution
        }

    async def hide(self) -> None:
        """Hides what has expired, and shows again what has not after all."""
        await self._each(_HIDING, self._change)

    async def remove(self) -> None:
        """Removes for good what has been hidden for its grace."""
        await self._each(_REMOVING, self._change)

    async def count(self) -> None:
        """Counts what `hide` and `remove` would do now. Changes nothing."""
        await self._each(_ALL, self._count)

    async def _each(self, effects: frozenset[Effect], act: Act) -> None:
        for partition in await partitions(self._connection):
            traced = partition.traces and await self._has_traces(partition.day)
            await self._on_day(partition.day, (*TRACES, *HISTORY) if traced else HISTORY, effects, act)
        for table, steps in OTHERS.items():
            async for day in self._days_of(table):
                await self._on_day(day, steps, effects, act)

    async def _on_day(self, day: date, steps: Iterable[Step], effects: frozenset[Effect], act: Act) -> None:
        for step in steps:
            if step.effect not in effects:
                continue
            # What began after the latest cutoff ended after it: nothing of that day has expired.
            if step.effect is Effect.SOFT_DELETED and start_of(day) > self._latest[step.kept]:
                continue
            await act(step, *_ids_of(day))

    async def _change(self, step: Step, low: str, high: str) -> None:
        while True:
            row = await self._connection.fetchrow(
                step.change, self._tenant, low, high, self._judgement_for(step)
            )
            if not row["count"]:
                return
            self.counts.by[step.kept, step.effect] += row["count"]
            low = row["last"]

    async def _count(self, step: Step, low: str, high: str) -> None:
        self.counts.by[step.kept, step.effect] += await self._connection.fetchval(
            step.count, self._tenant, low, high, self._judgement_for(step)
        )

    def _judgement_for(self, step: Step) -> str:
        return self._judgement_of_traces if step.kept is Kept.TASK_TRACES else self._judgement

    async def _has_traces(self, day: date) -> bool:
        found: bool = await self._connection.fetchval(
            """
            SELECT EXISTS (SELECT FROM journal
                           WHERE tenant = $1 AND execution_id >= $2::uuid AND execution_id < $3::uuid)
            """,
            self._tenant,
            *_ids_of(day),
        )
        return found

    async def _days_of(self, table: Table) -> AsyncIterator[date]:
        """The days the tenant has rows of, the oldest first."""
        statement = (
            f"SELECT {table.key}::text FROM {table.name} WHERE tenant = $1 AND {table.key} >= $2::uuid"  # noqa: S608  (constants)
            f" ORDER BY {table.name}.{table.key} LIMIT 1"  # the column, not the text of it
        )
        low = _FIRST_ID
        while (found := await self._connection.fetchval(statement, self._tenant, low)) is not None:
            day = day_of(found)
            yield day
            _, low = _ids_of(day)


def _ids_of(day: date) -> tuple[str, str]:
    return first_id_of(day), first_id_of(day + timedelta(days=1))


def _judgement(expired: Cutoffs, logs: Cutoffs, history: Cutoffs, now: float) -> str:
    """What the statements of steps go by, as JSON; instants are epoch seconds.

    What ended up to `expired` has expired; of some `workflows`, and of `logs`, up to instants of their own.
    What was hidden up to `hidden` may be removed. From the id `gone` on no execution has expired.
    """
    judgement: dict[str, Any] = {
        "workflows": expired.of_workflows,
        "expired": expired.otherwise,
        "logs": logs.otherwise,
        "now": now,
        "hidden": now - GRACE_SECONDS,
        "gone": first_execution_id(history.latest),
    }
    return json.dumps(judgement)
