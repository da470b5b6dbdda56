"""Retry and fork with other inputs, and the state at any instant: what is asked for, and what is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenantry.dataplane.engine.core.events import AnyEvent, decode_events
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.snapshot import snapshot
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.gateway.lifecycle import MAX_INPUTS
from tenantry.tenants.identity import TenantId
from tests.support.executors import lease_of

if TYPE_CHECKING:
    import httpx

    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors

NOBODY = "019ca945-0a00-7316-9d6e-83367b976cd1"


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["type"].rpartition("/")[2]


async def failed(executors: Executors, plane: DataPlane, path: str = "b") -> str:
    """A `chain` that failed at one path, which would succeed now."""
    executors.upstream.fail(path)
    answer = await plane.execute("chain")
    executors.upstream.mend(path)
    return answer.headers["Execution-Id"]


async def fork(plane: DataPlane, execution_id: str, **body: Any) -> httpx.Response:
    return await plane.ask("POST", f"/executions/{execution_id}/fork", json=body)


BAD_BODIES = [
    (b"{", "invalid-json"),
    (b"\xff", "invalid-json"),
    (b'{"inputs": NaN}', "invalid-json"),
    (b"[]", "invalid-body"),
    (b"null", "invalid-body"),
    (b'"a"', "invalid-body"),
    (b'{"inputs": []}', "invalid-body"),
    (b'{"inputs": null}', "invalid-body"),
    (b'{"inputs": {}, "unheardOf": 1}', "invalid-body"),
]


async def test_a_body_that_is_not_what_is_asked_for_is_refused_and_changes_nothing(
    executors: Executors,
) -> None:
    one = await executors.start("one")
    execution = await failed(executors, one)
    before = await executors.row(execution)
    for_a_fork = [
        (b"", "invalid-body"),
        (b'{"inputs": {}}', "invalid-body"),
        (b'{"task": 1}', "invalid-body"),
    ]
    for kind, bodies in (("retry", BAD_BODIES), ("fork", [*BAD_BODIES, *for_a_fork])):
        for body, code in bodies:
            answer = await one.ask("POST", f"/executions/{execution}/{kind}", content=body)
            assert problem(answer) == (400, code), (kind, body)
        typed = await one.ask(
            "POST", f"/executions/{execution}/{kind}", content=b"{}", headers={"Content-Type": "text/plain"}
        )
        assert problem(typed) == (415, "unsupported-media-type")
        long = await one.ask("POST", f"/executions/{execution}/{kind}", content=b" " * (1024 * 1024 + 1))
        assert problem(long) == (413, "body-too-large")
    assert await executors.row(execution) == before
    assert await executors.database.fetchval("SELECT count(*) FROM executions") == 1


@pytest.mark.parametrize("task", ["z", "", "a/b", "a[0]", "a~compensate", "a\0", "b" * 10_000, "/a", "a/"])
async def test_a_fork_from_a_task_there_is_not_is_refused_by_its_name(
    executors: Executors, task: str
) -> None:
    one = await executors.start("one")
    execution = await failed(executors, one)
    answer = await fork(one, execution, task=task)
    assert problem(answer)[0] == 400
    assert await executors.database.fetchval("SELECT count(*) FROM executions") == 1


async def test_what_there_is_not_is_a_404_whatever_is_asked_of_it(executors: Executors) -> None:
    one = await executors.start("one")
    for execution in (NOBODY, "x", "a%00b"):
        for kind in ("cancel", "pause", "resume", "retry"):
            assert problem(await one.ask("POST", f"/executions/{execution}/{kind}")) == (404, "not-found")
        assert problem(await fork(one, execution, task="a")) == (404, "not-found")
        assert problem(await one.ask("GET", f"/executions/{execution}/state")) == (404, "not-found")


async def test_nobody_is_told_what_is_wrong_with_a_body_without_a_good_key(executors: Executors) -> None:
    one = await executors.start("one")
    for kind in ("retry", "fork"):
        path = f"/tenants/acme/api/v1/executions/{NOBODY}/{kind}"
        assert problem(await one.client.post(path, content=b"{")) == (401, "unauthenticated")
        refused = await one.ask("POST", f"/executions/{NOBODY}/{kind}", content=b"{", role="viewer")
        assert problem(refused) == (403, "forbidden")


async def test_a_retry_gives_tasks_the_inputs_it_names(executors: Executors) -> None:
    one = await executors.start("one")
    execution = await failed(executors, one)
    answer = await one.ask(
        "POST", f"/executions/{execution}/retry", json={"inputs": {"b": {"at": "d", "saw": "edited"}}}
    )
    assert answer.status_code in {200, 202}
    assert await executors.output(one, execution) == [1, 1, 1]
    assert executors.upstream.asked == {"a": 1, "b": 1, "d": 1, "c": 1}
    assert executors.upstream.bodies["d"] == [{"given": {"at": "d", "saw": "edited"}}]


async def test_a_call_that_may_have_taken_effect_is_repeated_by_who_acknowledges_it(
    executors: Executors,
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "chain", held="b")
    await executors.kill(one)
    await lease_of(other).look_around()
    await executors.status(execution, "failed")
    executors.upstream.let("b")
    refused = await other.ask("POST", f"/executions/{execution}/retry")
    assert problem(refused) == (409, "outcome-unknown")
    row = await executors.row(execution)
    assert (row["status"], row["run"], row["owner"]) == ("failed", 1, None)
    assert executors.upstream.asked["b"] == 1
    body = {"acknowledgeUnknownOutcome": True}
    assert (await other.ask("POST", f"/executions/{execution}/retry", json=body)).status_code in (200, 202)
    await executors.status(execution, "completed")
    assert executors.upstream.asked["b"] == 2


async def test_what_depends_on_an_input_given_to_a_retry_is_done_again_and_what_does_not_is_not(
    executors: Executors,
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await failed(executors, one, "c")
    answer = await one.ask("POST", f"/executions/{execution}/retry", json={"inputs": {"a": {"at": "d"}}})
    assert answer.status_code in {200, 202}
    assert await executors.output(one, execution) == [1, 2, 2]
    assert executors.upstream.asked == {"a": 1, "d": 1, "b": 2, "c": 2}
    saw = [body["given"]["saw"] for body in executors.upstream.bodies["b"]]
    assert saw == [{"path": "a", "call": 1}, {"path": "d", "call": 1}]
    state = (await other.ask("GET", f"/executions/{execution}/state")).json()
    assert (state["status"], state["run"]) == ("completed", 2)


async def test_a_retry_with_inputs_is_gone_on_with_by_others_as_it_was_begun(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await failed(executors, one, "c")
    executors.upstream.hold("d")
    await one.ask("POST", f"/executions/{execution}/retry", json={"inputs": {"a": {"at": "d"}}})
    await executors.upstream.called("d")
    await executors.kill(one)
    assert await lease_of(other).look_around() == 1
    executors.upstream.let("d")
    assert await executors.output(other, execution) == [2, 2, 2]
    assert executors.upstream.asked == {"a": 1, "d": 2, "b": 2, "c": 2}


@pytest.mark.parametrize("task", ["z", "", "a/b", "a[0]", "a~fallback", "a~compensate", "/a", "a "])
@pytest.mark.parametrize("kind", ["retry", "fork"])
async def test_an_input_for_a_task_there_is_not_is_refused_by_its_name(
    executors: Executors, kind: str, task: str
) -> None:
    one = await executors.start("one")
    execution = await failed(executors, one)
    before = await executors.row(execution)
    body = {"inputs": {"b": {"at": "b"}, task: 1}, **({"task": "a"} if kind == "fork" else {})}
    answer = await one.ask("POST", f"/executions/{execution}/{kind}", json=body)
    assert problem(answer) == (400, "invalid-body")
    assert repr(task) in answer.json()["detail"]
    assert await executors.row(execution) == before
    assert await executors.database.fetchval("SELECT count(*) FROM executions") == 1


@pytest.mark.parametrize("kind", ["retry", "fork"])
async def test_more_inputs_than_anybody_needs_are_refused(executors: Executors, kind: str) -> None:
    one = await executors.start("one")
    execution = await failed(executors, one)
    inputs = dict.fromkeys(map(str, range(MAX_INPUTS + 1)))
    body = {"inputs": inputs, **({"task": "a"} if kind == "fork" else {})}
    answer = await one.ask("POST", f"/executions/{execution}/{kind}", json=body)
    assert problem(answer) == (400, "invalid-body")
    assert str(MAX_INPUTS) in answer.json()["detail"]


async def test_a_fork_takes_no_input_for_what_it_reuses_and_one_for_everything_else(
    executors: Executors,
) -> None:
    one = await executors.start("one")
    origin = (await one.execute("chain")).headers["Execution-Id"]
    for stale, task in (("a", "b"), ("b", "c")):
        answer = await fork(one, origin, task=task, inputs={"c": {"at": "c"}, stale: {"at": "d"}})
        assert problem(answer) == (400, "invalid-body")
        assert f"the fork reuses {stale!r}" in answer.json()["detail"]
    assert await executors.database.fetchval("SELECT count(*) FROM executions") == 1
    new = (await fork(one, origin, task="b", inputs={"c": {"at": "d"}})).headers["Execution-Id"]
    assert await executors.output(one, new) == [1, 2, 1]
    assert executors.upstream.asked == {"a": 1, "b": 2, "c": 1, "d": 1}


async def test_a_fork_reuses_what_comes_before_its_task_and_does_the_rest_anew(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    done = await one.execute("chain")
    origin = done.headers["Execution-Id"]
    answer = await fork(other, origin, task="c")
    new = answer.headers["Execution-Id"]
    assert (answer.status_code, new != origin) == (202, True)
    assert answer.headers["Location"] == f"/tenants/acme/api/v1/executions/{new}"
    assert await executors.output(one, new) == [1, 1, 2]
    assert await executors.output(one, origin) == [1, 1, 1]
    assert executors.upstream.asked == {"a": 1, "b": 1, "c": 2}
    events = (await one.ask("GET", f"/executions/{new}/events")).json()["events"]
    assert events[0]["data"]["origin"] == {"executionId": origin, "task": "c"}


async def test_a_fork_takes_other_inputs_of_the_workflow_and_of_its_tasks(executors: Executors) -> None:
    one = await executors.start("one")
    origin = (await one.execute("pick", {"n": 1})).headers["Execution-Id"]
    new = (await fork(one, origin, task="a", input={"n": 2})).headers["Execution-Id"]
    assert await executors.output(one, new) == {"n": 2, "call": 2}
    new = (await fork(one, origin, task="a", inputs={"a": {"at": "d"}})).headers["Execution-Id"]
    assert await executors.output(one, new) == {"n": 1, "call": 1}
    assert executors.upstream.asked == {"a": 2, "d": 1}


async def test_a_fork_s_input_is_judged_like_any_other(executors: Executors) -> None:
    one = await executors.start("one")
    origin = (await one.execute("pick", {"n": 1})).headers["Execution-Id"]
    for value in ({"n": "two"}, {}, None, [1]):
        answer = await fork(one, origin, task="a", input=value)
        assert problem(answer) == (422, "invalid-input")
        assert answer.json()["violations"]
    assert await executors.database.fetchval("SELECT count(*) FROM executions") == 1


async def test_what_still_runs_can_be_forked_and_what_is_paused_as_well(executors: Executors) -> None:
    one = await executors.start("one")
    origin = await executors.begin(one, "chain", held="c")
    new = (await fork(one, origin, task="c")).headers["Execution-Id"]
    await executors.upstream.called("c", 2)
    await one.ask("POST", f"/executions/{origin}/pause")
    third = (await fork(one, origin, task="c")).headers["Execution-Id"]
    executors.upstream.let("c")
    for execution in (new, third):
        assert (await executors.output(one, execution))[:2] == [1, 1]
    assert executors.upstream.asked["b"] == 1


async def test_a_fork_goes_on_with_the_plan_of_its_origin_wherever_it_is_taken_over(
    executors: Executors,
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    origin = (await one.execute("chain")).headers["Execution-Id"]
    executors.upstream.hold("c")
    for plane in (one, other):
        await plane.services.registry.install(executors.bundle("acme", 2, documents=""))
    new = (await fork(one, origin, task="c")).headers["Execution-Id"]
    await executors.upstream.called("c", 2)
    await one.services.journal.settled(TenantId("acme"), new)
    await executors.kill(one)
    assert await lease_of(other).look_around() == 1
    executors.upstream.let("c")
    assert await executors.output(other, new) == [1, 1, 3]


def shown(plan: Any, execution: str, events: list[AnyEvent]) -> Any:
    """What the events fold to, as it is shown."""
    state = ExecutionState(plan, execution, "acme")
    for event in events:
        evolve(state, event)
    return msgspec.json.decode(msgspec.json.encode(snapshot(state)))


async def test_the_state_at_any_instant_is_what_was_known_then(executors: Executors) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    execution = await failed(executors, one, "c")
    await one.ask("POST", f"/executions/{execution}/retry")
    await executors.output(one, execution)
    rows = await executors.database.fetch(
        "SELECT events FROM journal WHERE execution_id = $1::uuid ORDER BY first_sequence", execution
    )
    events = [event for row in rows for event in decode_events(row["events"])]
    tenant = one.services.registry.tenant(TenantId("acme"))
    assert tenant is not None
    plan = tenant.plan("chain")
    listed = (await other.ask("GET", f"/executions/{execution}/events")).json()["events"]
    told = [event["timestamp"] for event in listed]
    for at in told:
        # By the instant at which an event is told to have happened, it has.
        known = [event for event, timestamp in zip(events, told, strict=True) if timestamp <= at]
        found = await other.ask("GET", f"/executions/{execution}/state", params={"at": at})
        assert (found.status_code, found.json()) == (200, shown(plan, execution, known))
    latest = await other.ask("GET", f"/executions/{execution}/state")
    assert latest.json() == shown(plan, execution, events)
    assert (latest.json()["status"], latest.json()["run"]) == ("completed", 2)
    assert executors.upstream.asked == {"a": 1, "b": 1, "c": 2}


async def test_before_the_beginning_nothing_was_known_and_after_the_end_everything(
    executors: Executors,
) -> None:
    one = await executors.start("one")
    execution = (await one.execute("chain")).headers["Execution-Id"]
    path = f"/executions/{execution}/state"
    early = await one.ask("GET", path, params={"at": "2001-01-01T00:00:00Z"})
    assert (early.status_code, early.json()["status"], early.json()["tasks"]) == (200, "submitted", [])
    late = await one.ask("GET", path, params={"at": "9999-12-31T23:59:59Z"})
    assert late.json() == (await one.ask("GET", path)).json()


UNREADABLE = (
    *("", "yesterday", "2026-01-31T12:00:00", "0001-01-01T00:00:00+14:00", "1e9"),
    "99999-01-01T00:00:00Z",
)


async def test_an_instant_that_cannot_be_read_is_refused(executors: Executors) -> None:
    one = await executors.start("one")
    execution = (await one.execute("chain")).headers["Execution-Id"]
    for at in UNREADABLE:
        answer = await one.ask("GET", f"/executions/{execution}/state", params={"at": at})
        assert problem(answer) == (400, "invalid-parameter"), at
        assert answer.json()["detail"].startswith("at: ")


async def test_many_that_are_forked_at_once_are_as_many_executions(executors: Executors) -> None:
    one = await executors.start("one")
    origin = (await one.execute("chain")).headers["Execution-Id"]
    answers = await asyncio.gather(*(fork(one, origin, task="c") for _ in range(5)))
    ids = {answer.headers["Execution-Id"] for answer in answers}
    assert len(ids) == 5
    for execution in ids:
        assert (await executors.output(one, execution))[:2] == [1, 1]
