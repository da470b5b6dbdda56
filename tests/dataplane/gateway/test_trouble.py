"""The gateway while the database is away: journaled work waits outside, what needs none goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from starlette.requests import ClientDisconnect

from tenantry.dataplane.gateway import body
from tenantry.dataplane.journal import writer as writing
from tenantry.dataplane.limits.memory import MemoryLimitStore
from tests.support.eventually import eventually
from tests.support.tenants import token_for

if TYPE_CHECKING:
    from tests.support.dataplane import DataPlane

pytestmark = pytest.mark.asks_once("the database is away here")
NOBODY = "019ca945-0a00-7316-9d6e-83367b976cd1"


@pytest.fixture
async def cut_off(plane: DataPlane, monkeypatch: pytest.MonkeyPatch) -> DataPlane:
    """The data plane after its database went away."""

    async def refuse(*_arguments: Any, **_options: Any) -> None:
        raise ConnectionRefusedError("Connect call failed")

    journal = plane.services.journal
    monkeypatch.setattr(writing, "RECONNECT_SECONDS", 0.01)
    monkeypatch.setattr(asyncpg, "connect", refuse)
    await plane.services.history._pool.close()
    store: Any = journal._store
    store._connection.terminate()
    return plane


async def test_an_execution_whose_end_cannot_be_made_durable_is_a_503_that_names_it(
    cut_off: DataPlane,
) -> None:
    response = await cut_off.execute("welcome", {"userId": 1})
    assert response.status_code == 503
    problem = response.json()
    assert problem["type"].endswith("/journal-unavailable")
    assert (problem["source"], len(problem["executionId"])) == ("platform", 36)
    assert response.headers["Retry-After"] == "1"


async def test_new_journaled_work_is_refused_and_other_work_goes_on(cut_off: DataPlane) -> None:
    await cut_off.execute("welcome", {"userId": 1})
    refused = await cut_off.execute("welcome", {"userId": 1})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert "executionId" not in refused.json()
    pure = await cut_off.execute("pure", {"name": "Ada"})
    assert (pure.status_code, pure.json()) == (200, {"greeting": "Hello Ada"})


async def test_an_unsafe_call_is_not_made(cut_off: DataPlane) -> None:
    response = await cut_off.execute("buy", {"orderId": 5001})
    assert (response.status_code, response.json()["source"]) == (503, "platform")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/workflows/welcome/executions"),
        ("GET", f"/executions/{NOBODY}"),
        ("GET", f"/executions/{NOBODY}/trace"),
        ("GET", f"/executions/{NOBODY}/events"),
        ("POST", f"/executions/{NOBODY}/cancel"),
        ("POST", "/workflows/unlucky/test"),
    ],
)
async def test_what_is_read_from_the_journal_is_a_503(cut_off: DataPlane, method: str, path: str) -> None:
    response = await cut_off.ask(method, path)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.json()["detail"] == "the journal's database is not reachable"


async def test_what_runs_is_cancelled_all_the_same_and_nobody_is_told_that_it_is_for_good(
    cut_off: DataPlane,
) -> None:
    waiting = asyncio.create_task(cut_off.execute("unlucky", {"hang": True}))
    running = cut_off.services.executor._runs
    await eventually(lambda: running)
    ((tenant, execution_id),) = running
    foreign = await cut_off.ask("POST", f"/executions/{execution_id}/cancel", tenant="globex")
    assert foreign.status_code == 503
    answer = await cut_off.ask("POST", f"/executions/{execution_id}/cancel", tenant=tenant)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    problem = answer.json()
    assert (problem["type"].rpartition("/")[2], problem["executionId"]) == (
        "journal-unavailable",
        execution_id,
    )
    assert (await waiting).status_code == 503
    assert not running


async def test_definitions_need_no_database(cut_off: DataPlane) -> None:
    assert (await cut_off.ask("GET", "/workflows")).status_code == 200


async def test_readiness_says_what_is_wrong_and_liveness_does_not_care(cut_off: DataPlane) -> None:
    assert (await cut_off.client.get("/readyz")).status_code == 200
    await cut_off.execute("welcome", {"userId": 1})
    response = await cut_off.client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"] == {"journal": False, "durable": True, "accepting": True}
    assert (await cut_off.client.get("/healthz")).json() == {"status": "ok"}


async def test_readiness_tells_how_many_tenants_are_served(plane: DataPlane) -> None:
    response = await plane.client.get("/readyz")
    assert response.json()["bundles"] == {"tenants": 2, "rejected": 0, "synchronised": False}
    await plane.services.executor.drain(1)
    response = await plane.client.get("/readyz")
    assert (response.status_code, response.json()["checks"]["accepting"]) == (503, False)


async def test_the_front_page_says_where_the_api_is(plane: DataPlane) -> None:
    assert "/execute" in (await plane.client.get("/")).json()["execute"]


async def test_a_caller_that_hangs_up_in_its_body_leaves_no_lease_and_no_stack_trace(
    plane: DataPlane, caplog: pytest.LogCaptureFixture
) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/tenants/acme/api/v1/workflows/welcome/execute",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token_for('acme', 'caller')}".encode())],
    }
    await plane.app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert ClientDisconnect.__name__ not in caplog.text
    assert_holds_nothing(plane)


async def test_a_caller_that_sends_slowly_occupies_nothing_and_is_told_to_hurry(
    plane: DataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def receive() -> dict[str, Any]:
        assert_holds_nothing(plane)
        await asyncio.Event().wait()
        return {}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    monkeypatch.setattr(body, "BODY_SECONDS", 0.01)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/tenants/acme/api/v1/workflows/welcome/execute",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token_for('acme', 'caller')}".encode())],
    }
    await plane.app(scope, receive, send)
    assert sent[0]["status"] == 408
    assert b"request-timeout" in sent[1]["body"]
    assert_holds_nothing(plane)


def assert_holds_nothing(plane: DataPlane) -> None:
    limits = plane.services.executor._limits
    assert isinstance(limits, MemoryLimitStore)
    assert all(ledger.leases == {} for ledger in limits._ledgers.values())
