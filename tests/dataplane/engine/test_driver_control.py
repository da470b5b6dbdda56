"""Runs that are paused, resumed, cancelled, handed over, lost, and gone on with from the journal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.events import TaskStarted, WorkflowCompleted
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.ports import AttemptFailedError, ExecutionLostError
from tenantry.dataplane.engine.record import ExecutionRecord
from tenantry.language.plan.model import RetryPolicy
from tenantry.tenants.identity import TenantId
from tests.support.deciding import BUSY, GONE
from tests.support.driving import (
    DrivenRun,
    ScriptedJournal,
    ScriptedRunner,
    after,
    failing,
    forever,
    start,
)
from tests.support.lives import fold
from tests.support.plans import group, keyed, loop, make_plan, unsafe, workflow
from tests.support.stages import saga
from tests.support.virtual_time import VirtualTimeLoop, run_virtually

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import Plan

CHAIN = make_plan({"a": [], "b": ["a"]}, deadline_seconds=5.0)


def now() -> float:
    return asyncio.get_running_loop().time()


def take_up(
    plan: Plan, events: list[AnyEvent], runner: ScriptedRunner, journal: ScriptedJournal
) -> DrivenRun:
    """What another executor makes of the journal; it has not begun to go on."""
    state, record = fold(plan, events), ExecutionRecord(TenantId("acme"), "1", plan, 0.0)
    record.add(events, state)
    record.written(0)
    return DrivenRun(state, record, runner, journal)


def timers() -> list[Any]:
    return cast("VirtualTimeLoop", asyncio.get_running_loop()).timers()


def recover(state: ExecutionState) -> list[AnyEvent]:
    return control.recover(state, "another", now())


# Pause and resume


def test_a_pause_waits_for_what_is_in_flight_and_then_the_execution_is_anybody_s() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"a": [after(8.0)]})
        run = start(CHAIN, runner, journal)
        caller = asyncio.create_task(run.wait())
        await asyncio.sleep(1.0)
        run.pause("key")
        run.pause("key")
        assert not run.over
        await run.finish()
        assert now() == 8.0
        assert run.record.status is ExecutionStatus.PAUSED
        assert journal.released[-1]
        assert journal.kinds()[-2:] == ["WorkflowPaused", "TaskCompleted"]
        assert runner.began() == ["a"]
        assert timers() == []
        await caller

    run_virtually(scenario())


def test_a_pause_takes_effect_at_once_when_nothing_is_in_flight() -> None:
    async def scenario() -> None:
        retry = RetryPolicy(max_attempts=2, initial_delay_seconds=2.0, jitter=False)
        runner = ScriptedRunner({"a": [failing(AttemptFailedError(BUSY))]})
        run = start(make_plan({"a": []}, retries={"a": retry}), runner, ScriptedJournal())
        await asyncio.sleep(1.0)
        run.pause("key")
        assert run.over
        assert run.times_over == 1
        assert run.record.released

    run_virtually(scenario())


def test_a_caller_of_a_paused_execution_is_told_at_its_deadline() -> None:
    async def scenario() -> None:
        run = start(CHAIN, ScriptedRunner({"a": [after(60.0)]}), ScriptedJournal())
        run.pause("key")
        await run.wait()
        assert now() == 5.0
        assert run.state.status is ExecutionStatus.PAUSED
        assert not run.over
        await run.finish()
        assert now() == 60.0

    run_virtually(scenario())


def test_a_pause_can_be_taken_back_while_something_is_in_flight() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"a": [after(4.0)], "b": [forever]})
        run = start(CHAIN, runner, journal)
        await asyncio.sleep(1.0)
        run.pause("key")
        await asyncio.sleep(2.0)
        run.resume("key")
        run.resume("key")
        await run.wait()
        assert runner.began() == ["a", "b"]
        assert now() == 7.0  # two seconds later than its deadline was
        assert not journal.released[-1]

    run_virtually(scenario())


def test_a_paused_execution_goes_on_in_another_process() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        run = start(CHAIN, ScriptedRunner(), journal)
        run.pause("key")
        await run.finish()
        await asyncio.sleep(100.0)
        runner = ScriptedRunner()
        other = take_up(CHAIN, journal.events, runner, journal)
        other.carry_on(control.resume(other.state, "key", now()))
        await other.wait()
        assert runner.began() == ["b"]
        assert runner.calls == [("b", 100.0, 5.0)]
        assert other.state.output == {"a": 1, "b": 1}

    run_virtually(scenario())


def test_a_pause_between_decisions_in_a_row_stops_them() -> None:
    async def scenario() -> None:
        never = loop([0] * 1000, condition=lambda _scope: False)
        plan, journal = workflow(group({"a": []}, {"a": never})), ScriptedJournal()
        run = start(plan, ScriptedRunner(), journal)
        run.pause("key")
        recorded = len(journal.events)
        await asyncio.sleep(1.0)
        assert len(journal.events) == recorded
        other = take_up(plan, journal.events, ScriptedRunner(), journal)
        other.carry_on(control.resume(other.state, "key", now()))
        await other.wait()
        assert other.state.scope.loops["a"]["itemCount"] == 1000

    run_virtually(scenario())


@pytest.mark.parametrize("wish", ["pause", "resume", "cancel"])
def test_what_is_over_takes_no_wishes(wish: str) -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        run = start(CHAIN, ScriptedRunner({"a": [forever]}), journal)
        run.hand_over()
        recorded = len(journal.events)
        getattr(run, wish)("key")
        assert len(journal.events) == recorded
        assert run.state.status is ExecutionStatus.RUNNING

    run_virtually(scenario())


# Handed over and lost


def test_what_is_handed_over_is_cut_off_here_and_left_to_others() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"a": [forever]})
        run = start(CHAIN, runner, journal)
        await asyncio.sleep(1.0)
        run.hand_over()
        run.hand_over()
        await asyncio.sleep(0)
        assert runner.abandoned == ["a"]
        assert journal.released[-1]
        assert run.times_over == 1
        assert run.state.status is ExecutionStatus.RUNNING
        await run.wait()

    run_virtually(scenario())


def test_a_paused_execution_is_handed_over_with_what_it_still_waits_for() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        run = start(CHAIN, ScriptedRunner({"a": [forever]}), journal)
        run.pause("key")
        await asyncio.sleep(1.0)
        run.hand_over()
        runner = ScriptedRunner()
        other = take_up(CHAIN, journal.events, runner, journal)
        settled = control.settle(other.state, "another", now())
        other.carry_on(settled + control.resume(other.state, "key", now()))
        await other.wait()
        assert runner.began() == ["a", "b"]
        assert other.state.output == {"a": 1, "b": 1}

    run_virtually(scenario())


def test_an_execution_that_is_being_undone_is_handed_over_too() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        runner = ScriptedRunner({"b": [failing(AttemptFailedError(GONE))], "a~compensate": [forever]})
        run = start(saga(), runner, journal)
        await asyncio.sleep(1.0)
        assert run.undoing
        run.hand_over()
        other = take_up(run.record.plan, journal.events, ScriptedRunner(), journal)
        other.carry_on(recover(other.state))
        await other.finish()
        assert other.state.status is ExecutionStatus.FAILED
        assert other.state.not_undone == []

    run_virtually(scenario())


def test_nobody_waits_for_an_execution_that_goes_on_elsewhere() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"a": [forever]})
        run = start(CHAIN, runner, journal)
        caller = asyncio.create_task(run.wait())
        await asyncio.sleep(1.0)
        recorded = len(journal.events)
        run.lose()
        run.lose()
        with pytest.raises(ExecutionLostError):
            await caller
        assert runner.abandoned == ["a"]
        assert (run.times_over, run.record.lost) == (1, True)
        assert len(journal.events) == recorded
        assert timers() == []

    run_virtually(scenario())


def test_an_unsafe_call_of_an_execution_that_is_somebody_else_s_is_not_made() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"b": [forever]})
        journal.taken = True
        run = start(make_plan({"b": [], "a": []}, tasks={"a": unsafe()}), runner, journal)
        with pytest.raises(ExecutionLostError):
            await run.wait()
        assert runner.began() == ["b"]
        assert runner.abandoned == ["b"]

    run_virtually(scenario())


# Gone on with


def test_what_was_in_flight_is_done_again_by_whoever_takes_over_and_the_rest_as_ever() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        first = start(CHAIN, ScriptedRunner({"b": [forever]}), journal)
        await asyncio.sleep(1.0)
        journaled = list(journal.events)
        first.lose()  # as if it had died: it writes nothing any more
        await asyncio.sleep(10.0)
        runner = ScriptedRunner()
        run = take_up(CHAIN, journaled, runner, journal)
        run.carry_on(recover(run.state))
        await run.wait()
        assert [(attempt.path, attempt.number, attempt.run) for attempt in runner.attempts] == [("b", 2, 1)]
        assert runner.calls == [("b", 11.0, 5.0)]
        assert isinstance(journal.events[-1], WorkflowCompleted)

    run_virtually(scenario())


def test_an_unsafe_call_is_made_again_only_when_that_is_journaled() -> None:
    async def scenario() -> None:
        plan = make_plan({"a": []}, tasks={"a": keyed()})
        journal = ScriptedJournal()
        start(plan, ScriptedRunner({"a": [forever]}), journal).lose()
        journal.gate.clear()
        runner = ScriptedRunner()
        run = take_up(plan, list(journal.events), runner, journal)
        run.carry_on(recover(run.state))
        await asyncio.sleep(1.0)
        assert runner.began() == []
        assert journal.events[-1] == TaskStarted(at=0.0, task="a", attempt=2)
        journal.gate.set()
        await run.wait()
        assert runner.began() == ["a"]

    run_virtually(scenario())


def test_a_paused_execution_whose_executor_died_stays_paused_and_nobody_s() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        first = start(CHAIN, ScriptedRunner({"a": [forever]}), journal)
        first.pause("key")
        first.lose()
        run = take_up(CHAIN, list(journal.events), ScriptedRunner(), journal)
        run.carry_on(recover(run.state))
        assert run.over
        assert run.record.status is ExecutionStatus.PAUSED
        assert journal.released[-1]

    run_virtually(scenario())


def test_a_paused_execution_can_be_cancelled_by_whoever_takes_it() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        start(CHAIN, ScriptedRunner(), journal).pause("key")
        run = take_up(CHAIN, list(journal.events), ScriptedRunner(), journal)
        run.carry_on(control.cancel(run.state, "key", now()))
        assert run.over
        assert journal.kinds()[-1] == "WorkflowCancelled"
        assert run.record.ended_at == 0.0

    run_virtually(scenario())


def test_a_retry_gives_tasks_their_new_inputs_and_counts_its_run() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        first = start(CHAIN, ScriptedRunner({"b": [failing(AttemptFailedError(GONE))]}), journal)
        await first.wait()
        assert first.record.failure is not None
        runner = ScriptedRunner()
        run = take_up(CHAIN, list(journal.events), runner, journal)
        run.carry_on(control.retry(run.state, "key", now(), now() + 5.0, {"b": {"better": True}}))
        await run.wait()
        (attempt,) = runner.attempts
        assert (attempt.path, attempt.run, attempt.number, attempt.bind()) == ("b", 2, 1, {"better": True})
        assert (run.record.run, run.record.failure, run.record.failure_code) == (2, None, "")

    run_virtually(scenario())
