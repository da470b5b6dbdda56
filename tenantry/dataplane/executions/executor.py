"""The executor: runs and remembers the executions in flight of one process."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from tenantry.dataplane.engine.core.events import WorkflowSubmitted
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.engine.driver import Run
from tenantry.dataplane.engine.record import ExecutionRecord
from tenantry.dataplane.identifiers import new_execution_id
from tenantry.tenants.identity import Instant

if TYPE_CHECKING:
    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.ports import Journal
    from tenantry.dataplane.engine.record import PlanSource
    from tenantry.dataplane.executions.submission import Submission
    from tenantry.dataplane.limits.port import LimitStore
    from tenantry.dataplane.telemetry.port import SpanSink
    from tenantry.tenants.identity import TenantId
    from tenantry.tenants.limits import Admission


class Executor:
    """Executions in flight, by tenant and id. Each holds a concurrency lease while it runs.

    Args:
        journal: remembers them.
        limits: of tenants.
        clock: of this process.
        spans: told of every execution at its beginning and its end.
    """

    def __init__(
        self, journal: Journal, limits: LimitStore, clock: Clock, spans: SpanSink | None = None
    ) -> None:
        self._journal, self._limits, self.clock, self._spans = journal, limits, clock, spans
        self._runs: dict[tuple[TenantId, str], tuple[Run, ServedTenant]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self.draining = False

    async def admit(self, tenant: ServedTenant, execution_id: str = "") -> tuple[str, Admission]:
        """Decides whether one more execution may run, and gives a new one its id.

        An admitted one must be followed by `begin`, `take_up` or `abandon`.
        """
        now = self.clock()
        execution_id = execution_id or new_execution_id(now)
        return execution_id, await self._limits.admit(tenant.name, tenant.limits, execution_id, Instant(now))

    async def readmit(self, tenant: ServedTenant, execution_id: str) -> bool:
        """Takes a concurrency lease again for an execution that was admitted before."""
        return await self._limits.renew(tenant.name, tenant.limits, execution_id, Instant(self.clock()))

    def abandon(self, tenant: ServedTenant, execution_id: str) -> None:
        """Gives an admission back without running."""
        self._limits.release(tenant.name, execution_id)

    def begin(
        self,
        tenant: ServedTenant,
        execution_id: str,
        submission: Submission,
        source: PlanSource | None = None,
    ) -> Run:
        """Starts an admitted execution; `Run.wait` tells when it can be answered.

        `source` is needed when the plan is not one of the tenant's present bundle.
        """
        plan = submission.plan
        now = self.clock()
        state = ExecutionState(plan, execution_id, tenant.name)
        source = source or tenant.source(plan)
        record = ExecutionRecord(tenant.name, execution_id, plan, now, source=source, key=submission.key)
        record.told = []
        traceparent = submission.traceparent
        if self._spans is not None:
            traceparent = self._spans.begun(execution_id, traceparent)
        run = self._track(tenant, state, record)
        run.start(
            WorkflowSubmitted(
                at=now,
                workflow=plan.workflow,
                version=plan.version,
                digest=plan.digest,
                input=submission.value,
                actor=submission.actor,
                seed=int.from_bytes(os.urandom(4)),
                deadline_at=self.deadline(tenant, plan.deadline_seconds),
                traceparent=traceparent,
                callback=submission.callback,
                origin=submission.origin,
                reused=dict(submission.reused),
                inputs=dict(submission.inputs),
            )
        )
        return run

    def take_up(
        self, tenant: ServedTenant, state: ExecutionState, record: ExecutionRecord, events: list[AnyEvent]
    ) -> Run:
        """Goes on with an execution that was folded from the journal; `events` have been folded beyond it."""
        run = self._track(tenant, state, record)
        if state.ended and not events:
            self._journal.record(record)  # nothing is left to do but to let go of it
        run.carry_on(events)
        return run

    def deadline(self, tenant: ServedTenant, seconds: float) -> float:
        """The deadline of an execution that begins now and may take so long."""
        most = tenant.max_execution_seconds
        return self.clock() + (seconds if most is None else min(seconds, most))

    @property
    def ids(self) -> list[str]:
        """Of the executions in flight."""
        return [execution_id for _, execution_id in self._runs]

    def find(self, tenant: TenantId, execution_id: str) -> Run | None:
        """The execution, while it is in flight here."""
        entry = self._runs.get((tenant, execution_id))
        return entry[0] if entry else None

    def lost(self, record: ExecutionRecord) -> None:
        """Somebody else has the execution."""
        run = self.find(record.tenant, record.id)
        if run is not None and run.record is record:
            run.lose()

    def lose_all(self) -> None:
        """This executor was declared dead: everything it runs may be somebody else's by now."""
        for run, _tenant in list(self._runs.values()):
            run.lose()

    async def renew_leases(self) -> None:
        """Keeps the concurrency leases of everything in flight alive."""
        for key, (_run, tenant) in list(self._runs.items()):
            if key in self._runs:  # it may have ended while another was renewed
                await self.readmit(tenant, key[1])

    async def drain(self, grace_seconds: float) -> None:
        """Takes no more work, waits for what is in flight, at most so long, and leaves the rest to others."""
        self.draining = True
        try:
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        except TimeoutError:
            for run, _tenant in list(self._runs.values()):
                run.hand_over()

    def _track(self, tenant: ServedTenant, state: ExecutionState, record: ExecutionRecord) -> Run:
        key = (tenant.name, record.id)
        if (former := self._runs.get(key)) is not None:
            former[0].lose()  # it was taken from us, and it is we who took it
        if self._spans is None:
            record.told = None
        run = Run(
            state,
            record,
            runner=tenant.runner,
            journal=self._journal,
            clock=self.clock,
            when_over=self._leave,
        )
        self._runs[key] = (run, tenant)
        self._idle.clear()
        return run

    def _leave(self, run: Run) -> None:
        key = (run.record.tenant, run.record.id)
        del self._runs[key]
        if self._spans is not None and run.state.ended and run.record.told is not None:
            self._spans.ended(*key, run.record.told)
        if not self._runs:
            self._idle.set()
        self._limits.release(*key)
