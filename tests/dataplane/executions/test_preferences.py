"""`Prefer`: how long a caller waits, and where it is told to look for the rest; callbacks from end to end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.callbacks import receiving
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import httpx

    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors


async def prefer(plane: DataPlane, preference: str, workflow: str = "chain") -> httpx.Response:
    return await plane.execute(workflow, headers={"Prefer": preference})


async def look(plane: DataPlane, answer: httpx.Response) -> httpx.Response:
    """What is at an answer's `Location`."""
    headers = {"Authorization": answer.request.headers["Authorization"]}
    return await plane.client.get(answer.headers["Location"], headers=headers)


@pytest.mark.parametrize(
    ("preference", "applied"),
    [
        ("respond-async", "respond-async"),
        ("Respond-Async", "respond-async"),
        ("wait=0", "wait=0"),
        ('wait="0"', "wait=0"),
        ("respond-async, wait=0", "wait=0"),
        ("wait=0, respond-async", "wait=0"),
        ("handling=lenient; foo=bar, respond-async", "respond-async"),
        ("respond-async, respond-async", "respond-async"),
        ("respond-async; q=1", "respond-async"),
    ],
)
async def test_who_does_not_wait_is_told_where_to_look(
    executors: Executors, preference: str, applied: str
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    executors.upstream.hold("a")
    answer = await prefer(one, preference)
    execution = answer.headers["Execution-Id"]
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, applied)
    assert (answer.json()["id"], answer.json()["status"]) == (execution, "running")
    assert (await executors.row(execution))["status"] == "running"  # it is durable before it is promised
    assert (await look(other, answer)).json()["status"] == "running"
    executors.upstream.let("a")
    assert await executors.output(one, execution) == [1, 1, 1]
    assert (await look(other, answer)).json()["output"] == [1, 1, 1]


@pytest.mark.parametrize("preference", ["wait=30", "respond-async, wait=30", "wait=30, wait=0", "wait = 30"])
async def test_who_waits_long_enough_is_answered(executors: Executors, preference: str) -> None:
    one = await executors.start("one")
    answer = await prefer(one, preference)
    assert (answer.status_code, answer.json()) == (200, [1, 1, 1])
    assert answer.headers["Preference-Applied"] == "wait=30"
    executors.upstream.fail("a")
    assert (await prefer(one, preference)).status_code == 502


async def test_who_waits_too_short_is_told_where_to_look(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    answer = await prefer(one, "wait=1")
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")
    executors.upstream.let("a")
    assert await executors.output(one, answer.headers["Execution-Id"]) == [1, 1, 1]


UNREADABLE = (
    *("", " ", ",", ";", "=", "wait", "wait=", "wait=-1", "wait=1.5", "wait=ten", "wait=9999999"),
    *("waits=0", "respond_async", "\x01", "=respond-async", "wait=\N{ARABIC-INDIC DIGIT ZERO}"),
    "x" * 10_000,
)


async def test_what_cannot_be_read_is_not_heeded(executors: Executors) -> None:
    one = await executors.start("one")
    for preference in UNREADABLE:
        answer = await one.execute("pick", {"n": 1}, headers={"Prefer": preference.encode()})
        assert (answer.status_code, answer.json()["n"]) == (200, 1), preference
        assert "Preference-Applied" not in answer.headers


async def test_who_calls_what_is_not_journaled_waits_whatever_it_prefers(executors: Executors) -> None:
    one = await executors.start("one")
    for preference in ("respond-async", "wait=0"):
        answer = await prefer(one, preference, "fleeting")
        assert answer.status_code == 200
        assert "Preference-Applied" not in answer.headers


async def test_at_the_deadline_who_waits_for_what_is_paused_is_told_where_to_look(
    executors: Executors,
) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    waiting = asyncio.create_task(one.execute("brief"))
    await executors.upstream.called("a")
    (execution,) = one.services.executor.ids
    paused = await one.ask("POST", f"/executions/{execution}/pause")
    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    answer = await waiting
    assert (answer.status_code, answer.json()["status"]) == (202, "paused")
    assert "Preference-Applied" not in answer.headers
    executors.upstream.let("a")
    await eventually(lambda: not one.services.executor.ids)
    resumed = await one.ask("POST", f"/executions/{execution}/resume")
    assert resumed.status_code in {200, 202}
    assert await executors.output(one, execution) == 1


async def test_a_pause_that_comes_into_effect_answers_who_waits(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    waiting = asyncio.create_task(one.execute("chain"))
    await executors.upstream.called("a")
    (execution,) = one.services.executor.ids
    await one.ask("POST", f"/executions/{execution}/pause")
    executors.upstream.let("a")
    answer = await waiting
    assert (answer.status_code, answer.json()["status"]) == (202, "paused")
    assert (await look(one, answer)).json()["status"] == "paused"


async def test_what_is_promised_to_be_looked_up_is_there_or_nothing_is_promised(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await executors.start("one")
    store = one.services.journal._store

    async def refuse(_rows: object) -> set[str]:
        raise ConnectionRefusedError

    monkeypatch.setattr(store, "commit", refuse)
    executors.upstream.hold("a")
    answer = await prefer(one, "respond-async")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["type"].endswith("/journal-unavailable")
    assert answer.json()["executionId"] == one.services.executor.ids[0]
    monkeypatch.undo()
    executors.upstream.let("a")
    await eventually(lambda: not one.services.executor.ids)


async def test_the_end_of_what_another_executor_finished_is_told_to_the_callback(
    executors: Executors,
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    async with receiving() as receiver:
        executors.upstream.hold("c")
        answer = await one.execute("chain", headers={"Prefer": "respond-async", "Callback-Url": receiver.url})
        execution = answer.headers["Execution-Id"]
        await executors.upstream.called("c")
        await executors.stop(one)
        await other.services.control._lease.look_around()
        executors.upstream.let("c")
        async with asyncio.timeout(30):
            await receiver.arrived.acquire()
        assert receiver.ids == [f"{execution}_1"]
        assert '"output":[1,1,2]' in receiver.received[0].body

        async def delivered() -> bool:
            shown = await other.ask("GET", f"/executions/{execution}/callback")
            return bool(shown.json()["status"] == "delivered")

        await eventually(delivered)


ADDRESSES = (
    *("", "ftp://example.com/", "example.com", "http://", "https://user:password@example.com/"),
    "x" * 10_240,
)


async def test_an_address_that_nothing_can_be_sent_to_is_refused(executors: Executors) -> None:
    one = await executors.start("one")
    for url in ADDRESSES:
        answer = await one.execute("chain", headers={"Callback-Url": url})
        assert (answer.status_code, answer.json()["title"]) == (400, "Invalid callback"), url
        assert "password" not in answer.text
    assert executors.upstream.asked == {}


async def test_one_address_is_told_and_nobody_of_what_is_not_journaled(executors: Executors) -> None:
    one = await executors.start("one")
    token = (await one.execute("pick", {"n": 1})).request.headers["Authorization"]
    twice = [("Authorization", token), *[("Callback-Url", "https://example.com/")] * 2]
    path = "/tenants/acme/api/v1/workflows/chain/execute"
    assert (await one.client.post(path, json={}, headers=twice)).status_code == 400
    refused = await one.execute("fleeting", headers={"Callback-Url": "https://example.com/"})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (400, "invalid-callback")


async def test_a_caller_that_hangs_up_ends_nothing(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    waiting = asyncio.create_task(one.execute("chain"))
    await executors.upstream.called("a")
    (execution,) = one.services.executor.ids
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    executors.upstream.let("a")
    await eventually(lambda: not one.services.executor.ids)
    assert await executors.output(one, execution) == [1, 1, 1]
