"""Clocks that jump: an executor whose clock is a year ahead or an hour behind works, and so do the others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane import process
from tenantry.dataplane.clock import SteadyClock
from tenantry.dataplane.journal.rows import day_of
from tests.support.eventually import eventually
from tests.support.executors import DOCUMENTS, lease_of

if TYPE_CHECKING:
    from tests.support.executors import Executors

HOUR, YEAR = 3600.0, 365 * 86400.0

AGAIN = """
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: again}
spec:
  tasks: [{id: a, taskRef: look, input: {at: a}, retry: {maxAttempts: 2, initialDelay: 100ms, jitter: false}}]
  output: "{{tasks.a.output.call}}"
"""


class JumpingClock(SteadyClock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = 0.0

    def __call__(self) -> float:
        return super().__call__() + self.moved


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    """The clock of the executors that are started while it is used."""
    clock = JumpingClock()
    monkeypatch.setattr(process, "SteadyClock", lambda: clock)
    return clock


@pytest.mark.parametrize("seconds", [YEAR, -HOUR, -YEAR])
async def test_what_begins_after_a_jump_finds_its_day_and_is_listed(
    executors: Executors, clock: JumpingClock, seconds: float
) -> None:
    one = await executors.start("one")
    before = await one.execute("chain")
    clock.moved = seconds
    after = await one.execute("chain")
    assert (before.status_code, after.status_code) == (200, 200)
    execution = after.headers["Execution-Id"]
    today = datetime.fromtimestamp(clock(), UTC).date()
    assert abs((day_of(execution) - today).days) <= 1
    part = await executors.database.fetchval(
        "SELECT tableoid::regclass::text FROM executions WHERE id = $1::uuid", execution
    )
    assert part == f"executions_{day_of(execution):%Y%m%d}"
    page = (await one.ask("GET", "/workflows/chain/executions")).json()["executions"]
    assert {item["id"] for item in page} == {execution, before.headers["Execution-Id"]}
    for view in ("", "/trace", "/events", "/state"):
        assert (await one.ask("GET", f"/executions/{execution}{view}")).status_code == 200


async def test_what_runs_while_the_clock_leaps_ahead_is_over_its_deadline(
    executors: Executors, clock: JumpingClock
) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    waiting = asyncio.create_task(one.execute("brief"))
    await executors.upstream.called("a")
    clock.moved = YEAR
    answer = await waiting
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (504, "deadline")
    row = await executors.row(answer.headers["Execution-Id"])
    assert (row["status"], row["owner"]) == ("failed", None)


async def test_what_runs_while_the_clock_falls_back_goes_on_to_its_end(
    executors: Executors, clock: JumpingClock
) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    waiting = asyncio.create_task(one.execute("chain"))
    await executors.upstream.called("a")
    clock.moved = -HOUR
    executors.upstream.let("a")
    answer = await waiting
    assert (answer.status_code, answer.json()) == (200, [1, 1, 1])
    execution = answer.headers["Execution-Id"]
    detail = (await one.ask("GET", f"/executions/{execution}")).json()
    assert detail["status"] == "completed"
    for view in ("trace", "events", "state"):
        assert (await one.ask("GET", f"/executions/{execution}/{view}")).status_code == 200
    usage = await executors.database.fetchval("SELECT event FROM usage_outbox")
    assert '"execution_seconds":0' in usage.replace("executionSeconds", "execution_seconds")


@pytest.mark.parametrize("seconds", [YEAR, -HOUR])
async def test_leases_keep_the_database_s_time_whatever_an_executor_thinks(
    executors: Executors, clock: JumpingClock, seconds: float
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    clock.moved = seconds
    await lease_of(one).renew()
    assert await lease_of(other).look_around() == 0
    left = await executors.database.fetchval("SELECT min(lease_expires_at) - now() FROM executors")
    assert 0 < left.total_seconds() <= 3600
    await executors.kill(one)
    assert await lease_of(other).look_around() == 1
    executors.upstream.let("a")
    assert await executors.output(other, execution) == [2, 1, 1]


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_what_waits_for_a_moment_waits_no_longer_at_an_executor_with_another_clock(
    executors: Executors, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    stands_still = clock()
    bundle = executors.bundle(documents=DOCUMENTS.format(url=executors.upstream.url) + AGAIN)
    monkeypatch.setattr(process, "SteadyClock", lambda: lambda: stands_still)
    one = await executors.start("one", bundle)
    monkeypatch.setattr(process, "SteadyClock", lambda: clock)
    other = await executors.start("other", bundle)
    clock.moved = seconds
    executors.upstream.fail("a", "503 Service Unavailable")
    answer = await one.execute("again", headers={"Prefer": "respond-async"})
    execution = answer.headers["Execution-Id"]

    async def told() -> bool:
        return "TaskRetried" in await executors.events(execution)

    await eventually(told)
    await executors.kill(one)
    executors.upstream.mend("a")
    assert await lease_of(other).look_around() == 1
    assert await executors.output(other, execution) == 2


@pytest.mark.parametrize("seconds", [YEAR, -HOUR])
async def test_what_was_paused_before_a_jump_is_resumed_after_it(
    executors: Executors, clock: JumpingClock, seconds: float
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="a")
    await one.ask("POST", f"/executions/{execution}/pause")
    executors.upstream.let("a")
    await executors.status(execution, "paused")
    await executors.stop(one)
    clock.moved = seconds
    answer = await other.ask("POST", f"/executions/{execution}/resume")
    assert answer.status_code in {200, 202}
    assert await executors.output(other, execution) == [1, 1, 1]


async def test_a_key_is_kept_for_a_day_of_the_database_s_time(
    executors: Executors, clock: JumpingClock
) -> None:
    one = await executors.start("one")
    headers = {"Idempotency-Key": "k"}
    first = await one.execute("pick", {"n": 1}, headers=headers)
    clock.moved = YEAR
    again = await one.execute("pick", {"n": 1}, headers=headers)
    assert again.headers["Execution-Id"] == first.headers["Execution-Id"]


async def test_who_waits_while_the_clock_falls_back_is_answered_all_the_same(
    executors: Executors, clock: JumpingClock
) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    waiting = asyncio.create_task(one.execute("chain", headers={"Prefer": "wait=1"}))
    await executors.upstream.called("a")
    clock.moved = -HOUR
    assert (await waiting).status_code == 202
    executors.upstream.let("a")
