"""The driver while what was done is undone: who hears of it when, and what it waits for."""

from __future__ import annotations

import asyncio

import pytest

from tenantry.dataplane.engine.core.events import FailureCode
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.ports import AttemptFailedError, JournalUnavailableError
from tenantry.language.plan.model import ActionPlan
from tests.support.deciding import GONE, of
from tests.support.driving import ScriptedJournal, ScriptedRunner, after, failing, forever, start
from tests.support.plans import call, group, http, workflow
from tests.support.virtual_time import run_virtually

SAGA = workflow(
    group(
        {"a": [], "b": ["a"]},
        {"a": ActionPlan(body=call(), compensate=call(timeout_seconds=60.0)), "b": call()},
    ),
    deadline_seconds=5.0,
)


def test_the_caller_hears_of_a_failure_at_the_deadline_while_what_was_done_is_undone() -> None:
    async def scenario() -> None:
        failing_b = {"b": [failing(AttemptFailedError(of("b", GONE)))], "a~compensate": [after(20.0)]}
        run = start(SAGA, ScriptedRunner(failing_b), ScriptedJournal())
        await run.wait()
        assert asyncio.get_running_loop().time() == 5.0
        assert run.undoing
        assert run.state.failure == of("b", GONE)
        run.cancel("key")
        assert run.undoing
        await run.finish()
        assert asyncio.get_running_loop().time() == 20.0
        assert run.state.status is ExecutionStatus.FAILED

    run_virtually(scenario())


def test_a_deadline_that_begins_the_undoing_is_told_at_once() -> None:
    async def scenario() -> None:
        runner = ScriptedRunner({"b": [forever], "a~compensate": [after(1.0)]})
        run = start(SAGA, runner, ScriptedJournal())
        await run.wait()
        assert asyncio.get_running_loop().time() == 5.0
        assert run.state.failure is not None
        assert run.state.failure.code is FailureCode.DEADLINE
        assert run.undoing
        await run.finish()
        assert runner.abandoned == ["b"]

    run_virtually(scenario())


UNSAFE_UNDO = workflow(
    group(
        {"a": [], "b": ["a"]},
        {
            "a": ActionPlan(body=call(), compensate=call(http("http://x", "DELETE", safe=False))),
            "b": call(),
        },
    )
)


def test_what_is_undone_waits_for_the_journal_to_come_back() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"b": [failing(AttemptFailedError(GONE))]})
        journal.broken = True
        run = start(UNSAFE_UNDO, runner, journal)
        with pytest.raises(JournalUnavailableError):
            await run.wait()
        assert runner.began() == ["a", "b"]
        journal.broken = False
        await run.finish()
        assert runner.began() == ["a", "b", "a~compensate"]
        assert run.state.not_undone == []

    run_virtually(scenario())


def test_what_cannot_be_stored_at_all_is_not_waited_for() -> None:
    async def scenario() -> None:
        journal, runner = ScriptedJournal(), ScriptedRunner({"b": [failing(AttemptFailedError(GONE))]})
        journal.broken = True
        run = start(UNSAFE_UNDO, runner, journal)
        run.record.unstorable = True
        await run.finish()
        assert run.state.not_undone == ["a"]

    run_virtually(scenario())
