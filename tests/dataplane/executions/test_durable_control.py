"""Orders, retries and forks while the database is in trouble: what is answered is there, the rest is said."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from tenantry.dataplane import process
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.executions import control
from tenantry.dataplane.journal import writer
from tenantry.dataplane.journal.history import History
from tenantry.tenants.identity import TenantId
from tests.support.eventually import eventually
from tests.support.executors import lease_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors

AWAY = (503, "journal-unavailable")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ORDER_SECONDS", 0.01)
    monkeypatch.setattr(control, "_ORDER_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(writer, "RECONNECT_SECONDS", 0.01)


@contextmanager
def no_commits(plane: DataPlane) -> Iterator[None]:
    """The database takes nothing from this executor's journal."""

    async def refuse(_rows: Any) -> Any:
        raise ConnectionResetError

    with patch.object(plane.services.journal._store, "commit", refuse):
        yield


async def order(plane: DataPlane, kind: str, execution_id: str, **options: Any) -> httpx.Response:
    return await plane.ask("POST", f"/executions/{execution_id}/{kind}", **options)


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].rpartition("/")[2]


async def failed(executors: Executors, plane: DataPlane) -> str:
    """A `chain` that failed at its last call, which is safe, and would succeed now."""
    executors.upstream.fail("c")
    answer = await plane.execute("chain")
    executors.upstream.mend("c")
    return answer.headers["Execution-Id"]


async def paused(executors: Executors, plane: DataPlane) -> str:
    """A `chain` that was paused before its last call, which is safe, and stands still."""
    execution = await executors.begin(plane, "chain", held="b")
    await order(plane, "pause", execution)
    executors.upstream.let("b")
    await eventually(lambda: execution not in plane.services.executor.ids)
    await plane.services.journal.settled(TenantId("acme"), execution)
    return execution


@pytest.mark.parametrize(("kind", "becomes"), [("cancel", "cancelled"), ("pause", "paused")])
async def test_an_order_is_answered_once_it_is_in_the_database_and_may_be_sent_until_then(
    executors: Executors, kind: str, becomes: str
) -> None:
    one = await executors.start("one")
    execution = await executors.begin(one, "chain", held="a")
    with no_commits(one):
        answer = await order(one, kind, execution)
        assert problem(answer) == AWAY
        assert answer.json()["executionId"] == execution
        assert answer.headers["Retry-After"] == "1"
        assert (await executors.row(execution))["status"] == "running"
    await eventually(lambda: one.services.journal.available)
    answer = await order(one, kind, execution)
    assert (answer.status_code, answer.json()["status"]) == (200, becomes)
    assert (await executors.row(execution))["status"] == becomes


@pytest.mark.parametrize("kind", ["resume", "retry"])
async def test_what_goes_on_again_and_is_not_in_the_database_yet_says_so(
    executors: Executors, kind: str
) -> None:
    one = await executors.start("one")
    execution = await (paused if kind == "resume" else failed)(executors, one)
    with no_commits(one):
        answer = await order(one, kind, execution)
        assert problem(answer) == AWAY
        assert answer.json()["executionId"] == execution
    assert (await executors.output(one, execution))[:2] == [1, 1]


async def test_a_fork_that_is_not_in_the_database_yet_is_named(executors: Executors) -> None:
    one = await executors.start("one")
    origin = (await one.execute("chain")).headers["Execution-Id"]
    with no_commits(one):
        answer = await order(one, "fork", origin, json={"task": "c"})
        assert problem(answer) == AWAY
    new = answer.json()["executionId"]
    assert new != origin
    await eventually(lambda: one.services.journal.available)
    assert await executors.output(one, new) == [1, 1, 2]


async def test_an_order_for_what_was_taken_from_us_is_carried_out_by_whoever_has_it(
    executors: Executors,
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    await executors.expire(one)
    assert await lease_of(other).look_around() == 1
    assert execution in one.services.executor.ids
    answer = await order(one, "cancel", execution)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await executors.row(execution))["status"] == "cancelled"
    assert other.services.executor.ids == []


async def test_an_order_in_trouble_drops_neither_itself_nor_others_and_keeps_its_place(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "ORDER_SECONDS", 3600.0)
    monkeypatch.setattr(control, "ORDER_PATIENCE_SECONDS", 0.0)
    dead, one = await executors.start("dead"), await executors.start("one")
    asked = await executors.start("asked")
    ours = await executors.begin(one, "chain", held="b")
    orphan = await executors.begin(dead, "chain", held="a")
    for execution, kind in ((orphan, "pause"), (orphan, "cancel"), (ours, "cancel")):
        assert (await order(asked, kind, execution)).json()["status"] == "running"
    await executors.kill(dead)
    await executors.database.execute("DELETE FROM executors WHERE id = $1::uuid", lease_of(dead).executor_id)
    find, troubles = History.find, [JournalUnavailableError("the database went away")]

    async def find_later(history: History, tenant: Any, execution_id: str) -> Any:
        if execution_id == orphan and troubles:
            raise troubles.pop()
        return await find(history, tenant, execution_id)

    with monkeypatch.context() as patched:
        patched.setattr(History, "find", find_later)
        await one.services.control.obey()
    assert not troubles
    assert (await executors.row(ours))["status"] == "cancelled"
    assert await lease_of(one).look_around() == 1
    await one.services.control.obey()
    assert (await executors.events(orphan))[-2:] == ["WorkflowPaused", "WorkflowCancelled"]


async def test_an_order_that_breaks_for_want_of_a_plan_drops_no_other(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "ORDER_SECONDS", 3600.0)
    monkeypatch.setattr(control, "ORDER_PATIENCE_SECONDS", 0.0)
    one, asked = await executors.start("one"), await executors.start("asked")
    broken = await paused(executors, one)
    ours = await executors.begin(one, "chain", held="b")
    await executors.database.execute(
        "INSERT INTO commands (owner, tenant, execution_id, kind, actor)"
        " VALUES ($1::uuid, 'acme', $2::uuid, 'cancel', 'somebody')",
        lease_of(one).executor_id,
        broken,
    )
    assert (await order(asked, "cancel", ours)).json()["status"] == "running"
    await executors.database.execute("DELETE FROM plan_sources")
    await one.services.control.obey()
    assert (await executors.row(ours))["status"] == "cancelled"
