"""Runs of the driver over a scripted runner and journal, in virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tenantry.dataplane.engine.core.events import AnyEvent, WorkflowSubmitted
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.engine.driver import Run
from tenantry.dataplane.engine.ports import ExecutionLostError, JournalUnavailableError, TaskResult
from tenantry.dataplane.engine.record import ExecutionRecord
from tenantry.tenants.identity import TenantId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.engine.ports import Attempt
    from tenantry.language.plan.model import Plan

    Doing = Callable[[], Awaitable[Any]]


class ScriptedJournal:
    """Keeps events. It stops at `gate` while that is closed; it can be `broken`, or the execution `taken`."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.released: list[bool] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.broken = self.taken = False

    def record(self, record: ExecutionRecord) -> None:
        self.events += record.pending
        self.released.append(record.released)
        record.pending = []

    async def durable(self, _record: ExecutionRecord) -> None:
        self.asked.set()
        await self.gate.wait()
        if self.taken:
            raise ExecutionLostError
        if self.broken:
            raise JournalUnavailableError

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


class ScriptedRunner:
    """Does what the script says for each step's next attempt; without a script it succeeds with 1."""

    def __init__(self, script: dict[str, list[Doing]] | None = None) -> None:
        self._script = script or {}
        self.calls: list[tuple[str, float, float]] = []
        self.attempts: list[Attempt] = []
        self.abandoned: list[str] = []

    async def run(self, attempt: Attempt) -> TaskResult:
        now = asyncio.get_running_loop().time()
        self.calls.append((attempt.path, now, attempt.deadline_at - now))
        self.attempts.append(attempt)
        attempts = self._script.get(attempt.path)
        try:
            return TaskResult(await attempts.pop(0)() if attempts else 1, egress_bytes=10)
        except asyncio.CancelledError:
            self.abandoned.append(attempt.path)
            raise

    def began(self) -> list[str]:
        return [step for step, _at, _remaining in self.calls]


class DrivenRun(Run):
    """A run that can be waited for until it is over, whatever its caller is told before."""

    def __init__(
        self,
        state: ExecutionState,
        record: ExecutionRecord,
        runner: ScriptedRunner,
        journal: ScriptedJournal,
        clock: Clock | None = None,
    ) -> None:
        self.times_over = 0
        self._is_over = asyncio.Event()
        super().__init__(
            state,
            record,
            runner=runner,
            journal=journal,
            clock=clock or asyncio.get_running_loop().time,
            when_over=self._note_end,
        )

    async def finish(self) -> None:
        await self._is_over.wait()

    def _note_end(self, _run: Run) -> None:
        self.times_over += 1
        self._is_over.set()


async def forever() -> None:
    await asyncio.Event().wait()


def after(seconds: float, output: Any = 1) -> Doing:
    return lambda: asyncio.sleep(seconds, output)


def failing(error: Exception) -> Doing:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise error

    return fail


def start(
    plan: Plan, runner: ScriptedRunner, journal: ScriptedJournal, clock: Clock | None = None
) -> DrivenRun:
    """A new execution, submitted and begun."""
    now = (clock or asyncio.get_running_loop().time)()
    state, record = ExecutionState(plan, "1", "acme"), ExecutionRecord(TenantId("acme"), "1", plan, now)
    run = DrivenRun(state, record, runner, journal, clock)
    run.start(
        WorkflowSubmitted(
            at=now,
            workflow=plan.workflow,
            version=1,
            digest="",
            input={},
            actor="key",
            seed=7,
            deadline_at=now + plan.deadline_seconds,
        )
    )
    return run
