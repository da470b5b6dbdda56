"""Leases: what an executor leaves behind another goes on with, once, and from where it stood."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.executions import lease as leasing
from tenantry.dataplane.journal.ownership import Ownership
from tenantry.tenants.identity import TenantId
from tests.support.eventually import eventually
from tests.support.executors import lease_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenantry.dataplane.journal.ownership import Segment, Taken
    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors


ACME = TenantId("acme")


async def look_around(plane: DataPlane) -> int:
    return await lease_of(plane).look_around()


async def test_what_a_dead_executor_ran_goes_on_elsewhere_from_where_it_stood(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="c")
    await executors.kill(one)
    assert await look_around(other) == 1
    await executors.upstream.called("c", 2)
    assert (await executors.row(execution))["owner"] is not None
    executors.upstream.let("c")
    assert await executors.output(other, execution) == [1, 1, 2]
    row = await executors.row(execution)
    assert (row["owner"], row["epoch"], row["run"]) == (None, 2, 1)
    told = await executors.events(execution)
    assert told.count("WorkflowRecovered") == 1
    assert told[-1] == "WorkflowCompleted"
    usage = await executors.database.fetch("SELECT id::text FROM usage_outbox")
    assert [event["id"] for event in usage] == [execution]


async def test_while_an_executor_lives_nobody_takes_what_it_runs(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    assert (await look_around(other), await look_around(one)) == (0, 0)
    assert str((await executors.row(execution))["owner"]) == lease_of(one).executor_id
    executors.upstream.let("a")
    assert await executors.output(one, execution) == [1, 1, 1]


async def test_of_two_that_look_at_the_same_time_one_takes_it(executors: Executors) -> None:
    planes = [await executors.start(name) for name in ("one", "two", "three")]
    execution = await executors.begin(planes[0], "chain", held="a")
    await executors.kill(planes[0])
    assert sorted(await asyncio.gather(*map(look_around, planes[1:]))) == [0, 1]
    executors.upstream.let("a")
    assert await executors.output(planes[1], execution) == [2, 1, 1]
    assert (await executors.row(execution))["epoch"] == 2


async def test_an_executor_looks_around_by_itself(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await executors.start("one")
    monkeypatch.setattr(leasing, "LOOK_SECONDS", 0.01)
    other = await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    await executors.kill(one)
    await executors.upstream.called("a", 2)
    executors.upstream.let("a")
    assert await executors.output(other, execution) == [2, 1, 1]


async def test_what_a_clean_stop_leaves_is_taken_at_once(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="c")
    waiting = asyncio.create_task(one.execute("chain"))
    await executors.upstream.called("c", 2)
    await executors.stop(one)
    answer = await waiting
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert await executors.database.fetchval("SELECT count(*) FROM executors") == 1
    assert await look_around(other) == 2
    executors.upstream.let("c")
    first = await executors.output(other, execution)
    headers = {"Authorization": answer.request.headers["Authorization"]}
    await executors.status(answer.headers["Execution-Id"], "completed")
    found = await other.client.get(answer.headers["Location"], headers=headers)
    assert sorted([first, found.json()["output"]]) in ([[1, 1, 3], [2, 2, 4]], [[1, 1, 4], [2, 2, 3]])


async def test_a_call_that_may_have_taken_effect_is_not_made_again(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="b")
    await executors.kill(one)
    assert await look_around(other) == 1
    await executors.status(execution, "failed")
    row = await executors.row(execution)
    assert (row["failure_code"], row["owner"], executors.upstream.asked["b"]) == ("outcome-unknown", None, 1)
    letters = await executors.database.fetch(
        "SELECT tenant, execution_id::text, task, reason FROM dead_letters"
    )
    assert [tuple(letter) for letter in letters] == [("acme", execution, "b", "outcome-unknown")]


async def test_a_call_with_an_idempotency_key_is_made_again_with_the_same_key(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "once", held="a")
    await executors.kill(one)
    assert await look_around(other) == 1
    await executors.upstream.called("a", 2)
    executors.upstream.let("a")
    assert await executors.output(other, execution) == 2
    assert executors.upstream.keys["a"] == [execution, execution]


async def test_an_executor_that_was_declared_dead_loses_what_it_ran_and_begins_anew(
    executors: Executors, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    executors.upstream.hold("c")
    waiting = asyncio.create_task(one.execute("chain"))
    await executors.upstream.called("c")
    (execution,) = one.services.executor.ids
    await one.services.journal.settled(ACME, execution)
    former = lease_of(one).executor_id
    await executors.expire(one)
    assert await look_around(other) == 1
    await executors.upstream.called("c", 2)
    await lease_of(one).renew()
    assert "was declared dead" in caplog.text
    assert lease_of(one).executor_id != former
    assert not one.services.executor._runs
    assert not one.services.journal._running  # or commits would wait for its company for ever
    executors.upstream.let("c")
    answer = await waiting
    assert (answer.status_code, answer.json()) == (200, [1, 1, 2])
    again = await one.execute("chain")
    assert again.json() == [2, 2, 3]
    told = await executors.database.fetch("SELECT DISTINCT owner::text FROM executions")
    assert [row["owner"] for row in told] == [None]


async def test_a_lease_that_ran_out_is_kept_as_long_as_nobody_noticed(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    former = lease_of(one).executor_id
    execution = await executors.begin(one, "chain", held="a")
    await executors.expire(one)
    await lease_of(one).renew()
    assert (await look_around(other), lease_of(one).executor_id) == (0, former)
    executors.upstream.let("a")
    assert await executors.output(one, execution) == [1, 1, 1]


async def test_an_executor_does_not_declare_itself_dead(executors: Executors) -> None:
    one = await executors.start("one")
    execution = await executors.begin(one, "chain", held="a")
    await executors.expire(one)
    assert await look_around(one) == 0
    executors.upstream.let("a")
    assert await executors.output(one, execution) == [1, 1, 1]
    assert (await executors.row(execution))["epoch"] == 1


async def test_an_executor_that_lost_what_it_ran_may_take_it_up_again_itself(executors: Executors) -> None:
    one = await executors.start("one")
    execution = await executors.begin(one, "chain", held="c")
    await executors.database.execute("DELETE FROM executors")
    await lease_of(one).renew()
    assert await look_around(one) == 1
    await executors.upstream.called("c", 2)
    executors.upstream.let("c")
    assert await executors.output(one, execution) == [1, 1, 2]


async def test_what_is_paused_stays_with_nobody(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    await one.ask("POST", f"/executions/{execution}/pause")
    executors.upstream.let("a")
    await executors.status(execution, "paused")
    await eventually(lambda: not one.services.executor._runs)
    await one.services.journal.settled(ACME, execution)
    await executors.kill(one)
    assert await look_around(other) == 0
    row = await executors.row(execution)
    assert (row["status"], row["owner"], row["epoch"]) == ("paused", None, 1)
    assert executors.upstream.asked["b"] == 0


async def test_what_is_not_journaled_ends_with_its_executor_and_says_so(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    executors.upstream.hold("a")
    waiting = asyncio.create_task(one.execute("fleeting"))
    await executors.upstream.called("a")
    await eventually(lambda: executors.database.fetchval("SELECT count(*) FROM executions"))
    execution = await executors.database.fetchval("SELECT id::text FROM executions")
    await executors.kill(one)
    assert await look_around(other) == 1
    await executors.status(execution, "failed")
    row = await executors.row(execution)
    assert (row["failure_code"], row["owner"], executors.upstream.asked["a"]) == ("interrupted", None, 1)
    assert await executors.database.fetchval("SELECT count(*) FROM usage_outbox") == 1
    executors.upstream.let("a")
    assert (await waiting).status_code == 503


async def test_what_belongs_to_a_tenant_that_is_not_served_here_is_left_alone(executors: Executors) -> None:
    one = await executors.start("one")
    other = await executors.start("other", executors.bundle())
    execution = await executors.begin(one, "chain", held="a", tenant="globex")
    owner = lease_of(one).executor_id
    await executors.kill(one)
    assert await look_around(other) == 0
    row = await executors.row(execution)
    assert (str(row["owner"]), row["epoch"], row["status"]) == (owner, 1, "running")
    await other.services.registry.install(executors.bundle("globex"))
    assert await look_around(other) == 1
    executors.upstream.let("a")
    assert await executors.output(other, execution, tenant="globex") == [2, 1, 1]


async def test_what_cannot_be_served_any_more_when_it_was_taken_is_given_back(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await executors.start("one")
    other = await executors.start("other", executors.bundle())
    third = await executors.start("third")
    execution = await executors.begin(one, "chain", held="a", tenant="globex")
    await executors.kill(one)
    monkeypatch.setattr(other.services.registry, "revisions", lambda: {"acme": 1, "globex": 1})
    assert await look_around(other) == 1
    assert await look_around(third) == 1
    executors.upstream.let("a")
    assert await executors.output(third, execution, tenant="globex") == [2, 1, 1]
    assert (await executors.row(execution))["epoch"] == 3


async def test_who_is_about_to_stop_takes_nothing(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    await executors.begin(one, "chain", held="a")
    await executors.kill(one)
    await other.services.executor.drain(0)
    assert await look_around(other) == 0


async def test_so_many_that_they_are_taken_in_several_portions_are_all_taken(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leasing, "_BATCH", 2)
    one, other = await executors.start("one"), await executors.start("other")
    executions = [await executors.begin(one, "pick", "a", {"n": number}) for number in range(5)]
    await executors.kill(one)
    assert await look_around(other) == 5
    await executors.upstream.called("a", 10)
    executors.upstream.let("a")
    outputs = [await executors.output(other, execution) for execution in executions]
    assert [output["n"] for output in outputs] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("fits", "portions"), [(2, [(2, 0), (2, 2), (1, 4)]), (0, [(1, n) for n in range(5)])]
)
async def test_no_more_is_read_at_a_time_than_fits_and_that_is_taken_up_before_more_is_read(
    executors: Executors, monkeypatch: pytest.MonkeyPatch, fits: int, portions: list[tuple[int, int]]
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    executions = [await executors.begin(one, "pick", "a", {"n": number}) for number in range(5)]
    largest = max([(await executors.row(execution))["journal_bytes"] for execution in executions])
    await executors.kill(one)
    read, found = Ownership.segments, []

    async def read_and_tell(ownership: Ownership, taken: Sequence[Taken]) -> dict[str, list[Segment]]:
        found.append((len(taken), len(other.services.executor.ids)))
        return await read(ownership, taken)

    monkeypatch.setattr(Ownership, "segments", read_and_tell)
    monkeypatch.setattr(leasing, "READ_BYTES", fits * largest)
    assert await look_around(other) == 5
    assert found == portions


async def test_what_cannot_be_read_in_time_holds_nothing_else_back(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    executions = [await executors.begin(one, "pick", "a", {"n": number}) for number in range(3)]
    await executors.kill(one)
    read = Ownership.segments

    async def read_in_time(ownership: Ownership, taken: Sequence[Taken]) -> dict[str, list[Segment]]:
        if executions[0] in [each.id for each in taken]:
            raise JournalUnavailableError
        return await read(ownership, taken)

    with monkeypatch.context() as patch:
        patch.setattr(leasing, "READ_BYTES", 0)
        patch.setattr(Ownership, "segments", read_in_time)
        for _ in range(2):
            with pytest.raises(JournalUnavailableError):
                await look_around(other)
        assert sorted(other.services.executor.ids) == sorted(executions[1:])
    await look_around(other)
    executors.upstream.let("a")
    outputs = [await executors.output(other, execution) for execution in executions]
    assert [output["n"] for output in outputs] == [0, 1, 2]


POISON = {
    "an event is missing": "UPDATE journal SET first_sequence = 2 WHERE execution_id = $1::uuid",
    "there is nothing": "DELETE FROM journal WHERE execution_id = $1::uuid",
    "an event is unheard of": """
        UPDATE journal SET events = '[{"type": "WorkflowEaten", "at": 1}]' WHERE execution_id = $1::uuid""",
    "an event does not follow": """
        UPDATE journal SET events = '[{"type": "TaskStarted", "at": 1, "task": "z", "attempt": 1}]'
        WHERE execution_id = $1::uuid""",
    "it is no list of events": "UPDATE journal SET events = '5' WHERE execution_id = $1::uuid",
    "the plan is gone": "UPDATE executions SET plan = 'unheard-of' WHERE id = $1::uuid",
    "the plan cannot be read": """
        UPDATE plan_sources SET source = '{}'
        WHERE key = (SELECT plan FROM executions WHERE id = $1::uuid)""",
}


@pytest.mark.parametrize("what", POISON)
async def test_what_nobody_can_go_on_with_ends_and_stands_in_nobodys_way(
    executors: Executors, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    before = await executors.begin(one, "pick", "a", {"n": 1})
    poisoned = await executors.begin(one, "chain", "a")
    after = await executors.begin(one, "pick", "a", {"n": 2})
    await executors.kill(one)
    await executors.database.execute(POISON[what], poisoned)
    assert await look_around(other) == 3
    await executors.status(poisoned, "failed")
    row = await executors.row(poisoned)
    assert (row["status"], row["failure_code"], row["owner"]) == ("failed", "internal", None)
    assert row["ended_at"] is not None
    last = await executors.database.fetchval(
        "SELECT events FROM journal WHERE execution_id = $1::uuid ORDER BY first_sequence DESC LIMIT 1",
        poisoned,
    )
    assert [event["type"] for event in json.loads(last)] == ["DeadLettered", "WorkflowFailed"]
    letters = await executors.database.fetch("SELECT execution_id::text, workflow, reason FROM dead_letters")
    assert [tuple(letter) for letter in letters] == [(poisoned, "chain", "outcome-unknown")]
    assert await usage_of(executors, poisoned) == ("failed", {"team": "shop"}, 1)
    assert f"execution {poisoned} cannot be gone on with" in caplog.text
    executors.upstream.let("a")
    assert [(await executors.output(other, good))["n"] for good in (before, after)] == [1, 2]
    assert await look_around(other) == 0


async def usage_of(executors: Executors, execution: str) -> tuple[str, dict[str, str], int]:
    """What is told of an execution's usage: its status, its labels, its attempts."""
    event = await executors.database.fetchval("SELECT event FROM usage_outbox WHERE id = $1::uuid", execution)
    data = json.loads(event)["data"]
    return data["status"], data["labels"], data["taskAttempts"]


PLAN_GONE = "UPDATE executions SET plan = 'unheard-of' WHERE id = $1::uuid"


@pytest.mark.parametrize(
    ("held", "reason"), [("b", "outcome-unknown"), ("c", "outcome-unknown"), ("", "permanent")]
)
async def test_what_nobody_can_go_on_with_tells_everybody_who_waits_for_its_end(
    executors: Executors, held: str, reason: str
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    executors.upstream.hold(held or "a")
    url = f"{executors.upstream.url}/called-back"
    headers = {"Prefer": "respond-async", "Callback-Url": url}
    execution = (await one.execute("chain", headers=headers)).headers["Execution-Id"]
    await executors.upstream.called(held or "a")
    if not held:
        await one.ask("POST", f"/executions/{execution}/pause")
        executors.upstream.let("a")
        await eventually(lambda: not one.services.executor.ids)
    await one.services.journal.settled(ACME, execution)
    await executors.kill(one)
    await executors.database.execute(PLAN_GONE, execution)
    if held:
        assert await look_around(other) == 1
    else:
        assert (await other.ask("POST", f"/executions/{execution}/cancel")).status_code == 409
        await look_around(other)
    await executors.status(execution, "failed")
    row = await executors.database.fetchrow(
        "SELECT reason, failure ->> 'outcomeUnknown' AS outcome_unknown FROM dead_letters"
    )
    assert (row["reason"], row["outcome_unknown"]) == (reason, "true" if held else None)
    await executors.upstream.called("called-back")
    (told,) = executors.upstream.bodies["called-back"]
    assert (told["type"], told["data"]["executionId"]) == ("execution.failed", execution)
    attempts = {"": 1, "b": 2, "c": 3}[held]
    assert await usage_of(executors, execution) == ("failed", {"team": "shop"}, attempts)


async def test_a_take_over_that_breaks_off_in_the_middle_is_finished_by_the_next_look(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    await executors.kill(one)

    async def break_off(*_: Any) -> Any:
        raise JournalUnavailableError("the database went away")

    for statement in ("segments", "source"):
        with monkeypatch.context() as patch:
            patch.setattr(Ownership, statement, break_off)
            with pytest.raises(JournalUnavailableError):
                await look_around(other)
    assert executors.upstream.asked["a"] == 1
    assert await look_around(other) == 0
    executors.upstream.let("a")
    assert await executors.output(other, execution) == [2, 1, 1]


async def test_what_was_taken_without_hearing_of_it_is_gone_on_with_all_the_same(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    await executors.kill(one)
    take = Ownership.take_orphans

    async def take_and_break_off(*arguments: Any) -> Any:
        await take(*arguments)
        raise JournalUnavailableError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(Ownership, "take_orphans", take_and_break_off)
        with pytest.raises(JournalUnavailableError):
            await look_around(other)
    await look_around(other)
    executors.upstream.let("a")
    assert await executors.output(other, execution) == [2, 1, 1]


async def test_a_lease_that_cannot_be_given_up_runs_out(
    executors: Executors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = await executors.start("one")

    async def break_off(*_: Any) -> Any:
        raise JournalUnavailableError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(Ownership, "leave", break_off)
        await executors.stop(one)
    assert "the lease could not be given up: it expires in 3600 s" in caplog.text
    assert await executors.database.fetchval("SELECT count(*) FROM executors") == 1
