"""The driver, its turns and its bounds: decisions in a row, room for outputs, parts that are cut off."""

from __future__ import annotations

import asyncio
from typing import Any

from tenantry.dataplane.engine.core.events import WorkflowCancelled
from tenantry.dataplane.engine.ports import AttemptFailedError
from tenantry.dataplane.engine.record import MAX_OUTPUT_BYTES
from tenantry.language.templates.errors import TemplateError
from tests.support.deciding import GONE
from tests.support.driving import ScriptedJournal, ScriptedRunner, after, failing, forever, start
from tests.support.plans import group, loop, workflow
from tests.support.virtual_time import run_virtually


def test_outputs_are_taken_in_until_there_is_no_more_room_for_them() -> None:
    async def scenario() -> None:
        third = after(1.0, "x" * (MAX_OUTPUT_BYTES // 3))
        runner = ScriptedRunner({f"a[{index}]": [third] for index in range(4)})
        steps = {"a": loop([0] * 5, tolerant=True)}
        run = start(workflow(group({"a": []}, steps)), runner, ScriptedJournal())
        await run.wait()
        results: Any = run.state.scope.loops["a"]["itemResults"]
        failed, last = results[2::2]
        assert failed["error"]["code"] == "response-too-large"
        assert last["output"] == 1
        assert run.state.scope.loops["a"]["failureCount"] == 2
        assert run.record.egress_bytes == 50

    run_virtually(scenario())


def test_many_decisions_in_a_row_let_others_have_their_turn() -> None:
    async def scenario() -> None:
        never = loop([0] * 1000, condition=lambda _scope: False)
        run = start(workflow(group({"a": []}, {"a": never})), ScriptedRunner(), ScriptedJournal())
        turns = 0
        while not run.state.ended:
            await asyncio.sleep(0)
            turns += 1
        assert turns > 1
        assert run.state.scope.loops["a"]["itemCount"] == 1000

    run_virtually(scenario())


def test_an_execution_can_be_cancelled_between_decisions_in_a_row() -> None:
    async def scenario() -> None:
        never = loop([0] * 1000, condition=lambda _scope: False)
        journal = ScriptedJournal()
        run = start(workflow(group({"a": []}, {"a": never})), ScriptedRunner(), journal)
        run.cancel("key")
        await run.wait()
        recorded = len(journal.events)
        await asyncio.sleep(1)
        assert isinstance(journal.events[-1], WorkflowCancelled)
        assert len(journal.events) == recorded

    run_virtually(scenario())


def test_what_is_inside_a_part_that_failed_is_cut_off_and_the_rest_goes_on() -> None:
    async def scenario() -> None:
        inner = group({"x": [], "y": []})
        plan = workflow(group({"a": [], "ab": []}, {"a": inner}, optional=["a"]))
        runner = ScriptedRunner(
            {"a/x": [failing(AttemptFailedError(GONE))], "a/y": [forever], "ab": [after(3.0)]}
        )
        run = start(plan, runner, ScriptedJournal())
        await run.wait()
        assert runner.abandoned == ["a/y"]
        assert run.state.output == {"a": None, "ab": 1}

    run_virtually(scenario())


def test_an_attempt_in_something_that_fails_in_the_same_moment_is_never_made() -> None:
    def broken_second(scope: Any) -> bool:
        if scope.items["index"]:
            raise TemplateError("forEach.item", "there is no such thing")
        return True

    async def scenario() -> None:
        steps = {"a": loop([1, 2], condition=broken_second)}
        plan = workflow(group({"a": [], "b": []}, steps, optional=["a"]))
        runner = ScriptedRunner()
        run = start(plan, runner, ScriptedJournal())
        await run.wait()
        assert runner.began() == ["b"]
        assert run.state.output == {"a": None, "b": 1}

    run_virtually(scenario())
