"""One cleanup after another: what expires is hidden, comes back if it has not expired after all, and goes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import asyncpg

    from tests.support.cleaning import House
    from tests.support.kept import Clock, Shelf

KEPT_LONG = """
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: audited}
spec:
  retention: {executionHistory: 90d, taskTraces: 60d}
  tasks: [{id: a, taskRef: echo}]
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: echo}
spec: {type: transform, value: 1}
"""


async def test_an_execution_is_hidden_when_it_expires_and_removed_a_day_later(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    execution = await shelf.put(days=30)
    assert await house.counted() == {
        "executionHistory": {"softDeleted": 1},
        "taskTraces": {"softDeleted": 1},
    }
    assert (await shelf.shown(), await shelf.stored()) == (set(), {execution})
    clock.move(days=1, seconds=-1)
    assert await house.counted() == {}
    clock.move(seconds=1)
    await house.clean()
    assert (await shelf.stored(), await shelf.journaled()) == (set(), set())


async def test_what_is_a_second_younger_stays(house: House, shelf: Shelf) -> None:
    execution = await shelf.put(days=30 - 1 / 86_400)
    traced = await shelf.put(days=14 - 1 / 86_400)
    await house.clean()
    assert await shelf.shown() == {execution, traced}
    assert await shelf.traced() == {traced}


async def test_age_counts_from_the_end_however_long_it_took(house: House, shelf: Shelf) -> None:
    execution = await shelf.put(days=13, lasted=100 * 86_400)
    assert await house.counted() == {}
    assert await shelf.traced() == {execution}


async def test_a_trace_goes_before_its_execution(house: House, shelf: Shelf, clock: Clock) -> None:
    execution = await shelf.put(days=14)
    assert await house.counted() == {"taskTraces": {"softDeleted": 1}}
    assert (await shelf.traced(), await shelf.journaled()) == (set(), {execution})
    await shelf.put(days=14, tenant="globex", status="running")  # keeps the day from going whole
    clock.move(days=1)
    assert await house.counted() == {"taskTraces": {"removed": 1}}
    assert (await shelf.shown(), await shelf.journaled()) == ({execution}, set())


@pytest.mark.parametrize("status", ["submitted", "running", "paused", "compensating"])
async def test_what_has_not_ended_is_never_touched(
    house: House, shelf: Shelf, clock: Clock, status: str
) -> None:
    execution = await shelf.put(days=3000, status=status)
    for _ in range(3):
        assert await house.counted() == {}
        clock.move(days=2)
    assert await shelf.traced() == {execution}
    assert await shelf.journaled() == {execution}


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
async def test_however_an_execution_ended_it_expires(house: House, shelf: Shelf, status: str) -> None:
    await shelf.put(days=31, status=status)
    await house.clean()
    assert await shelf.shown() == set()


async def test_an_execution_that_is_run_again_while_it_is_hidden_comes_back(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    execution = await shelf.put(days=30, status="failed")
    await house.clean()
    await database.execute("UPDATE executions SET status = 'running', owner = gen_random_uuid(), epoch = 2")
    clock.move(days=2)
    assert await house.counted() == {"executionHistory": {"restored": 1}, "taskTraces": {"restored": 1}}
    assert await shelf.traced() == {execution}


async def test_what_a_workflow_says_holds_for_its_executions(house: House, shelf: Shelf) -> None:
    await house.serve(documents=KEPT_LONG)
    audited = {await shelf.put(days=days, workflow="audited") for days in (59, 60, 89, 90)}
    await shelf.put(days=30)
    assert await house.counted() == {
        "executionHistory": {"softDeleted": 2},
        "taskTraces": {"softDeleted": 4},
    }
    assert len(await shelf.shown() & audited) == 3
    assert len(await shelf.traced()) == 1


async def test_what_the_tenant_says_holds_over_it(house: House, shelf: Shelf) -> None:
    await house.serve(documents=KEPT_LONG, executionHistory="7d")
    await shelf.put(days=7, workflow="audited")
    kept = await shelf.put(days=6, workflow="audited")
    await house.clean()
    assert await shelf.traced() == {kept}


async def test_executions_of_a_workflow_that_is_gone_go_by_what_holds_for_all(
    house: House, shelf: Shelf
) -> None:
    await shelf.put(days=31, workflow="audited")
    await house.clean()
    assert await shelf.shown() == set()


async def test_what_was_hidden_comes_back_when_it_is_to_be_kept_longer(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    execution = await shelf.put(days=31)
    await house.clean()
    clock.move(days=0.9)
    await house.serve(executionHistory="60d", taskTraces="60d")
    assert await house.counted() == {"executionHistory": {"restored": 1}, "taskTraces": {"restored": 1}}
    assert await shelf.traced() == {execution}
    clock.move(days=2)
    assert await house.counted() == {}


async def test_it_comes_back_even_after_its_grace_if_nobody_has_removed_it_yet(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    execution = await shelf.put(days=31)
    await house.clean()
    await house.serve(executionHistory="60d")
    clock.move(days=5)
    assert (await house.counted())["executionHistory"] == {"restored": 1}
    assert (await shelf.shown(), await shelf.journaled()) == ({execution}, set())


async def test_a_trace_that_is_gone_does_not_come_back_empty(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    execution, other = await shelf.put(days=20), await shelf.put(days=20, status="running")
    await house.clean()
    clock.move(days=1)
    assert await house.counted() == {"taskTraces": {"removed": 1}}
    await house.serve(taskTraces="60d")
    assert await house.counted() == {}
    assert (await shelf.shown(), await shelf.traced()) == ({execution, other}, {other})


async def test_a_cleanup_touches_nothing_of_another_tenant(house: House, shelf: Shelf, clock: Clock) -> None:
    ours, theirs = await shelf.put(days=100), await shelf.put(days=100, tenant="globex")
    for execution, tenant in ((ours, "acme"), (theirs, "globex")):
        await shelf.call_back(execution, days=99, tenant=tenant)
        await shelf.bury(execution, status="discarded", tenant=tenant)
    for _ in range(3):
        await house.clean()
        clock.move(days=1)
    assert await shelf.stored() == set()
    assert await shelf.traced("globex") == {theirs}
    for table in ("callbacks", "dead_letters"):
        rows = await shelf.database.fetch(f"SELECT tenant FROM {table}")  # noqa: S608  (of this test)
        assert [row["tenant"] for row in rows] == ["globex"]


async def test_a_dry_run_counts_the_same_and_changes_nothing(
    house: House, shelf: Shelf, clock: Clock
) -> None:
    for days in (13.5, 14, 20, 29.5, 30, 31, 40):
        await shelf.put(days=days, tenant="globex", status="running")  # keeps the day from going whole
        execution = await shelf.put(days=days)
        await shelf.call_back(execution, days=days - 9)
        await shelf.bury(execution, status="discarded")
    effects = set()
    for _ in range(4):
        before = await everything(shelf)
        promised = await house.counted(dry_run=True)
        assert await everything(shelf) == before
        assert await house.counted() == promised
        effects |= {(kept, effect) for kept, counts in promised.items() for effect in counts}
        clock.move(days=0.5)
    kept = ("executionHistory", "taskTraces", "apiLogs")
    assert effects == {*product(kept, ("softDeleted", "removed")), ("deadLetters", "removed")}


async def everything(shelf: Shelf) -> list[list[asyncpg.Record]]:
    return [
        await shelf.database.fetch(f"SELECT * FROM {table} AS one ORDER BY one::text")  # noqa: S608  (of this test)
        for table in ("executions", "journal", "callbacks", "dead_letters")
    ]
