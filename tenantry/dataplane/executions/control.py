"""Control: executions paused, resumed, cancelled, retried and forked, whichever process runs them.

What runs here is told at once; what nobody runs is taken; what another executor runs is ordered from it.
Every operation may be repeated: what is already so stays so, and the answer is where the execution stands.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.events import Origin
from tenantry.dataplane.engine.core.forking import check_fork, check_inputs, reusable
from tenantry.dataplane.engine.core.letters import may_have_taken_effect
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.ports import ExecutionLostError, JournalUnavailableError
from tenantry.dataplane.executions.revival import TraceGoneError, revive
from tenantry.dataplane.executions.submission import Submission
from tenantry.dataplane.journal.ownership import Order, Taken
from tenantry.dataplane.limits.port import LimitsUnavailableError, OverLimitError
from tenantry.language.plan.model import Durability
from tenantry.tenants.limits import CONCURRENT_WORKFLOWS, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.dataplane.engine.driver import Run
    from tenantry.dataplane.executions.executor import Executor
    from tenantry.dataplane.executions.lease import Lease
    from tenantry.dataplane.executions.pinned import PinnedPlans
    from tenantry.dataplane.executions.revival import Revived
    from tenantry.dataplane.journal.history import ExecutionSummary, History
    from tenantry.dataplane.journal.ownership import Ownership
    from tenantry.dataplane.journal.writer import JournalWriter
    from tenantry.language.plan.model import Plan, Violation
    from tenantry.language.values import Json

ORDER_PATIENCE_SECONDS: Final = 3.0
"""How long another executor is given to carry out an order, before its answer is only where things stand."""

ORDER_SECONDS: Final = 0.2
"""How often an executor looks for orders."""

_ORDER_PAUSE_SECONDS: Final = 0.1
_TRACE_GONE: Final = "its events are not kept any more"

_LOG = logging.getLogger(__name__)


class NotPossibleError(Exception):
    """The execution is in no state for that.

    Attributes:
        status: where it stands.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class UnknownOutcomeError(Exception):
    """A call of the execution that may not be repeated may have taken effect, and a retry repeats it."""

    def __init__(self) -> None:
        super().__init__(
            "nobody knows whether a call of it took effect (see its dead letters), and a retry repeats it:"
            " look upstream first, then say acknowledgeUnknownOutcome"
        )


class InvalidInputError(Exception):
    """The input is not what the workflow takes. `violations` say where."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("the input does not match the workflow's schema")
        self.violations = violations


class NotDurableError(JournalUnavailableError):
    """It is done here, and not in the database yet: should this process die now, it was not done.

    Attributes:
        execution_id: what it was done to, or what has begun.
    """

    def __init__(self, execution_id: str, what_to_do: str) -> None:
        super().__init__(f"the journal's database is not reachable: what was done may be lost; {what_to_do}")
        self.execution_id = execution_id


class Control:
    """Acts on executions of a tenant by their id; what is given is `None` when there is no such execution.

    What it says is done is in the database. Every call raises `JournalUnavailableError` when that does not
    answer; `NotDurableError`, which is one, when it is done all the same.
    """

    def __init__(
        self,
        *,
        executor: Executor,
        lease: Lease,
        journal: JournalWriter,
        ownership: Ownership,
        history: History,
        plans: PinnedPlans,
        registry: Registry,
    ) -> None:
        self._executor, self._lease, self._journal = executor, lease, journal
        self._ownership, self._history, self._plans = ownership, history, plans
        self._registry = registry

    async def cancel(self, tenant: ServedTenant, execution_id: str, actor: str) -> ExecutionStatus | None:
        """Ends it; what has ended, or has failed and is being undone, stays as it is."""
        return await self._act(tenant, Order(tenant.name, execution_id, "cancel", actor))

    async def pause(self, tenant: ServedTenant, execution_id: str, actor: str) -> ExecutionStatus | None:
        """Lets nothing more of it begin; only what runs can be paused, the rest stays as it is.

        Raises:
            NotPossibleError: it is not journaled, so nobody could go on with it.
        """
        return await self._act(tenant, Order(tenant.name, execution_id, "pause", actor))

    async def resume(self, tenant: ServedTenant, execution_id: str, actor: str) -> ExecutionStatus | None:
        """Goes on with it, here if nobody runs it; what is not paused stays as it is.

        Raises:
            OverLimitError: as many executions run as may.
        """
        return await self._act(tenant, Order(tenant.name, execution_id, "resume", actor))

    async def obey(self) -> None:
        """Carries out what others were asked for and ordered from this executor, or from one that is gone.

        What cannot be for want of the database is put off, with all that comes after it for its execution.
        What was carried out and could not be noted is carried out again, which changes nothing: it is so
        already, and what was ordered after it follows again.
        """
        done: list[int] = []
        put_off: set[str] = set()
        orders = await self._ownership.orders(self._lease.executor_id, self._lease.served)
        for number, order in orders.items():
            if order.execution_id not in put_off and await self._carry_out(order):
                done.append(number)
            else:
                put_off.add(order.execution_id)
        if done:
            await self._ownership.done(done)

    async def _carry_out(self, order: Order) -> bool:
        """Whether nothing is left to be done about it."""
        tenant = self._registry.tenant(order.tenant)
        if tenant is None:
            return False
        try:
            await self._act(tenant, order, wait=False)
        except (NotPossibleError, OverLimitError, LimitsUnavailableError):
            pass  # whoever asked sees that it did not happen
        except JournalUnavailableError:
            return False
        except Exception:  # noqa: BLE001  (whatever is wrong with one must not drop the others)
            _LOG.exception("execution %s: an order to %s broke", order.execution_id, order.kind)
        return True

    async def retry(
        self,
        tenant: ServedTenant,
        execution_id: str,
        actor: str,
        inputs: Mapping[str, Json] | None = None,
        *,
        acknowledged: bool = False,
    ) -> ExecutionStatus | None:
        """Runs what failed of it again, within a new deadline; one that runs already is left alone.

        Args:
            tenant: whose execution.
            execution_id: which.
            actor: who wants it.
            inputs: what tasks get instead of what their templates give, by path; these, and what comes after
                them, are done again even if they completed.
            acknowledged: whoever wants it knows that a call whose outcome is unknown may do its work twice.

        Raises:
            NotPossibleError: it completed, or is paused.
            UnknownOutcomeError: there is such a call, and nobody said that they know.
            UnknownTaskError: one of the inputs is for nothing that takes it.
            TraceGoneError: what it did is not kept any more.
            OverLimitError: the tenant's limits have no room for it.
        """
        summary = await self._summary(tenant, execution_id)
        if summary is None or self._executor.find(tenant.name, execution_id) is not None:
            return self._status(tenant, execution_id, summary)
        if summary.status in (ExecutionStatus.COMPLETED, ExecutionStatus.PAUSED):
            message = f"it is {summary.status}: only what failed or was cancelled can be retried"
            raise NotPossibleError(summary.status, message)
        if summary.status not in control.RETRIABLE:
            return ExecutionStatus(summary.status)  # another executor is at it
        if summary.trace_deleted:
            raise TraceGoneError(_TRACE_GONE)
        if inputs:
            plan, _ = await self._plans.get(tenant.name, summary.plan)
            check_inputs(plan, inputs)
        taken = await self._take(tenant, execution_id, tuple(control.RETRIABLE))

        def again(state: ExecutionState) -> list[AnyEvent]:
            if may_have_taken_effect(state, "") and not acknowledged:
                raise UnknownOutcomeError
            deadline_at = self._executor.deadline(tenant, state.plan.deadline_seconds)
            return control.retry(state, actor, self._executor.clock(), deadline_at, inputs or {})

        status = None if taken is None else await self._take_up(tenant, taken, again, admit=True)
        return status or self._status(tenant, execution_id, await self._summary(tenant, execution_id))

    async def fork(
        self,
        tenant: ServedTenant,
        origin: Revived,
        tasks: Sequence[str],
        actor: str,
        *,
        value: Json | msgspec.UnsetType = msgspec.UNSET,
        inputs: Mapping[str, Json] | None = None,
        new_id: str = "",
    ) -> str:
        """Begins a new execution from tasks of another, which may still run; gives its id.

        Args:
            tenant: whose execution.
            origin: the other one, as `look_at` found it.
            tasks: paths, as in the trace; these and everything after them are done anew.
            actor: who wants it.
            value: the workflow's input, when it is to be another.
            inputs: what tasks get instead of what their templates give, by path.
            new_id: made by `new_execution_id`, when it has been.

        Raises:
            UnknownTaskError: there is no such task, or one of the inputs is for nothing that takes it.
            StaleReuseError: one of the inputs changes what would be reused.
            InvalidInputError: the workflow does not take that input.
            OverLimitError: the tenant's limits have no room for it.
        """
        state = origin.state
        _check_input(state.plan, value)
        reused = reusable(state.plan, state.done, *tasks)
        check_fork(state.plan, reused, inputs or {})
        new_id = await self._admit(tenant, new_id)
        submission = Submission(
            plan=state.plan,
            value=state.scope.input if value is msgspec.UNSET else value,
            actor=actor,
            origin=Origin(execution_id=state.execution_id, task=tasks[0]),
            reused=reused,
            inputs=inputs or {},
        )
        run = self._executor.begin(tenant, new_id, submission, source=origin.record.source)
        await self._durable(run, "look whether it is there before it is begun once more")
        return new_id

    async def look_at(
        self, tenant: ServedTenant, execution_id: str, until: float | None = None
    ) -> Revived | None:
        """The execution as it is journaled, or was at the instant `until`; only to look at.

        Raises:
            PlanGoneError, JournalDamagedError: it cannot be read any more.
        """
        summary = await self._summary(tenant, execution_id)
        if summary is None:
            return None
        if summary.trace_deleted:
            raise TraceGoneError(_TRACE_GONE)
        looked_at = Taken(tenant.name, execution_id, 0, summary.plan, summary.status)
        segments = await self._ownership.segments([looked_at])
        plan, source = await self._plans.get(tenant.name, summary.plan)
        return await revive(looked_at, segments[execution_id], plan, source, until)

    async def _act(self, tenant: ServedTenant, order: Order, *, wait: bool = True) -> ExecutionStatus | None:
        """Has an order carried out wherever the execution is; perhaps waits for somebody else to do it."""
        execution_id = order.execution_id
        if (run := self._executor.find(tenant.name, execution_id)) is not None:
            told = _tell(run, order)
            if await self._durable(run, _SEND_AGAIN):
                return told
        summary = await self._summary(tenant, execution_id)
        kind = _KINDS[order.kind]
        if summary is None or summary.status not in kind.changes:
            return self._status(tenant, execution_id, summary)
        status = await self._take_and(tenant, order, kind)
        if status is None and await self._ownership.order(order) and wait:
            summary = await self._wait_while(tenant, execution_id, kind.changes)
        return status or self._status(tenant, execution_id, summary)

    async def _durable(self, run: Run, what_to_do: str) -> bool:
        """Waits until what happened to a run is in the database; `False` when somebody else has it by now."""
        try:
            await self._journal.durable(run.record)
        except ExecutionLostError:
            return False
        except JournalUnavailableError as error:
            raise NotDurableError(run.record.id, what_to_do) from error
        return True

    async def _admit(self, tenant: ServedTenant, execution_id: str) -> str:
        """Admits an execution that nobody else can be admitting; gives a new one its id."""
        execution_id, admission = await self._executor.admit(tenant, execution_id)
        if isinstance(admission, Rejected):
            raise OverLimitError(admission.violated)
        return execution_id

    async def _take_and(self, tenant: ServedTenant, order: Order, kind: _Kind) -> ExecutionStatus | None:
        """Takes what nobody runs and carries the order out; `None` when somebody else runs it."""
        if order.kind == "resume" and not await self._executor.readmit(tenant, order.execution_id):
            raise OverLimitError((CONCURRENT_WORKFLOWS,))
        taken = await self._take(tenant, order.execution_id, kind.takes)
        if taken is None:
            return None
        return await self._take_up(
            tenant, taken, lambda state: kind.act(state, order.actor, self._executor.clock())
        )

    async def _take(
        self, tenant: ServedTenant, execution_id: str, statuses: tuple[ExecutionStatus, ...]
    ) -> Taken | None:
        try:
            return await self._ownership.take(self._lease.executor_id, tenant.name, execution_id, statuses)
        except BaseException:
            self._lease.doubt()
            raise

    async def _take_up(
        self,
        tenant: ServedTenant,
        taken: Taken,
        act: Callable[[ExecutionState], list[AnyEvent]],
        *,
        admit: bool = False,
    ) -> ExecutionStatus | None:
        """Goes on with an execution that is ours now; `None` when somebody else has it by then.

        When that fails, it is seen to like an orphan.
        """
        try:
            segments = await self._ownership.segments([taken])
            plan, source = await self._plans.get(tenant.name, taken.plan)
            revived = await revive(taken, segments[taken.id], plan, source)
            state = revived.state
            # A paused execution may have been left with calls in flight, by one that died or was stopped.
            events = control.settle(state, self._lease.name, self._executor.clock()) + act(state)
            if admit:  # at last: whoever is admitted is taken up
                await self._admit(tenant, taken.id)
        except (UnknownOutcomeError, OverLimitError, LimitsUnavailableError):
            await self._give_back(taken)
            raise
        except BaseException:
            self._lease.adopt(taken)
            raise
        run = self._executor.take_up(tenant, state, revived.record, events)
        return run.state.status if await self._durable(run, _SEND_AGAIN) else None

    async def _give_back(self, taken: Taken) -> None:
        try:
            await self._ownership.give_back(taken)
        except BaseException:
            self._lease.doubt()  # not adopted: it may be somebody else's by now
            raise

    async def _wait_while(
        self, tenant: ServedTenant, execution_id: str, statuses: frozenset[str]
    ) -> ExecutionSummary | None:
        end = self._executor.clock() + ORDER_PATIENCE_SECONDS
        while True:
            await asyncio.sleep(_ORDER_PAUSE_SECONDS)
            summary = await self._history.find(tenant.name, execution_id)
            if summary is None or summary.status not in statuses or self._executor.clock() >= end:
                return summary

    async def _summary(self, tenant: ServedTenant, execution_id: str) -> ExecutionSummary | None:
        await self._journal.settled(tenant.name, execution_id)
        return await self._history.find(tenant.name, execution_id)

    def _status(
        self, tenant: ServedTenant, execution_id: str, summary: ExecutionSummary | None
    ) -> ExecutionStatus | None:
        run = self._executor.find(tenant.name, execution_id)
        if run is not None:
            return run.state.status
        return None if summary is None else ExecutionStatus(summary.status)


class _Kind(NamedTuple):
    """What an order is about: the statuses it changes, those nobody may be running, how it is done."""

    changes: frozenset[str]
    takes: tuple[ExecutionStatus, ...]
    act: Callable[[ExecutionState, str, float], list[AnyEvent]]


_SEND_AGAIN: Final = "send the request again"
_RUNNING: Final = frozenset({ExecutionStatus.SUBMITTED, ExecutionStatus.RUNNING})
_PAUSED: Final = (ExecutionStatus.PAUSED,)
_KINDS: Final[dict[str, _Kind]] = {
    "cancel": _Kind(_RUNNING | {ExecutionStatus.PAUSED}, _PAUSED, control.cancel),
    "pause": _Kind(_RUNNING, (), control.pause),
    "resume": _Kind(frozenset(_PAUSED), _PAUSED, control.resume),
}


def _check_input(plan: Plan, value: Json | msgspec.UnsetType) -> None:
    validator = plan.input_validator
    if value is not msgspec.UNSET and validator is not None and not validator.is_valid(value):
        raise InvalidInputError(tuple(validator.violations(value)))


def _tell(run: Run, order: Order) -> ExecutionStatus:
    if order.kind == "pause" and run.state.plan.durability is Durability.NONE:
        message = "with durability none nobody could go on with it: it cannot be paused"
        raise NotPossibleError(run.state.status, message)
    acts: dict[str, Callable[[str], None]] = {"cancel": run.cancel, "pause": run.pause, "resume": run.resume}
    acts[order.kind](order.actor)
    return run.state.status
