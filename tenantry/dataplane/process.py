"""The data plane's process: builds its parts, starts them, serves, stops them in order."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import httpx

from tenantry.dataplane.bundles.disk import BundleDirectory
from tenantry.dataplane.bundles.follower import BundleFollower
from tenantry.dataplane.bundles.registry import Registry
from tenantry.dataplane.callbacks.deliveries import Deliveries
from tenantry.dataplane.callbacks.outbox import Outbox
from tenantry.dataplane.callbacks.sender import CallbackSender
from tenantry.dataplane.callbacks.signing import CallbackSecrets
from tenantry.dataplane.clock import SteadyClock
from tenantry.dataplane.dead_letters.parts import dead_letters
from tenantry.dataplane.executions.control import ORDER_SECONDS, Control
from tenantry.dataplane.executions.executor import Executor
from tenantry.dataplane.executions.keys import IdempotencyKeys
from tenantry.dataplane.executions.lease import Lease
from tenantry.dataplane.executions.pinned import PinnedPlans
from tenantry.dataplane.executions.repeating import background, repeating
from tenantry.dataplane.gateway.letter_retries import LetterRetries
from tenantry.dataplane.gateway.services import Services
from tenantry.dataplane.journal.history import History
from tenantry.dataplane.journal.keys import StoredKeys
from tenantry.dataplane.journal.ownership import Ownership
from tenantry.dataplane.journal.store import PostgresStore
from tenantry.dataplane.journal.writer import JournalWriter
from tenantry.dataplane.retention.cleanups import AT_ONCE, LOOK_SECONDS, TIDY_SECONDS, Cleanups
from tenantry.dataplane.retention.holdings import Holdings
from tenantry.dataplane.stores import open_stores
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.dataplane.telemetry.opening import open_spans
from tenantry.dataplane.usage.reporter import UsageReporter
from tenantry.postgres.migration import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.limits.port import LimitStore
    from tenantry.dataplane.settings import Settings

MIGRATIONS: Final = Path(__file__).parent / "journal" / "migrations"
_DATABASE_SECONDS: Final = 10.0
_CLEANUP_SECONDS: Final = 60.0
"""How long a statement of a cleanup may take: counting may be counting millions."""


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Services]:
    """A started data plane; leaving it drains and stops everything.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be reached.
    """
    await migrate(settings.database_url, MIGRATIONS)
    clock = SteadyClock()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(_pool(settings))
        stores = await stack.enter_async_context(open_stores(settings, clock))
        registry = Registry(PooledClient, circuits=stores.circuits, cache=stores.cache, clock=clock)
        parts = await stack.enter_async_context(_executing(settings, pool, registry, stores.limits, clock))
        follower = await stack.enter_async_context(_following(settings, pool, registry, parts.journal))

        def all_known() -> bool:
            return not settings.control_plane_url or follower.synchronised.is_set()

        callback_secrets = CallbackSecrets(settings.callback_secrets)
        sender = CallbackSender(Outbox(pool), registry, callback_secrets, all_known=all_known)
        if callback_secrets.available:
            await stack.enter_async_context(background(sender.send_forever()))
        cleanups, beside = await stack.enter_async_context(_retention(settings, registry, clock, all_known))
        retries = LetterRetries(parts.control, parts.history)
        yield Services(
            registry=registry,
            executor=parts.executor,
            control=parts.control,
            keys=IdempotencyKeys(StoredKeys(pool)),
            circuits=stores.circuits,
            sharing=stores.sharing,
            journal=parts.journal,
            history=parts.history,
            plans=parts.plans,
            clock=clock,
            follower=follower,
            cleanups=cleanups,
            holdings=Holdings(pool, beside),
            dead_letters=dead_letters(pool, retries, clock),
            deliveries=Deliveries(pool, sender.wake),
            callback_secrets=callback_secrets,
        )


def _pool(settings: Settings) -> asyncpg.Pool[asyncpg.Record]:
    return asyncpg.create_pool(
        settings.database_url,
        min_size=1,
        max_size=4,
        timeout=_DATABASE_SECONDS,
        command_timeout=_DATABASE_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """What runs executions and remembers them."""

    executor: Executor
    control: Control
    journal: JournalWriter
    history: History
    plans: PinnedPlans


@asynccontextmanager
async def _executing(
    settings: Settings,
    pool: asyncpg.Pool[asyncpg.Record],
    registry: Registry,
    limits: LimitStore,
    clock: Clock,
) -> AsyncIterator[_Parts]:
    """An executor with its lease. It leaves in order: drained, its journal written, its lease given up."""
    async with AsyncExitStack() as stack:
        spans = await stack.enter_async_context(open_spans(settings.name, exported=settings.exports_spans))
        journal = JournalWriter(
            PostgresStore(settings.database_url), source=f"tenantry/data-planes/{settings.name}"
        )
        executor = Executor(journal, limits, clock, spans)
        journal.when_lost = executor.lost
        history, ownership = History(pool), Ownership(pool)
        plans = PinnedPlans(ownership)
        lease = Lease(
            name=settings.name,
            ownership=ownership,
            journal=journal,
            executor=executor,
            registry=registry,
            plans=plans,
            lease_seconds=settings.lease_seconds,
        )
        control = Control(
            executor=executor,
            lease=lease,
            journal=journal,
            ownership=ownership,
            history=history,
            plans=plans,
            registry=registry,
        )
        stack.push_async_callback(lease.leave)
        await journal.start()
        stack.push_async_callback(journal.stop)
        stack.push_async_callback(registry.close)
        await stack.enter_async_context(lease.held())
        await stack.enter_async_context(repeating(control.obey, every_seconds=ORDER_SECONDS))
        await stack.enter_async_context(
            repeating(executor.renew_leases, every_seconds=limits.lease_seconds / 3)
        )
        stack.push_async_callback(executor.drain, settings.drain_seconds)
        yield _Parts(executor, control, journal, history, plans)


@asynccontextmanager
async def _following(
    settings: Settings,
    pool: asyncpg.Pool[asyncpg.Record],
    registry: Registry,
    journal: JournalWriter,
) -> AsyncIterator[BundleFollower]:
    """Bundles, from disk and then from the control plane, which is told what was used."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_control_plane(settings))
        directory = BundleDirectory(settings.bundle_directory)
        follower = BundleFollower(client, registry, directory, settings.bundle_key)
        await follower.load_from_disk()
        if settings.control_plane_url:
            await stack.enter_async_context(background(follower.follow()))
            reporter = UsageReporter(pool, client, journal)
            await stack.enter_async_context(background(reporter.report_forever()))
        yield follower


def _control_plane(settings: Settings) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=settings.control_plane_url,
        headers={"Authorization": f"Bearer {settings.data_plane_token}"},
        trust_env=False,
    )


@asynccontextmanager
async def _retention(
    settings: Settings, registry: Registry, clock: Clock, all_known: Callable[[], bool]
) -> AsyncIterator[tuple[Cleanups, asyncpg.Pool[asyncpg.Record]]]:
    """Cleanups by their schedules, over connections of their own."""
    async with asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=AT_ONCE + 1,  # one to count with
        timeout=_DATABASE_SECONDS,
        command_timeout=_CLEANUP_SECONDS,
    ) as pool:
        cleanups = Cleanups(pool, registry, clock, all_known=all_known)
        try:
            async with (
                repeating(cleanups.run_due, every_seconds=LOOK_SECONDS),
                repeating(cleanups.tidy, every_seconds=TIDY_SECONDS),
            ):
                yield cleanups, pool
        finally:
            await cleanups.stop()
