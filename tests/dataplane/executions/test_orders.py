"""Orders that were accepted are carried out, whoever ends or knows too little when they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane import process
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.executions import control
from tenantry.dataplane.journal.ownership import Ownership
from tests.support.executors import lease_of

if TYPE_CHECKING:
    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors


@pytest.fixture(autouse=True)
def _obeyed_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ORDER_SECONDS", 3600.0)
    monkeypatch.setattr(control, "ORDER_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(control, "_ORDER_PAUSE_SECONDS", 0.0)


async def break_off(*_: Any) -> Any:
    raise JournalUnavailableError("the database went away")


async def ordered(executors: Executors, asked: DataPlane, execution: str, *kinds: str) -> None:
    """What another executor runs is to become that; the caller hears that nothing is refused."""
    for kind in kinds:
        answer = await asked.ask("POST", f"/executions/{execution}/{kind}", tenant="globex")
        assert answer.status_code == 202
    assert await waiting(executors) == len(kinds)


async def waiting(executors: Executors) -> int:
    """How many orders nobody has carried out."""
    number: int = await executors.database.fetchval("SELECT count(*) FROM commands")
    return number


async def die(executors: Executors, plane: DataPlane) -> None:
    """Another has found it dead already."""
    executor_id = lease_of(plane).executor_id
    await executors.kill(plane)
    await executors.database.execute("DELETE FROM executors WHERE id = $1::uuid", executor_id)


async def test_an_executor_that_does_not_serve_the_tenant_yet_leaves_its_orders_alone(
    executors: Executors,
) -> None:
    dead, asked = await executors.start("dead"), await executors.start("asked")
    other = await executors.start("other", executors.bundle())
    execution = await executors.begin(dead, "chain", held="a", tenant="globex")
    await ordered(executors, asked, execution, "cancel")
    await die(executors, dead)
    await other.services.control.obey()
    assert await waiting(executors) == 1
    await other.services.registry.install(executors.bundle("globex"))
    assert await lease_of(other).look_around() == 1
    await other.services.control.obey()
    assert (await executors.row(execution))["status"] == "cancelled"
    assert await waiting(executors) == 0


async def test_orders_that_an_executor_did_not_live_to_carry_out_are_carried_out_by_another(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, asked = await executors.start("dead"), await executors.start("asked")
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(dead, "chain", held="a", tenant="globex")
    await ordered(executors, asked, execution, "pause", "cancel")
    await die(executors, dead)
    with monkeypatch.context() as patch:
        patch.setattr(Ownership, "take", break_off)
        await one.services.control.obey()
    assert await waiting(executors) == 2
    await die(executors, one)
    assert await lease_of(other).look_around() == 1
    await other.services.control.obey()
    assert (await executors.events(execution))[-2:] == ["WorkflowPaused", "WorkflowCancelled"]
    assert await waiting(executors) == 0


async def test_of_two_that_look_at_the_same_time_one_has_an_order_of_a_dead_executor(
    executors: Executors,
) -> None:
    dead, asked = await executors.start("dead"), await executors.start("asked")
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(dead, "chain", held="a", tenant="globex")
    await ordered(executors, asked, execution, "cancel")
    await die(executors, dead)
    found = []
    for plane in (one, other):
        lease = lease_of(plane)
        found.append(await lease._ownership.orders(lease.executor_id, lease.served))
    assert [len(orders) for orders in found] == [1, 0]


async def test_orders_carried_out_again_change_nothing(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, asked = await executors.start("one"), await executors.start("asked")
    execution = await executors.begin(one, "chain", held="a", tenant="globex")
    await ordered(executors, asked, execution, "pause")
    await executors.database.execute(
        "INSERT INTO commands (owner, tenant, execution_id, kind, actor)"
        " SELECT owner, tenant, execution_id, 'resume', actor FROM commands"
    )
    with monkeypatch.context() as patch:
        patch.setattr(Ownership, "done", break_off)
        with pytest.raises(JournalUnavailableError):
            await one.services.control.obey()
    assert (await executors.row(execution))["status"] == "running"
    await one.services.control.obey()
    assert await waiting(executors) == 0
    executors.upstream.let("a")
    assert await executors.output(one, execution, tenant="globex") == [1, 1, 1]
