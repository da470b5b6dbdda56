"""The executor: admits, runs and remembers the executions in flight of one process. Used by the gateway."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from tenantry.dataplane.engine.core.events import WorkflowSubmitted
from tenantry.dataplane.engine.driver import Run
from tenantry.dataplane.identifiers import new_execution_id
from tenantry.tenants.identity import Instant

if TYPE_CHECKING:
    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.engine.ports import Journal
    from tenantry.dataplane.limits.port import LimitStore
    from tenantry.language.plan.model import Plan
    from tenantry.language.values import Json
    from tenantry.tenants.identity import TenantId
    from tenantry.tenants.limits import Admission


class Executor:
    """Executions in flight, by tenant and id. Each holds a concurrency lease from admission to its end."""

    def __init__(self, journal: Journal, limits: LimitStore, clock: Clock) -> None:
        self._journal, self._limits, self._clock = journal, limits, clock
        self._runs: dict[tuple[TenantId, str], tuple[Run, ServedTenant]] = {}
        self._undoing: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.draining = False

    async def admit(self, tenant: ServedTenant) -> tuple[str, Admission]:
        """Decides whether one more execution may run, and gives it an id.

        An admitted one must be followed by `run` or `abandon`.
        """
        now = self._clock()
        execution_id = new_execution_id(now)
        return execution_id, await self._limits.admit(tenant.name, tenant.limits, execution_id, Instant(now))

    async def abandon(self, tenant: ServedTenant, execution_id: str) -> None:
        """Gives an admission back without running."""
        await self._limits.release(tenant.name, execution_id)

    async def run(self, tenant: ServedTenant, execution_id: str, plan: Plan, value: Json, actor: str) -> Run:
        """Runs an admitted execution to its end, durable if the plan says so.

        Raises:
            JournalUnavailableError: its end cannot be made durable.
        """
        run = Run(
            tenant=tenant.name,
            execution_id=execution_id,
            plan=plan,
            runner=tenant.runner,
            journal=self._journal,
            clock=self._clock,
        )
        key = (tenant.name, execution_id)
        self._runs[key] = (run, tenant)
        self._idle.clear()
        try:
            run.start(self._submission(tenant, plan, value, actor))
            await run.wait()
        finally:
            if run.undoing:
                # The caller has waited long enough; the lease is held until everything is undone.
                undoing = asyncio.create_task(self._finish(run, key))
                self._undoing.add(undoing)
                undoing.add_done_callback(self._undoing.discard)
            else:
                run.abandon()  # only when this wait itself was cancelled: the process is stopping
                await self._leave(key)
        return run

    async def _finish(self, run: Run, key: tuple[TenantId, str]) -> None:
        await run.finish()
        await self._leave(key)

    async def _leave(self, key: tuple[TenantId, str]) -> None:
        del self._runs[key]
        if not self._runs:
            self._idle.set()
        await self._limits.release(*key)

    def find(self, tenant: TenantId, execution_id: str) -> Run | None:
        """The execution, while it is in flight here."""
        entry = self._runs.get((tenant, execution_id))
        return entry[0] if entry else None

    async def renew_leases_forever(self) -> None:
        """Keeps the leases of everything in flight alive, until cancelled."""
        while True:
            await asyncio.sleep(self._limits.lease_seconds / 3)
            for key, (_run, tenant) in list(self._runs.items()):
                if key in self._runs:  # it may have ended while another was renewed
                    await self._limits.renew(tenant.name, tenant.limits, key[1], Instant(self._clock()))

    async def drain(self, grace_seconds: float) -> None:
        """Takes no more work and waits for what is in flight, at most so long."""
        self.draining = True
        try:
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        except TimeoutError:
            for run, _tenant in list(self._runs.values()):
                run.abandon()

    def _submission(self, tenant: ServedTenant, plan: Plan, value: Json, actor: str) -> WorkflowSubmitted:
        now = self._clock()
        seconds = plan.deadline_seconds
        if tenant.max_execution_seconds is not None:
            seconds = min(seconds, tenant.max_execution_seconds)
        return WorkflowSubmitted(
            at=now,
            workflow=plan.workflow,
            version=plan.version,
            digest=plan.digest,
            input=value,
            actor=actor,
            seed=int.from_bytes(os.urandom(4)),
            deadline_at=now + seconds,
        )
