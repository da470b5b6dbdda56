"""Idempotency keys: of requests with the same key one runs, in one process and over several."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal.keys import StoredKeys
from tenantry.tenants.identity import TenantId
from tests.support.eventually import eventually

if TYPE_CHECKING:
    import httpx

    from tenantry.dataplane.journal.rows import Row
    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors

KEPT = ("Execution-Id", "content-type")
"""Headers that a replayed answer has in common with the first."""


async def ask(
    plane: DataPlane, value: Any = None, *, key: str = "k", workflow: str = "pick", **options: Any
) -> httpx.Response:
    headers = {"Idempotency-Key": key, **options.pop("headers", {})}
    return await plane.execute(workflow, {"n": 1} if value is None else value, headers=headers, **options)


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["type"].rpartition("/")[2]


async def executions(executors: Executors) -> int:
    number: int = await executors.database.fetchval("SELECT count(*) FROM executions")
    return number


@pytest.mark.parametrize("through", ["one", "other"])
async def test_the_same_request_gets_the_same_answer_and_runs_once(
    executors: Executors, through: str
) -> None:
    planes = {name: await executors.start(name) for name in ("one", "other")}
    first = await ask(planes["one"])
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (200, False)
    again = await ask(planes[through])
    assert (again.status_code, again.content) == (200, first.content)
    assert [again.headers[name] for name in KEPT] == [first.headers[name] for name in KEPT]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (executors.upstream.asked["a"], await executions(executors)) == (1, 1)


@pytest.mark.parametrize("through", ["one", "other"])
async def test_the_same_request_gets_the_same_failure(executors: Executors, through: str) -> None:
    planes = {name: await executors.start(name) for name in ("one", "other")}
    executors.upstream.fail("a", "503 Busy")
    first = await ask(planes["one"])
    executors.upstream.mend("a")
    again = await ask(planes[through])
    assert problem(first) == (502, "upstream-status")
    assert (again.status_code, again.json()) == (502, first.json())
    assert [again.headers[name] for name in KEPT] == [first.headers[name] for name in KEPT]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert executors.upstream.asked["a"] == 1


async def test_the_same_request_gets_the_answer_of_what_was_retried_since(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.fail("a")
    failed = await ask(one)
    executors.upstream.mend("a")
    execution = failed.headers["Execution-Id"]
    await one.ask("POST", f"/executions/{execution}/retry")
    await executors.status(execution, "completed")
    again = await ask(one)
    assert (again.status_code, again.headers["Execution-Id"]) == (200, execution)
    assert again.json() == {"n": 1, "call": 2}


async def test_requests_at_the_same_time_are_one_execution(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    waiting = [asyncio.create_task(ask(one)) for _ in range(5)]
    await executors.upstream.called("a")
    executors.upstream.let("a")
    answers = [await task for task in waiting]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert len({answer.headers["Execution-Id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 4
    assert (executors.upstream.asked["a"], await executions(executors)) == (1, 1)


@pytest.mark.parametrize("workflow", ["once", "chain"])
async def test_requests_at_the_same_time_to_several_executors_are_one_execution(
    executors: Executors, monkeypatch: pytest.MonkeyPatch, workflow: str
) -> None:
    planes = [await executors.start(name) for name in ("one", "two", "three")]
    together = asyncio.Barrier(3)
    find = StoredKeys.find

    async def find_together(*arguments: Any) -> Any:
        found = await find(*arguments)
        if found is None:
            await together.wait()  # each has seen that nobody has the key
        return found

    monkeypatch.setattr(StoredKeys, "find", find_together)
    answers = await asyncio.gather(*(ask(plane, {}, workflow=workflow) for plane in planes))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert len({answer.headers["Execution-Id"] for answer in answers}) == 1
    assert await executions(executors) == 1
    assert await executors.database.fetchval("SELECT count(*) FROM usage_outbox") == 1
    # What is not safe waits for the commit that takes the key: two of three never came to it.
    assert executors.upstream.asked["b" if workflow == "chain" else "a"] == 1


async def test_who_waits_with_a_request_that_came_too_late_gets_the_answer_of_the_first(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    together, find = asyncio.Barrier(2), StoredKeys.find

    async def find_together(*arguments: Any) -> Any:
        found = await find(*arguments)
        if found is None:
            await together.wait()
        return found

    store = other.services.journal._store
    commit, committed = store.commit, asyncio.Event()

    async def commit_later(rows: list[Row]) -> set[str]:
        await committed.wait()
        return await commit(rows)

    monkeypatch.setattr(StoredKeys, "find", find_together)
    monkeypatch.setattr(store, "commit", commit_later)
    executors.upstream.hold("a")
    first = asyncio.create_task(ask(one))
    late = [asyncio.create_task(ask(other))]
    await executors.upstream.called("a", 2)
    (execution,), (lost,) = one.services.executor.ids, other.services.executor.ids
    await one.services.journal.settled(TenantId("acme"), execution)
    run = other.services.executor.find(TenantId("acme"), lost)
    assert run is not None
    late.append(asyncio.create_task(ask(other)))
    await eventually(lambda: len(run._waiting) == 2)
    committed.set()
    await eventually(lambda: not other.services.executor.ids)
    late.append(asyncio.create_task(ask(other)))  # while the one before it is still being answered
    at_once = await ask(other, headers={"Prefer": "respond-async"})
    assert (at_once.status_code, at_once.headers["Execution-Id"]) == (202, execution)
    executors.upstream.let("a")
    answers = [await task for task in (first, *late)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert {answer.headers["Execution-Id"] for answer in answers} == {execution}
    assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, True, True, True]
    assert await executions(executors) == 1


async def test_requests_at_the_same_time_that_differ_are_told_apart_over_executors(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes = [await executors.start(name) for name in ("one", "other")]
    together = asyncio.Barrier(2)
    find = StoredKeys.find

    async def find_together(*arguments: Any) -> Any:
        found = await find(*arguments)
        if found is None:
            await together.wait()
        return found

    monkeypatch.setattr(StoredKeys, "find", find_together)
    answers = await asyncio.gather(*(ask(plane, {"n": n}) for n, plane in enumerate(planes)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await executions(executors) == 1


@pytest.mark.parametrize("through", ["one", "other"])
async def test_another_request_with_the_same_key_is_a_409_that_names_the_first(
    executors: Executors, through: str
) -> None:
    planes = {name: await executors.start(name) for name in ("one", "other")}
    first = await ask(planes["one"])
    for again in (
        await ask(planes[through], {"n": 2}),
        await ask(planes[through], {"n": 1}, workflow="chain"),
    ):
        assert problem(again) == (409, "idempotency-key-reused")
        assert again.json()["executionId"] == first.headers["Execution-Id"]
    assert await executions(executors) == 1


async def test_another_request_with_the_key_of_one_that_runs_is_a_409_at_once(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    first = asyncio.create_task(ask(one))
    await executors.upstream.called("a")
    assert problem(await ask(one, {"n": 2})) == (409, "idempotency-key-reused")
    executors.upstream.let("a")
    assert (await first).status_code == 200


async def test_how_a_body_is_written_makes_no_other_request_of_it(executors: Executors) -> None:
    one = await executors.start("one")
    headers = {"Idempotency-Key": "k"}
    path = "/workflows/pick/execute"
    first = await one.ask("POST", path, content=b'{"n": 1, "m": [1.0, "\\u00e9"]}', headers=headers)
    again = await one.ask("POST", path, content='{ "m":[1.0,"é"],"n":1}'.encode(), headers=headers)
    assert first.headers["Execution-Id"] == again.headers["Execution-Id"]


async def test_keys_are_each_tenant_s_own(executors: Executors) -> None:
    one = await executors.start("one")
    ours, theirs = await ask(one), await ask(one, {"n": 2}, tenant="globex")
    assert (ours.status_code, theirs.status_code) == (200, 200)
    assert ours.headers["Execution-Id"] != theirs.headers["Execution-Id"]
    assert (await ask(one, {"n": 2}, tenant="globex")).json() == theirs.json()


async def test_a_key_that_has_expired_is_free_again(executors: Executors) -> None:
    one = await executors.start("one")
    first = await ask(one)
    await executors.database.execute("UPDATE idempotency_keys SET expires_at = now()")
    second = await ask(one, {"n": 2})
    assert (second.status_code, "Idempotency-Replayed" in second.headers) == (200, False)
    assert second.headers["Execution-Id"] != first.headers["Execution-Id"]
    assert (await ask(one, {"n": 2})).headers["Execution-Id"] == second.headers["Execution-Id"]


@pytest.mark.parametrize("through", ["one", "other"])
async def test_what_runs_for_longer_than_its_key_is_kept_goes_on_beside_what_has_the_key_since(
    executors: Executors, through: str
) -> None:
    planes = {name: await executors.start(name) for name in ("one", "other")}
    executors.upstream.hold("a")
    older = (await ask(planes["one"], headers={"Prefer": "respond-async"})).headers["Execution-Id"]
    await executors.database.execute(
        "UPDATE idempotency_keys SET expires_at = expires_at - interval '24 hours'"
    )
    second = await ask(planes[through], headers={"Prefer": "respond-async"})
    newer = second.headers["Execution-Id"]
    assert (second.status_code, "Idempotency-Replayed" in second.headers, newer == older) == (
        202,
        False,
        False,
    )
    await executors.upstream.called("a", 2)
    executors.upstream.let("a")
    for execution in (older, newer):
        assert (await executors.output(planes["one"], execution))["n"] == 1
    assert (await ask(planes["one"])).headers["Execution-Id"] == newer
    assert await executions(executors) == 2


BAD_KEYS = ["", " ", '""', "k" * 256, "k" * 10_240, "a\tb", "a\x01b", "a\x7fb", "é", "\N{SNOWMAN}"]


async def test_a_key_that_is_none_is_refused_and_runs_nothing(executors: Executors) -> None:
    one = await executors.start("one")
    for key in BAD_KEYS:
        answer = await one.ask(
            "POST",
            "/workflows/pick/execute",
            json={"n": 1},
            headers={"Idempotency-Key": key.encode()},
        )
        assert problem(answer) == (400, "invalid-idempotency-key"), key[:20]
    token = {"Authorization": (await ask(one, key="x")).request.headers["Authorization"]}
    twice = [*token.items(), ("Idempotency-Key", "k"), ("Idempotency-Key", "k")]
    path = "/tenants/acme/api/v1/workflows/pick/execute"
    answer = await one.client.post(path, json={"n": 1}, headers=twice)
    assert problem(answer) == (400, "invalid-idempotency-key")
    assert await executions(executors) == 1


async def test_a_key_may_be_quoted_and_have_any_visible_character(executors: Executors) -> None:
    one = await executors.start("one")
    ids = {}
    for key in ("k", '"k"', ' "k" ', "k" * 255, 'a "b" \\c', r'"a \"b\" \\c"', '"', "k;p=1"):
        ids[key] = (await ask(one, key=key)).headers["Execution-Id"]
    assert ids["k"] == ids['"k"'] == ids[' "k" ']
    assert ids['a "b" \\c'] == ids[r'"a \"b\" \\c"']
    assert len(set(ids.values())) == 5


async def test_a_request_that_was_refused_leaves_its_key_free(executors: Executors) -> None:
    spec = {"rateLimit": {"requestsPerSecond": 0.01, "burstSize": 2}}
    one = await executors.start("one", executors.bundle(spec=spec))
    assert problem(await ask(one, {"n": "one"})) == (422, "invalid-input")
    assert (await one.execute("pick", {"n": 0})).status_code == 200
    assert problem(await ask(one)) == (429, "rate-limited")
    await one.services.registry.install(executors.bundle(revision=2))
    answer = await ask(one)
    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (200, False)


async def test_of_those_that_wait_for_one_that_is_refused_the_next_has_its_turn(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await executors.start("one", executors.bundle(spec={"quotas": {"maxConcurrentWorkflows": 1}}))
    execution = await executors.begin(one, "once", held="a")
    admit = one.services.executor.admit
    asked, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def admit_slowly(*arguments: Any) -> Any:
        asked.release()
        decided = await admit(*arguments)
        await go_on.wait()
        return decided

    monkeypatch.setattr(one.services.executor, "admit", admit_slowly)
    waiting = [asyncio.create_task(ask(one)) for _ in range(2)]
    await asked.acquire()
    await one.ask("POST", f"/executions/{execution}/cancel")
    await eventually(lambda: not one.services.executor.ids)
    executors.upstream.let("a")
    go_on.set()
    answers = [await task for task in waiting]
    assert sorted(answer.status_code for answer in answers) == [200, 429]
    assert await executions(executors) == 2


async def test_a_caller_that_hangs_up_takes_nothing_from_the_others(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    first = asyncio.create_task(ask(one))
    await executors.upstream.called("a")
    others = [asyncio.create_task(ask(one)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in (first, others[0]):
        task.cancel()
        await asyncio.wait([task])
    executors.upstream.let("a")
    answer = await others[1]
    assert (answer.status_code, answer.json()) == (200, {"n": 1, "call": 1})
    assert await executions(executors) == 1


async def test_a_caller_that_hangs_up_while_it_asks_who_has_the_key_leaves_it_free(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await executors.start("one")
    asked = asyncio.Event()

    async def find_never(*_: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(StoredKeys, "find", find_never)
        first = asyncio.create_task(ask(one))
        await asked.wait()
        second = asyncio.create_task(ask(one))
        await asyncio.sleep(0)
        patch.undo()
        first.cancel()
        await asyncio.wait([first])
        assert (await second).status_code == 200
    assert not one.services.keys._claims


async def test_while_nobody_can_say_who_has_the_key_nothing_runs(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await executors.start("one")

    async def break_off(*_: Any) -> Any:
        raise JournalUnavailableError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(StoredKeys, "find", break_off)
        assert problem(await ask(one)) == (503, "journal-unavailable")
    assert (await executions(executors), executors.upstream.asked["a"]) == (0, 0)
    assert (await ask(one)).status_code == 200


async def test_a_key_is_kept_for_what_is_not_journaled_as_well(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    first = await ask(one, {}, workflow="fleeting")
    again = await ask(other, {}, workflow="fleeting")
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (200, 1)
    assert again.headers["Execution-Id"] == first.headers["Execution-Id"]


async def test_a_request_follows_its_key_to_whoever_runs_it(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    executors.upstream.hold("a")
    first = asyncio.create_task(ask(one))
    await executors.upstream.called("a")
    (execution,) = one.services.executor.ids
    run, _ = one.services.executor._runs[next(iter(one.services.executor._runs))]
    await one.services.journal.durable(run.record)
    again = asyncio.create_task(ask(other))
    at_once = await ask(other, headers={"Prefer": "respond-async"})
    assert (at_once.status_code, at_once.headers["Execution-Id"]) == (202, execution)
    executors.upstream.let("a")
    assert (await again).json() == (await first).json() == {"n": 1, "call": 1}
    assert (await again).headers["Execution-Id"] == execution
