"""The driver: carries out what the core decides, for one execution. Used by the executor."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.begin import source_of_values
from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    CircuitOpened,
    CompensationStarted,
    Failure,
    FailureCode,
    GroupStarted,
    SubworkflowStarted,
    TaskCompleted,
    TaskFailed,
    TaskRetried,
    TaskStarted,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.ports import (
    Attempt,
    AttemptFailedError,
    ExecutionLostError,
    JournalUnavailableError,
)
from tenantry.dataplane.engine.record import MAX_OUTPUT_BYTES
from tenantry.language.plan.model import Durability
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.dataplane.engine.ports import Journal, TaskRunner
    from tenantry.dataplane.engine.record import ExecutionRecord

_TIMED: Final = frozenset((TaskRetried, GroupStarted, SubworkflowStarted))
"""Events after which something is due at an instant that was not known before."""

_MOST_AT_ONCE: Final = 100
"""Events after which others on the event loop have their turn: about a millisecond of decisions."""

_JOURNAL_PAUSE_SECONDS: Final = 0.5

_LOG = logging.getLogger(__name__)


class Run:
    """One running execution: its state, its attempts in flight, its timer.

    Everything happens in `_feed`, synchronously: an event goes in, what follows is recorded and carried out;
    when much follows, in turns with whatever else runs in the process.

    A run is over when the execution ends; or before, when it is left to others: paused with nothing in
    flight, handed over, or lost. `when_over` is called once, then.
    """

    def __init__(
        self,
        state: ExecutionState,
        record: ExecutionRecord,
        *,
        runner: TaskRunner,
        journal: Journal,
        clock: Clock,
        when_over: Callable[[Run], None],
    ) -> None:
        self.state, self.record = state, record
        self._runner, self._journal, self._clock, self._when_over = runner, journal, clock, when_over
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")
        self._looked_at = float("-inf")
        self._goes_on = False
        self.over = False

    def start(self, submitted: WorkflowSubmitted) -> None:
        """Accepts the execution and starts what can start."""
        self._feed(submitted)
        self._arm_timer()

    def carry_on(self, events: list[AnyEvent]) -> None:
        """Goes on after events that have been folded already: what `core.control` gave."""
        self._take_note(events)
        if not self.over:
            self._feed(None)
            self._arm_timer()
        self._park()

    @property
    def undoing(self) -> bool:
        """Whether the execution has failed and what it did is being undone."""
        return self.state.status is ExecutionStatus.COMPENSATING

    def cancel(self, actor: str) -> None:
        """Ends the execution now; attempts in flight are abandoned. What failed or ended is left alone."""
        if not self.over:
            self._take_note(control.cancel(self.state, actor, self._clock()))

    def pause(self, actor: str) -> None:
        """Lets nothing more begin; the run is over when what is in flight has ended."""
        if not self.over:
            self._take_note(control.pause(self.state, actor, self._clock()))
            self._park()

    def resume(self, actor: str) -> None:
        """Takes a pause back that has not come into effect everywhere."""
        if not self.over:
            self.carry_on(control.resume(self.state, actor, self._clock()))

    def hand_over(self) -> None:
        """Leaves the execution to whoever takes it next: attempts in flight are cut off."""
        if self.over:
            return
        self.record.released = True
        self._journal.record(self.record)
        self._stop()

    def lose(self) -> None:
        """Stops: somebody else has the execution, and whatever is done here is not written any more."""
        self.record.lost = True
        self._stop()

    async def wait(self) -> None:
        """Waits until the caller can be answered, and in journaled mode until that is durable.

        That is when the run is over; or at the deadline, when the execution has failed and is being undone.

        Raises:
            JournalUnavailableError: it cannot be made durable.
            ExecutionLostError: it goes on elsewhere.
        """
        if not self.over:
            # A future of its own: a caller that goes away cancels nothing but its wait.
            future = self._loop.create_future()
            self._waiting.append(future)
            self._arm_timer()
            await future
        if self.record.lost:
            raise ExecutionLostError
        if self.state.plan.durability is Durability.JOURNALED:
            await self._journal.durable(self.record)

    def _take_note(self, events: list[AnyEvent]) -> None:
        """Records what has been folded already."""
        if not events:
            return
        self.record.add(events, self.state)
        self._journal.record(self.record)
        if self.state.ended:
            self._stop()

    def _park(self) -> None:
        """A paused execution without anything in flight is left to whoever resumes it."""
        if self.state.status is ExecutionStatus.PAUSED and not self._attempts:
            self.hand_over()

    def _feed(self, event: AnyEvent | None) -> None:
        if self.over:
            return  # an outcome that comes too late
        unrecorded = [] if event is None else [event]
        try:
            self._looked_at = self._clock()
            events = advance(self.state, event, self._looked_at, most=_MOST_AT_ONCE)
            unrecorded = []
            if events:
                self.record.add(events, self.state)
                self._journal.record(self.record)
            if self.state.ended:
                self._stop()
            else:
                for happened in events:
                    self._carry_out(happened)
                if len(events) == _MOST_AT_ONCE and not self._goes_on:
                    self._goes_on = True
                    self._loop.call_soon(self._go_on)
        except Exception:  # noqa: BLE001  (a fault of ours must end this execution, not hang it)
            _LOG.exception("execution %s broke", self.record.id)
            self._break(unrecorded)

    def _go_on(self) -> None:
        """Takes the decisions that were left for another turn."""
        self._goes_on = False
        self._feed(None)

    def _break(self, unrecorded: list[AnyEvent]) -> None:
        """Ends an execution that the engine itself cannot carry on."""
        message = "an internal error; it has been logged"
        failure = Failure(code=FailureCode.INTERNAL, message=message, source=Source.PLATFORM)
        events = control.fail(self.state, failure, self._clock())
        self.record.add([*unrecorded, *events], self.state)
        self._journal.record(self.record)
        self._stop()

    def _carry_out(self, event: AnyEvent) -> None:
        kind = type(event)
        if kind is TaskStarted:
            self._start_attempt(event)  # type: ignore[arg-type]  # its kind was asked; isinstance costs more
        elif kind in _TIMED:
            self._arm_timer()
        elif kind is TaskFailed and event.attempt == 0:  # type: ignore[union-attr]  # as above
            self._cut_off(event.task)  # type: ignore[union-attr]  # as above
        elif kind is CompensationStarted:
            self._cut_off("")
            self._arm_timer()

    def _start_attempt(self, event: TaskStarted) -> None:
        activity = self.state.activities.get(event.task)
        if activity is None or activity.phase is not Phase.RUNNING:
            return  # something around it failed before it could be begun
        attempt = Attempt(
            activity.path,
            activity.body,
            activity.scope,
            source_of_values(activity),
            activity.deadline_at,
            event.attempt,
            self.record.traceparent,
            self.state.inputs.get(activity.path, UNSET),
            self.state.run,
        )
        self._attempts[event.task] = self._loop.create_task(self._attempt(attempt))

    def _cut_off(self, path: str) -> None:
        """Abandons the attempts inside an activity that failed."""
        for task, attempt in self._attempts.items():
            if not path or task.startswith((f"{path}/", f"{path}[")):
                attempt.cancel()

    async def _attempt(self, attempt: Attempt) -> None:
        try:
            event, opened = await self._outcome(attempt)
        except ExecutionLostError:
            self.lose()
            return
        finally:
            del self._attempts[attempt.path]
        self._feed(event)
        if opened and not self.over:
            self._feed(CircuitOpened(at=self._clock(), task=attempt.path, upstream=opened))
        self._park()

    async def _outcome(self, attempt: Attempt) -> tuple[TaskCompleted | TaskFailed, str]:
        """How the attempt ended, and the upstream whose circuit that opened."""
        try:
            if not attempt.call.task.safe:
                await self._become_durable()
            result = await self._runner.run(attempt)
            if not self.record.take_in(result.output):
                return self._failed(attempt, _too_much(attempt), result.egress_bytes), ""
        except AttemptFailedError as error:
            failed = self._failed(attempt, error.failure, error.egress_bytes)
            return failed, error.opened
        except ExecutionLostError:
            raise
        except JournalUnavailableError as error:
            failure = _platform_failure(FailureCode.JOURNAL_UNAVAILABLE, str(error), attempt)
        except Exception:  # noqa: BLE001  (the boundary: whatever breaks in a task is its failure)
            _LOG.exception("task %s of execution %s broke", attempt.path, self.record.id)
            message = "an internal error; it has been logged"
            failure = _platform_failure(FailureCode.INTERNAL, message, attempt)
        else:
            completed = TaskCompleted(
                at=self._clock(),
                task=attempt.path,
                attempt=attempt.number,
                output=result.output,
                egress_bytes=result.egress_bytes,
                cached=result.cached,
            )
            return completed, ""
        return self._failed(attempt, failure), ""

    async def _become_durable(self) -> None:
        """What led to a call, and that it is about to happen, must survive us before it happens.

        What has to be undone waits for the journal's database, however long that is away.
        """
        while True:
            try:
                return await self._journal.durable(self.record)
            except JournalUnavailableError:
                if not self.undoing or self.record.unstorable:
                    raise
            await asyncio.sleep(_JOURNAL_PAUSE_SECONDS)

    def _failed(self, attempt: Attempt, failure: Failure, egress_bytes: int = 0) -> TaskFailed:
        return TaskFailed(
            at=self._clock(),
            task=attempt.path,
            attempt=attempt.number,
            failure=failure,
            egress_bytes=egress_bytes,
        )

    def _arm_timer(self) -> None:
        """Sees to it that the driver wakes in time: an alarm that comes too early only looks again."""
        at = wake_at(self.state, self._looked_at)
        if self._waiting:
            at = min(at, self.state.deadline_at)  # nobody is kept waiting longer, whatever is being undone
        if self.over or at >= self._alarm_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._alarm_at = at
        self._timer = self._loop.call_later(max(0.0, at - self._clock()), self._wake)

    def _wake(self) -> None:
        self._timer, self._alarm_at = None, float("inf")
        self._feed(None)
        if self._looked_at >= self.state.deadline_at:  # as it was decided, not as the clock says by now
            self._answer()
        self._arm_timer()  # the loop may wake us a moment early; then this looks again

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _stop(self) -> None:
        if self.over:
            return
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._attempts.values():
            if task is not asyncio.current_task(self._loop):
                task.cancel()
        self._answer()
        self._when_over(self)
        # Nobody goes on with this tree. Cut loose, it goes at once: cycles cost the garbage collector a
        # twentieth of all processor time.
        self._timer, self.state.root.inside = None, None


def _too_much(attempt: Attempt) -> Failure:
    message = f"the outputs of an execution's tasks take at most {MAX_OUTPUT_BYTES} bytes together"
    return Failure(code=FailureCode.RESPONSE_TOO_LARGE, message=message, task=attempt.path)


def _platform_failure(code: FailureCode, message: str, attempt: Attempt) -> Failure:
    return Failure(code=code, message=message, source=Source.PLATFORM, task=attempt.path)
