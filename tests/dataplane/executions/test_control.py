"""Executions controlled through one executor and run by another; orders repeated, and in any order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane import process
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.executions import control
from tenantry.dataplane.journal.ownership import Ownership
from tests.support.eventually import eventually
from tests.support.executors import lease_of

if TYPE_CHECKING:
    import httpx

    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors


@pytest.fixture(autouse=True)
def _obeyed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ORDER_SECONDS", 0.01)
    monkeypatch.setattr(control, "_ORDER_PAUSE_SECONDS", 0.01)


async def order(plane: DataPlane, kind: str, execution_id: str, **options: Any) -> httpx.Response:
    return await plane.ask("POST", f"/executions/{execution_id}/{kind}", **options)


def told(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("status")


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["type"].rpartition("/")[2]


async def failed(executors: Executors, plane: DataPlane, path: str = "c") -> str:
    """A `chain` that failed at one path, which would succeed now."""
    executors.upstream.fail(path)
    answer = await plane.execute("chain")
    assert answer.status_code == 502
    executors.upstream.mend(path)
    return answer.headers["Execution-Id"]


async def paused(executors: Executors, plane: DataPlane) -> str:
    """A `chain` that was paused while it looked at `a`, and stands still."""
    execution = await executors.begin(plane, "chain", held="a")
    await order(plane, "pause", execution)
    executors.upstream.let("a")
    await eventually(lambda: execution not in plane.services.executor.ids)
    await unowned(executors, execution)
    return execution


async def retry_held(executors: Executors, plane: DataPlane, execution: str) -> None:
    """Has it retried, which comes as far as `c`, and then lets that through."""
    executors.upstream.hold("c")
    assert told(await order(plane, "retry", execution)) == (202, "running")
    executors.upstream.let("c")


async def unowned(executors: Executors, execution: str) -> None:
    async def nobody() -> bool:
        return (await executors.row(execution))["owner"] is None

    await eventually(nobody)


async def test_what_another_runs_is_paused_and_resumed_by_it(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    assert told(await order(other, "pause", execution)) == (200, "paused")
    assert told(await order(other, "resume", execution)) == (202, "running")
    executors.upstream.let("a")
    assert await executors.output(other, execution) == [1, 1, 1]
    row = await executors.row(execution)
    assert (row["epoch"], row["owner"]) == (1, None)
    events = await executors.events(execution)
    counted = [events.count(f"Workflow{kind}") for kind in ("Paused", "Resumed", "Recovered")]
    assert counted == [1, 1, 0]


async def test_a_pause_waits_for_what_is_in_flight_and_lets_nothing_more_begin(executors: Executors) -> None:
    one = await executors.start("one")
    execution = await paused(executors, one)
    assert executors.upstream.asked == {"a": 1}
    events = await executors.events(execution)
    assert events[-2:] == ["WorkflowPaused", "TaskCompleted"]


async def test_what_stands_still_is_resumed_in_another_process(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await paused(executors, one)
    await executors.stop(one)
    assert told(await order(other, "resume", execution)) == (202, "running")
    assert await executors.output(other, execution) == [1, 1, 1]
    row = await executors.row(execution)
    assert (row["epoch"], row["run"]) == (2, 1)


async def test_what_another_runs_is_cancelled_by_it(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    assert told(await order(other, "cancel", execution)) == (200, "cancelled")
    assert one.services.executor.ids == []
    assert (await executors.row(execution))["epoch"] == 1


async def test_what_stands_still_is_cancelled_by_whoever_is_asked(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await paused(executors, one)
    assert told(await order(other, "cancel", execution)) == (200, "cancelled")
    row = await executors.row(execution)
    assert (row["status"], row["owner"]) == ("cancelled", None)
    assert executors.upstream.asked == {"a": 1}


async def test_who_gave_an_order_is_in_the_journal(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    await order(other, "pause", execution, role="author")
    await order(other, "resume", execution, role="tenant-admin")
    await order(other, "cancel", execution)
    rows = await executors.database.fetch(
        "SELECT data ->> 'actor' AS actor FROM events WHERE data ->> 'actor' IS NOT NULL ORDER BY sequence"
    )
    assert [row["actor"] for row in rows] == [
        *("acme-caller", "acme-author", "acme-tenant-admin", "acme-caller")
    ]


@pytest.mark.parametrize("through", ["one", "other"])
async def test_orders_may_be_repeated_and_come_in_any_order(executors: Executors, through: str) -> None:
    planes = {name: await executors.start(name) for name in ("one", "other")}
    one, asked = planes["one"], planes[through]
    execution = await executors.begin(one, "chain", held="a")
    assert told(await order(asked, "resume", execution)) == (202, "running")
    for _ in range(2):
        assert told(await order(asked, "pause", execution)) == (200, "paused")
    for _ in range(2):
        assert told(await order(asked, "resume", execution)) == (202, "running")
    assert told(await order(asked, "retry", execution)) == (202, "running")
    executors.upstream.let("a")
    assert await executors.output(asked, execution) == [1, 1, 1]
    for kind in ("cancel", "pause", "resume"):
        assert told(await order(asked, kind, execution)) == (200, "completed")
    assert problem(await order(asked, "retry", execution)) == (409, "execution-completed")
    events = await executors.events(execution)
    assert [events.count(f"Workflow{kind}") for kind in ("Paused", "Resumed", "Completed")] == [1, 1, 1]


async def test_what_is_paused_is_not_retried(executors: Executors) -> None:
    one = await executors.start("one")
    assert problem(await order(one, "retry", await paused(executors, one))) == (409, "execution-paused")


async def test_two_that_resume_the_same_make_it_go_on_once(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await paused(executors, one)
    answers = await asyncio.gather(*(order(plane, "resume", execution) for plane in (one, other, one, other)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert await executors.output(one, execution) == [1, 1, 1]
    assert (await executors.events(execution)).count("WorkflowResumed") == 1
    assert executors.upstream.asked == {"a": 1, "b": 1, "c": 1}


async def test_two_that_retry_the_same_make_it_one_run(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await failed(executors, one)
    answers = await asyncio.gather(*(order(plane, "retry", execution) for plane in (one, other, one, other)))
    assert {answer.status_code for answer in answers} <= {200, 202, 409}
    assert await executors.output(one, execution) == [1, 1, 2]
    row = await executors.row(execution)
    assert (row["run"], row["owner"]) == (2, None)
    assert executors.upstream.asked == {"a": 1, "b": 1, "c": 2}


async def test_a_retry_runs_only_what_failed_wherever_it_is_asked_for(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await failed(executors, one)
    await retry_held(executors, other, execution)
    assert await executors.output(one, execution) == [1, 1, 2]
    row = await executors.row(execution)
    assert (row["run"], row["status"], row["failure_code"]) == (2, "completed", "")
    assert executors.upstream.asked == {"a": 1, "b": 1, "c": 2}


async def test_what_was_cancelled_can_be_retried(executors: Executors) -> None:
    one = await executors.start("one")
    execution = await executors.begin(one, "chain", held="a")
    await order(one, "cancel", execution)
    executors.upstream.let("a")
    assert told(await order(one, "retry", execution)) == (202, "running")
    assert await executors.output(one, execution) == [2, 1, 1]


async def test_what_is_not_journaled_cannot_be_paused(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    waiting = asyncio.create_task(one.execute("fleeting"))
    await executors.upstream.called("a")
    (execution,) = one.services.executor.ids
    assert problem(await order(one, "pause", execution)) == (409, "execution-running")
    executors.upstream.let("a")
    assert (await waiting).status_code == 200


async def test_an_order_for_what_has_no_owner_any_more_is_carried_out_by_whoever_takes_it(
    executors: Executors,
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    await executors.kill(one)
    waiting = asyncio.create_task(order(other, "cancel", execution))
    await eventually(lambda: executors.database.fetchval("SELECT count(*) FROM commands"))
    assert await lease_of(other).look_around() == 1
    assert told(await waiting) == (200, "cancelled")


async def test_an_order_that_nobody_carries_out_in_time_says_where_things_stand(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ORDER_PATIENCE_SECONDS", 0.0)
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    monkeypatch.setattr(Ownership, "orders", _none)
    assert told(await order(other, "cancel", execution)) == (202, "running")


async def _none(*_: Any) -> list[Any]:
    return []


async def test_an_order_for_a_tenant_that_is_not_served_waits_until_it_is(executors: Executors) -> None:
    one = await executors.start("one", executors.bundle())
    other = await executors.start("other")
    execution = await executors.begin(other, "chain", held="a", tenant="globex")
    await executors.database.execute(
        "INSERT INTO commands (owner, tenant, execution_id, kind, actor)"
        " VALUES ($1::uuid, 'globex', $2::uuid, 'cancel', 'somebody')",
        lease_of(one).executor_id,
        execution,
    )
    await one.services.control.obey()
    assert (await executors.row(execution))["status"] == "running"
    await one.services.registry.install(executors.bundle("globex"))
    await executors.status(execution, "cancelled")

    async def forgotten() -> bool:
        return not await executors.database.fetchval("SELECT count(*) FROM commands")

    await eventually(forgotten)


@pytest.mark.parametrize("kind", ["cancel", "pause", "resume", "retry", "fork"])
async def test_what_another_tenant_has_is_not_there(executors: Executors, kind: str) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a", tenant="globex")
    for plane in (one, other):
        body = {"json": {"task": "a"}} if kind == "fork" else {}
        assert problem(await order(plane, kind, execution, **body)) == (404, "not-found")
    assert (await executors.row(execution))["status"] == "running"
    assert await executors.database.fetchval("SELECT count(*) FROM commands") == 0


@pytest.mark.parametrize("statement", ["segments", "source", "take"])
async def test_a_retry_that_breaks_off_in_the_middle_leaves_what_can_be_retried(
    executors: Executors, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await failed(executors, one)
    original = getattr(Ownership, statement)

    async def break_off(*arguments: Any) -> Any:
        await original(*arguments)
        raise JournalUnavailableError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(Ownership, statement, break_off)
        assert problem(await order(other, "retry", execution)) == (503, "journal-unavailable")
    assert (await executors.row(execution))["status"] == "failed"
    await lease_of(other).look_around()
    await unowned(executors, execution)
    await retry_held(executors, one, execution)
    assert await executors.output(one, execution) == [1, 1, 2]
    assert (await executors.row(execution))["run"] == 2


@pytest.mark.parametrize("kind", ["retry", "fork"])
async def test_what_is_not_stored_any_more_can_neither_be_retried_nor_forked_and_stays_as_it_ended(
    executors: Executors, kind: str
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await failed(executors, one)
    await executors.database.execute("DELETE FROM plan_sources")
    before = {**await executors.row(execution), "epoch": None, "revision": None}
    body = {"json": {"task": "a"}} if kind == "fork" else {}
    assert problem(await order(other, kind, execution, **body)) == (409, "trace-gone")
    await lease_of(other).look_around()
    after = {**await executors.row(execution), "epoch": None, "revision": None}
    assert after == before


LIMITED = {"quotas": {"maxConcurrentWorkflows": 1}}


@pytest.mark.parametrize("kind", ["resume", "retry", "fork"])
async def test_the_tenant_s_limits_bound_what_goes_on_again(executors: Executors, kind: str) -> None:
    one = await executors.start("one", executors.bundle(spec=LIMITED))
    execution = await (paused if kind == "resume" else failed)(executors, one)
    body = {"json": {"task": "c"}} if kind == "fork" else {}
    busy = await executors.begin(one, "pick", "a", {"n": 1})
    refused = await order(one, kind, execution, **body)
    assert problem(refused) == (429, "rate-limited")
    assert refused.json()["violated-policies"] == ["concurrent-workflows"]
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await executors.row(execution))["status"] == ("paused" if kind == "resume" else "failed")
    executors.upstream.let("a")
    await executors.output(one, busy)
    assert (await order(one, kind, execution, **body)).status_code in {200, 202}
