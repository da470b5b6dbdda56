"""The driver: carries out what the core decides, for one execution. Used by the gateway."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    Failure,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    TaskRetried,
    TaskStarted,
    WorkflowCancelled,
    WorkflowFailed,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.state import ExecutionState, evolve
from tenantry.dataplane.engine.ports import AttemptFailedError, JournalUnavailableError
from tenantry.dataplane.engine.record import ExecutionRecord
from tenantry.language.plan.model import Durability
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.engine.ports import Journal, TaskRunner
    from tenantry.language.plan.model import Plan, StepPlan
    from tenantry.tenants.identity import TenantId

_LOG = logging.getLogger(__name__)


class Run:
    """One running execution: its state, its attempts in flight, its timer.

    Everything happens in `_feed`, synchronously: an event goes in, what follows is recorded and carried out.
    """

    def __init__(
        self,
        *,
        tenant: TenantId,
        execution_id: str,
        plan: Plan,
        runner: TaskRunner,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self.state = ExecutionState(plan, execution_id, tenant)
        self.record = ExecutionRecord(tenant, execution_id, plan, clock())
        self._runner, self._journal, self._clock = runner, journal, clock
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, submitted: WorkflowSubmitted) -> None:
        """Accepts the execution and starts what can start."""
        self._feed(submitted)
        self._arm_timer()

    def cancel(self, actor: str) -> None:
        """Ends the execution now; attempts in flight are abandoned. Does nothing once it has ended."""
        if not self.state.ended:
            self._feed(WorkflowCancelled(at=self._clock(), actor=actor))

    async def wait(self) -> None:
        """Waits for the end, and in journaled mode until it is durable.

        Raises:
            JournalUnavailableError: the end cannot be made durable.
        """
        if not self.state.ended:
            # A future of its own: a caller that goes away cancels nothing but its wait.
            future = self._loop.create_future()
            self._waiting.append(future)
            await future
        if self.state.plan.durability is Durability.JOURNALED:
            await self._journal.durable(self.record)

    def _feed(self, event: AnyEvent | None) -> None:
        unrecorded = [] if event is None else [event]
        try:
            events = advance(self.state, event, self._clock())
            unrecorded = []
            if events:
                self.record.add(events, self.state)
                self._journal.record(self.record)
            if self.state.ended:
                self._end()
            else:
                for happened in events:
                    self._carry_out(happened)
        except Exception:  # noqa: BLE001  (a fault of ours must end this execution, not hang it)
            _LOG.exception("execution %s broke", self.record.id)
            self._break(unrecorded)

    def _break(self, unrecorded: list[AnyEvent]) -> None:
        """Ends an execution that the engine itself cannot carry on."""
        message = "an internal error; it has been logged"
        failure = Failure(code=FailureCode.INTERNAL, message=message, source=Source.PLATFORM)
        event = WorkflowFailed(at=self._clock(), failure=failure)
        evolve(self.state, event)
        self._end()
        self.record.add([*unrecorded, event], self.state)
        self._journal.record(self.record)

    def _carry_out(self, event: AnyEvent) -> None:
        if isinstance(event, TaskStarted):
            step = self.state.plan.steps[self.state.index[event.task]]
            self._attempts[event.task] = self._loop.create_task(self._attempt(step, event.attempt))
        elif isinstance(event, TaskRetried):
            self._arm_timer()

    async def _attempt(self, step: StepPlan, attempt: int) -> None:
        event = await self._outcome(step, attempt)
        del self._attempts[step.id]
        self._feed(event)

    async def _outcome(self, step: StepPlan, attempt: int) -> TaskCompleted | TaskFailed:
        try:
            if not step.task.safe:
                # What led here, and that it is about to happen, must survive us before it happens.
                await self._journal.durable(self.record)
            remaining = self.state.deadline_at - self._clock()
            result = await self._runner.run(step, self.state.scope, remaining)
        except AttemptFailedError as error:
            return TaskFailed(
                at=self._clock(),
                task=step.id,
                attempt=attempt,
                failure=error.failure,
                egress_bytes=error.egress_bytes,
            )
        except JournalUnavailableError as error:
            failure = _platform_failure(FailureCode.JOURNAL_UNAVAILABLE, str(error), step)
        except Exception:  # noqa: BLE001  (the boundary: whatever breaks in a task is its failure)
            _LOG.exception("task %s of execution %s broke", step.id, self.record.id)
            failure = _platform_failure(FailureCode.INTERNAL, "an internal error; it has been logged", step)
        else:
            return TaskCompleted(
                at=self._clock(),
                task=step.id,
                attempt=attempt,
                output=result.output,
                egress_bytes=result.egress_bytes,
            )
        return TaskFailed(at=self._clock(), task=step.id, attempt=attempt, failure=failure)

    def _arm_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.state.ended:
            delay = max(0.0, wake_at(self.state) - self._clock())
            self._timer = self._loop.call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._feed(None)
        self._arm_timer()  # the loop may wake us a moment early; then this looks again

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._attempts.values():
            task.cancel()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


def _platform_failure(code: FailureCode, message: str, step: StepPlan) -> Failure:
    return Failure(code=code, message=message, source=Source.PLATFORM, task=step.id)
