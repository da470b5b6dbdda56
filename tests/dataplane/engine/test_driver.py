"""The driver over a scripted runner and journal, in virtual time."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tenantry.dataplane.engine.core.events import (
    Failure,
    FailureCode,
    TaskStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.ports import AttemptFailedError, JournalUnavailableError
from tenantry.language.plan.model import Durability, RetryPolicy, SubworkflowPlan
from tenantry.protocol.problems import Source
from tests.support.deciding import BUSY, GONE
from tests.support.driving import ScriptedJournal, ScriptedRunner, after, failing, forever, start
from tests.support.plans import group, http, make_plan, workflow
from tests.support.virtual_time import VirtualTimeLoop, run_virtually

UNSAFE = {"a": http("http://x", "POST", safe=False)}


def test_an_execution_runs_to_its_end_and_everything_is_recorded_in_order() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner()
        run = start(make_plan({"a": [], "b": ["a"]}), runner, journal)
        await run.wait()
        assert run.state.output == {"a": 1, "b": 1}
        assert runner.began() == ["a", "b"]
        assert journal.kinds() == [
            "WorkflowSubmitted",
            "WorkflowValidated",
            "WorkflowStarted",
            "TaskStarted",
            "TaskCompleted",
            "TaskStarted",
            "TaskCompleted",
            "WorkflowCompleted",
        ]

    run_virtually(scenario())


def test_independent_steps_run_at_the_same_time() -> None:
    async def scenario() -> None:
        together = asyncio.Barrier(3)
        runner = ScriptedRunner({step: [together.wait] for step in "abc"})
        run = start(make_plan({"a": [], "b": [], "c": []}), runner, ScriptedJournal())
        await run.wait()
        assert run.state.status is ExecutionStatus.COMPLETED

    run_virtually(scenario())


def test_an_unsafe_call_begins_only_when_what_led_to_it_is_durable() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner()
        journal.gate.clear()
        run = start(make_plan({"b": [], "a": ["b"]}, tasks=UNSAFE), runner, journal)
        await journal.asked.wait()
        assert runner.began() == ["b"]
        assert isinstance(journal.events[-1], TaskStarted)
        assert journal.events[-1].task == "a"
        journal.gate.set()
        await run.wait()
        assert runner.began() == ["b", "a"]

    run_virtually(scenario())


def test_an_unsafe_call_is_not_made_when_what_led_to_it_cannot_be_made_durable() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner()
        journal.broken = True
        run = start(make_plan({"a": []}, tasks=UNSAFE), runner, journal)
        with pytest.raises(JournalUnavailableError):
            await run.wait()
        assert runner.began() == []
        assert run.state.failure is not None
        assert (run.state.failure.code, run.state.failure.source) == (
            FailureCode.JOURNAL_UNAVAILABLE,
            Source.PLATFORM,
        )

    run_virtually(scenario())


def test_safe_calls_wait_for_nothing_and_the_answer_waits_for_the_end_to_be_durable() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner()
        journal.gate.clear()
        run = start(make_plan({"a": []}), runner, journal)
        waiting = asyncio.create_task(run.wait())
        await journal.asked.wait()
        assert run.state.status is ExecutionStatus.COMPLETED
        assert not waiting.done()
        journal.gate.set()
        await waiting

    run_virtually(scenario())


def test_without_durability_nobody_waits_for_the_journal() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        journal.broken = True
        run = start(make_plan({"a": []}, durability=Durability.NONE), ScriptedRunner(), journal)
        await run.wait()
        assert not journal.asked.is_set()
        assert journal.kinds()[-1] == "WorkflowCompleted"

    run_virtually(scenario())


def test_cancelling_abandons_what_is_in_flight_and_says_who_did_it() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"a": [forever], "b": [forever]})
        run = start(make_plan({"a": [], "b": []}), runner, journal)
        await asyncio.sleep(1)
        run.cancel("key-2")
        run.cancel("key-3")
        await run.wait()
        assert journal.events[-1] == WorkflowCancelled(at=1.0, actor="key-2")
        await asyncio.sleep(0)
        assert runner.abandoned == ["a", "b"]
        assert run.record.status is ExecutionStatus.CANCELLED

    run_virtually(scenario())


def test_an_unsafe_call_that_waits_for_durability_is_not_made_after_a_cancel() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner()
        journal.gate.clear()
        run = start(make_plan({"a": []}, tasks=UNSAFE), runner, journal)
        await journal.asked.wait()
        run.cancel("key")
        journal.gate.set()
        await run.wait()
        await asyncio.sleep(100)
        assert runner.began() == []

    run_virtually(scenario())


def test_cancelling_after_the_end_changes_nothing() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        run = start(make_plan({"a": []}), ScriptedRunner(), journal)
        await run.wait()
        run.cancel("key")
        assert isinstance(journal.events[-1], WorkflowCompleted)

    run_virtually(scenario())


def test_a_caller_that_goes_away_does_not_end_the_execution() -> None:
    async def scenario() -> None:
        run = start(make_plan({"a": []}), ScriptedRunner({"a": [after(5)]}), ScriptedJournal())
        caller = asyncio.create_task(run.wait())
        await asyncio.sleep(1)
        caller.cancel()
        await asyncio.wait([caller])
        await run.wait()
        assert run.state.status is ExecutionStatus.COMPLETED

    run_virtually(scenario())


def test_whatever_breaks_in_a_task_is_its_failure_and_says_nothing_of_the_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"a": [failing(ZeroDivisionError("secret"))]})
        run = start(make_plan({"a": []}), runner, journal)
        await run.wait()
        (event,) = (event for event in journal.events if isinstance(event, WorkflowFailed))
        assert event.failure == Failure(
            code=FailureCode.INTERNAL,
            message="an internal error; it has been logged",
            source=Source.PLATFORM,
            task="a",
        )

    run_virtually(scenario())
    assert "ZeroDivisionError: secret" in caplog.text


def test_a_failed_attempt_is_repeated_after_its_delay_and_all_of_it_is_metered() -> None:
    async def scenario() -> None:
        retry = RetryPolicy(
            max_attempts=3, initial_delay_seconds=2.0, multiplier=2.0, jitter=False, max_delay_seconds=9
        )
        busy = failing(AttemptFailedError(BUSY, egress_bytes=7))
        runner = ScriptedRunner({"a": [busy, busy, after(3)]})
        run = start(make_plan({"a": []}, retries={"a": retry}), runner, ScriptedJournal())
        await run.wait()
        assert runner.calls == [("a", 0.0, 30.0), ("a", 2.0, 28.0), ("a", 6.0, 24.0)]
        record = run.record
        assert (record.task_attempts, record.task_seconds, record.egress_bytes) == (3, 3.0, 24)
        assert (record.submitted_at, record.ended_at) == (0.0, 9.0)

    run_virtually(scenario())


def test_steps_go_on_while_another_waits_for_its_retry() -> None:
    async def scenario() -> None:
        retry = RetryPolicy(max_attempts=2, initial_delay_seconds=10.0, jitter=False, max_delay_seconds=10)
        runner = ScriptedRunner({"a": [failing(AttemptFailedError(BUSY))], "b": [after(1)]})
        plan = make_plan({"a": [], "b": [], "c": ["b"]}, retries={"a": retry})
        run = start(plan, runner, ScriptedJournal())
        await run.wait()
        assert [(step, at) for step, at, _ in runner.calls] == [("a", 0), ("b", 0), ("c", 1), ("a", 10)]

    run_virtually(scenario())


def test_a_failure_abandons_the_safe_calls_in_flight() -> None:
    async def scenario() -> None:
        runner = ScriptedRunner({"a": [failing(AttemptFailedError(GONE))], "b": [forever]})
        run = start(make_plan({"a": [], "b": []}), runner, ScriptedJournal())
        await run.wait()
        await asyncio.sleep(0)
        assert runner.abandoned == ["b"]
        assert run.record.failure_code == "upstream-status"

    run_virtually(scenario())


@pytest.mark.parametrize("clock_lag", [0.0, 0.001])
def test_the_deadline_ends_everything_even_when_the_loop_wakes_us_early(clock_lag: float) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        journal, runner = ScriptedJournal(), ScriptedRunner({"a": [forever]})

        def clock() -> float:
            return loop.time() * (1 - clock_lag)  # a little slower than the loop's timers

        run = start(make_plan({"a": []}, deadline_seconds=5), runner, journal, clock)
        await run.wait()
        assert run.state.failure is not None
        assert run.state.failure.code is FailureCode.DEADLINE
        assert loop.time() == pytest.approx(5, rel=0.01)
        assert clock() >= 5
        await asyncio.sleep(0)
        assert runner.abandoned == ["a"]

    run_virtually(scenario())


def test_an_execution_that_ended_leaves_no_timer_behind() -> None:
    async def scenario() -> None:
        retry = RetryPolicy(max_attempts=2, initial_delay_seconds=1.0, jitter=False)
        runner = ScriptedRunner({"a": [failing(AttemptFailedError(BUSY))]})
        run = start(make_plan({"a": []}, retries={"a": retry}), runner, ScriptedJournal())
        await run.wait()
        assert cast("VirtualTimeLoop", asyncio.get_running_loop()).timers() == []

    run_virtually(scenario())


def broken(_scope: object) -> bool:
    raise ZeroDivisionError


@pytest.mark.parametrize("step", ["a", "b"])
def test_a_fault_of_the_engine_ends_that_execution_as_an_internal_failure(
    step: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"a": [after(1)], "c": [forever]})
        plan = make_plan({"c": [], "a": [], "b": ["a"]}, conditions={step: broken})
        run = start(plan, runner, journal)
        await run.wait()
        assert run.state.status is ExecutionStatus.FAILED
        assert journal.kinds()[0] == "WorkflowSubmitted"
        (end,) = (event for event in journal.events if isinstance(event, WorkflowFailed))
        assert (end.failure.code, end.failure.source) == (FailureCode.INTERNAL, Source.PLATFORM)
        await asyncio.sleep(100)
        assert journal.events[-1] == end
        assert cast("VirtualTimeLoop", asyncio.get_running_loop()).timers() == []

    run_virtually(scenario())
    assert "execution 1 broke" in caplog.text


def test_a_circuit_that_a_failure_opened_is_journaled_after_it() -> None:
    async def scenario() -> None:
        error = AttemptFailedError(GONE, opened="http://x")
        journal = ScriptedJournal()
        plan = workflow(group({"a": [], "b": []}, optional=["a"]))
        run = start(plan, ScriptedRunner({"a": [failing(error)], "b": [after(1.0)]}), journal)
        await run.wait()
        assert journal.kinds()[5:9] == ["TaskFailed", "DeadLettered", "FailureTolerated", "CircuitOpened"]

    run_virtually(scenario())


def test_nothing_is_journaled_after_the_end() -> None:
    async def scenario() -> None:
        journal = ScriptedJournal()
        failures = {"a": [failing(AttemptFailedError(GONE, opened="http://x"))]}
        run = start(make_plan({"a": []}), ScriptedRunner(failures), journal)
        await run.wait()
        await asyncio.sleep(1)
        assert journal.kinds()[-1] == "WorkflowFailed"

    run_virtually(scenario())


def test_a_sub_workflow_is_stopped_by_its_own_deadline() -> None:
    async def scenario() -> None:
        inner = workflow(group({"x": []}), deadline_seconds=2.0)
        body = SubworkflowPlan(plan=inner, bind=lambda scope: scope.input)
        run = start(
            workflow(group({"a": []}, {"a": body})), ScriptedRunner({"a/x": [forever]}), ScriptedJournal()
        )
        await run.wait()
        assert asyncio.get_running_loop().time() == 2.0
        assert run.state.status is ExecutionStatus.FAILED

    run_virtually(scenario())
