"""Cleanups as they are run: of the tenants whose schedule has ticked, or of one that asks for it.

Replicas share the work: a tenant is cleaned up by whoever has its lock, and a tick is over once the log has
its cleanup.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.journal.reading import asking
from tenantry.dataplane.retention.cleaner import Cleaner
from tenantry.dataplane.retention.counts import Counts
from tenantry.dataplane.retention.days import create_ahead, drop_past
from tenantry.dataplane.retention.log import CleanupLog, new_entry
from tenantry.dataplane.retention.policies import policies_of
from tenantry.dataplane.retention.steps import SCHEDULE
from tenantry.dataplane.retention.sweeping import sweep
from tenantry.tenants.identity import Instant, TenantId
from tenantry.tenants.retention import is_due

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    import asyncpg

    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.retention.log import Entry
    from tenantry.dataplane.retention.policies import TenantPolicies

AT_ONCE: Final = 2
"""Cleanups and the like under way in a process; the others wait."""

LOOK_SECONDS: Final = 60.0
"""How often `run_due` is asked."""

TIDY_SECONDS: Final = 600.0
"""How often `tidy` is asked."""

DAYS: Final = "system/days"
"""The actor where a day went whole outside of the tenant's own cleanup."""

_LOG = logging.getLogger(__name__)


class CleanupRunningError(Exception):
    """The tenant is being cleaned up already, here or elsewhere."""


class Cleanups:
    """Runs cleanups over connections of its own, so that nobody who reads waits for one.

    Args:
        pool: a transaction per statement; `AT_ONCE` of its connections are used.
        registry: whose tenants are cleaned up.
        clock: what all of it goes by, but for what the database itself has dated.
        all_known: whether what the registry says is of today. Until then the schedule begins nothing: what
            somebody wants kept longer since would be removed.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        registry: Registry,
        clock: Clock,
        *,
        all_known: Callable[[], bool],
    ) -> None:
        self._pool, self._registry, self._clock, self._all_known = pool, registry, clock, all_known
        self._running: set[asyncio.Task[Entry]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run_due(self) -> int:
        """Cleans up after the tenants whose schedule has ticked since the last time; gives how many.

        Raises:
            JournalUnavailableError: the database does not answer.
        """
        if not self._all_known():
            return 0
        async with self._connection() as connection:
            claimed = [name for name in await self._due(connection) if await _lock(connection, name)]
            # Asked again under their locks: somebody else may just have done it.
            due = await self._due(connection, claimed) if claimed else []
            runs = [self._run_of(connection, tenant, SCHEDULE) for tenant in self._served(due)]
            await self._carry_out(connection, runs)
        return len(runs)

    def begin(self, tenant: ServedTenant, actor: str, *, dry_run: bool) -> asyncio.Task[Entry]:
        """Begins a cleanup of one tenant, or only counts what it would do; it ends whoever waits for it.

        The task raises:
            CleanupRunningError: somebody is at it already.
            JournalUnavailableError: the database does not answer.
        """
        work = self._count(tenant, actor) if dry_run else self._clean(tenant, actor)
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._end)
        return task

    async def stop(self) -> None:
        """Ends what runs: the next cleanup goes on with it."""
        running = [*self._running]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def tidy(self) -> None:
        """Makes the tables of the next days, and removes what serves nobody any more, of all tenants.

        Raises:
            JournalUnavailableError: the database does not answer.
        """
        async with self._connection() as connection:
            await create_ahead(connection, self._clock())
            await sweep(connection)

    def _end(self, task: asyncio.Task[Entry]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever waits, if anybody still does

    async def _due(
        self, connection: asyncpg.Connection, among: Iterable[TenantId] | None = None
    ) -> list[TenantId]:
        names = [TenantId(name) for name in self._registry.revisions()] if among is None else [*among]
        last_runs = await CleanupLog(connection).last_runs(names)
        now = Instant(self._clock())
        return [
            tenant.name
            for tenant in self._served(names)
            if is_due(tenant.spec.data_retention.cleanup_schedule, last_runs.get(tenant.name), now)
        ]

    def _served(self, names: Iterable[TenantId]) -> list[ServedTenant]:
        return [tenant for name in names if (tenant := self._registry.tenant(name)) is not None]

    async def _clean(self, tenant: ServedTenant, actor: str) -> Entry:
        async with self._connection() as connection:
            if not await _lock(connection, tenant.name):
                raise CleanupRunningError
            (entry,) = await self._carry_out(connection, [self._run_of(connection, tenant, actor)])
        return entry

    async def _count(self, tenant: ServedTenant, actor: str) -> Entry:
        async with self._connection() as connection:
            run = self._run_of(connection, tenant, actor)
            await run.attempt(run.cleaner.count)
            return await self._note(connection, run, dry_run=True)

    async def _carry_out(self, connection: asyncpg.Connection, runs: list[_Run]) -> list[Entry]:
        """All together, so that a day in which everything has expired can go whole and not row by row."""
        # What is asked of a day must not be planned for all of them.
        await connection.execute("SET plan_cache_mode = force_custom_plan")
        for run in runs:
            await run.attempt(run.cleaner.hide)
        await self._drop_days(connection, {run.tenant: run for run in runs if run.error is None})
        for run in runs:
            await run.attempt(run.cleaner.remove)
        return [await self._note(connection, run, dry_run=False) for run in runs]

    async def _drop_days(self, connection: asyncpg.Connection, runs: dict[TenantId, _Run]) -> None:
        if not runs:
            return
        now = self._clock()
        others: dict[TenantId, Counts] = {}
        for dropped in await drop_past(connection, self._policies(), now):
            for tenant, executions in dropped.executions.items():
                own = runs.get(tenant)
                counts = own.cleaner.counts if own is not None else others.setdefault(tenant, Counts())
                counts.drop(dropped.kept, dropped.day, executions)
        for tenant, counts in others.items():
            entry = new_entry(DAYS, now, self._clock(), counts.view())
            await CleanupLog(connection).add(tenant, entry)

    def _policies(self) -> Callable[[TenantId], TenantPolicies | None]:
        """What holds for tenants, each looked at once."""

        @cache
        def of(name: TenantId) -> TenantPolicies | None:
            tenant = self._registry.tenant(name)
            return None if tenant is None else policies_of(tenant)

        return of

    def _run_of(self, connection: asyncpg.Connection, tenant: ServedTenant, actor: str) -> _Run:
        now = self._clock()
        return _Run(tenant.name, actor, now, Cleaner(connection, tenant.name, policies_of(tenant), now))

    async def _note(self, connection: asyncpg.Connection, run: _Run, *, dry_run: bool) -> Entry:
        counts = run.cleaner.counts.view()
        entry = new_entry(run.actor, run.began_at, self._clock(), counts, dry_run=dry_run, error=run.error)
        await CleanupLog(connection).add(run.tenant, entry)
        _LOG.info("cleanup of %s by %s: %s", run.tenant, run.actor, counts)
        return entry

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        # Given back, a connection gives up its locks and settings.
        with asking("a cleanup"):
            async with self._room, self._pool.acquire() as connection:
                yield connection


@dataclass
class _Run:
    """A cleanup of one tenant under way. What goes wrong with one does not keep the others."""

    tenant: TenantId
    actor: str
    began_at: float
    cleaner: Cleaner
    error: str | None = None

    async def attempt(self, part: Callable[[], Awaitable[None]]) -> None:
        """Does a part of it, unless an earlier one failed."""
        if self.error is not None:
            return
        try:
            await part()
        except Exception as error:  # noqa: BLE001  (it is logged, for the tenant without its details)
            _LOG.exception("the cleanup of %s failed", self.tenant)
            self.error = type(error).__name__


async def _lock(connection: asyncpg.Connection, tenant: TenantId) -> bool:
    """Takes the tenant's lock for as long as the connection is held; `False` when somebody has it."""
    locked: bool = await connection.fetchval(
        "SELECT pg_try_advisory_lock(hashtextextended('tenantry cleanup ' || $1, 0))", tenant
    )
    return locked
