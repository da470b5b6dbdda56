"""What control takes of a tenant's limits: only for what it has run again, and of nobody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal.ownership import Ownership
from tenantry.dataplane.limits.port import LimitsUnavailableError
from tenantry.tenants.identity import TenantId
from tests.support.executors import lease_of

if TYPE_CHECKING:
    import httpx

    from tenantry.tenants.limits import Admission
    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors


def at_once(executors: Executors, most: int, **quotas: int) -> Any:
    """A bundle of which so many executions may run at the same time."""
    return executors.bundle(spec={"quotas": {"maxConcurrentWorkflows": most, **quotas}})


async def retry(plane: DataPlane, execution_id: str, **body: Any) -> httpx.Response:
    return await plane.ask("POST", f"/executions/{execution_id}/retry", json=body)


async def failed(executors: Executors, plane: DataPlane) -> str:
    executors.upstream.fail("c")
    answer = await plane.execute("chain")
    executors.upstream.mend("c")
    return answer.headers["Execution-Id"]


async def more(plane: DataPlane) -> int:
    """What another execution is answered, that comes to wait for `a`."""
    asked = plane.execute("pick", {"n": 1}, headers={"Prefer": "respond-async"})
    return (await asked).status_code


@pytest.mark.parametrize("status", ["running", "compensating"])
async def test_a_retry_of_what_another_executor_is_at_takes_nothing_and_says_where_it_stands(
    executors: Executors, status: str
) -> None:
    bundle = at_once(executors, 1)
    one, other = await executors.start("one", bundle), await executors.start("other", bundle)
    execution = await executors.begin(one, "chain", held="c")
    await executors.database.execute("UPDATE executions SET status = $1", status)
    executors.upstream.hold("a")
    assert await more(other) == 202
    answer = await retry(other, execution)
    assert (answer.status_code, answer.json()["status"]) == (202, status)


async def test_of_two_who_retry_at_once_the_second_takes_nothing_from_the_first(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await executors.start("one", at_once(executors, 2))
    execution = await failed(executors, one)
    executors.upstream.hold("a", "c")
    both, take = asyncio.Barrier(2), Ownership.take

    async def take_together(*arguments: Any) -> Any:
        await both.wait()
        return await take(*arguments)

    monkeypatch.setattr(Ownership, "take", take_together)
    answers = await asyncio.gather(retry(one, execution), retry(one, execution))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert one.services.executor.ids == [execution]
    assert [await more(one) for _ in range(2)] == [202, 429]


async def test_a_retry_that_breaks_off_keeps_no_room(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await executors.start("one", at_once(executors, 1))
    execution = await failed(executors, one)

    async def break_off(*_: Any) -> Any:
        raise JournalUnavailableError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(Ownership, "segments", break_off)
        assert (await retry(one, execution)).status_code == 503
    assert await more(one) == 202


async def test_a_retry_that_nobody_can_admit_leaves_what_can_be_retried(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await failed(executors, one)

    async def unavailable(*_: Any) -> Admission:
        raise LimitsUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(one.services.executor._limits, "admit", unavailable)
        answer = await retry(one, execution)
        assert answer.json()["type"].endswith("/limits-unavailable")
    assert (await executors.row(execution))["owner"] is None
    assert (await retry(other, execution)).status_code in {200, 202}
    assert await executors.output(other, execution) == [1, 1, 2]


@pytest.mark.parametrize("kind", ["retry", "fork"])
async def test_what_is_refused_for_its_inputs_uses_no_quota(executors: Executors, kind: str) -> None:
    one = await executors.start("one", at_once(executors, 1, maxWorkflowsPerHour=2))
    execution = await failed(executors, one)
    body = {"task": "b"} if kind == "fork" else {}
    for inputs in ({"nobody": 1}, {"b": {}, "a/b": 1}):
        answer = await one.ask("POST", f"/executions/{execution}/{kind}", json={**body, "inputs": inputs})
        assert answer.status_code == 400
    answer = await one.ask("POST", f"/executions/{execution}/{kind}", json=body)
    assert answer.status_code in {200, 202}


@pytest.mark.parametrize("database", ["did it", "did nothing"])
async def test_what_was_perhaps_given_back_is_nobody_s_until_it_is_retried(
    executors: Executors, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    one = await executors.start("one", at_once(executors, 1))
    execution = await failed(executors, one)
    busy = await executors.begin(one, "pick", "a", {"n": 1})
    give_back = Ownership.give_back

    async def break_off(*arguments: Any) -> None:
        if database == "did it":
            await give_back(*arguments)
        raise JournalUnavailableError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(Ownership, "give_back", break_off)
        assert (await retry(one, execution)).status_code == 503
    executors.upstream.let("a")
    await executors.output(one, busy)
    executors.upstream.hold("c")
    if database == "did nothing":
        await lease_of(one).look_around()
        await one.services.journal.settled(TenantId("acme"), execution)
    answer = await retry(one, execution)
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    await lease_of(one).look_around()
    executors.upstream.let("c")
    assert await executors.output(one, execution) == [1, 1, 2]
