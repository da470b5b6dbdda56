"""Callbacks over the REST API: their secret, where they stand, one sent again by hand."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

from tenantry.dataplane.callbacks.signing import CallbackSecrets, show_secret
from tenantry.tenants.identity import TenantId
from tests.support.callbacks import Receiver, callback_row, owe, receiving
from tests.support.dataplane import run_data_plane, served_bundle
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import asyncpg

    from tests.support.dataplane import DataPlane

NOBODY = "019ca945-0a00-7316-9d6e-83367b976cd1"
ELSEWHERE = "https://example.com/hook"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def pool_of(plane: DataPlane) -> asyncpg.Pool[asyncpg.Record]:
    return plane.services.deliveries._pool


async def owe_at(plane: DataPlane, url: str = ELSEWHERE, **told: Any) -> str:
    return await owe(pool_of(plane), url, **told)


async def read(plane: DataPlane, path: str, role: str = "viewer") -> Any:
    response = await plane.ask("GET", path, role=role)
    assert response.status_code == 200, response.text
    return response.json()


async def test_the_secret_is_shown_as_receivers_configure_it_and_who_saw_it_is_logged(
    plane: DataPlane, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "tenantry.dataplane.gateway.callbacks"):
        response = await plane.ask("GET", "/callbacks/secret", role="tenant-admin")
    (secret,) = CallbackSecrets([b"m" * 32]).of(TenantId("acme"))
    assert (response.status_code, response.json()) == (200, {"secrets": [show_secret(secret)]})
    assert response.headers["Cache-Control"] == "no-store"
    assert caplog.messages == ["callback secret of tenant acme shown to key acme-tenant-admin"]


async def test_during_a_rotation_both_secrets_are_shown_the_newest_first(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    masters = (b"n" * 32, b"m" * 32)
    async with run_data_plane(make_database(), tmp_path, served_bundle(), callback_secrets=masters) as plane:
        shown = await read(plane, "/callbacks/secret", "tenant-admin")
    assert shown["secrets"] == [show_secret(one) for one in CallbackSecrets(masters).of(TenantId("acme"))]


async def test_without_a_master_there_is_no_secret_and_nothing_is_sent(
    make_database: Callable[[], str], tmp_path: Path, documents: str, receiver: Receiver
) -> None:
    bundle = served_bundle(documents=documents)
    async with run_data_plane(make_database(), tmp_path, bundle, callback_secrets=()) as plane:
        refused = await plane.ask("GET", "/callbacks/secret", role="tenant-admin")
        assert refused.status_code == 403
        assert refused.json()["type"].endswith("/callbacks-unavailable")
        assert "TENANTRY_CALLBACK_SECRETS" in refused.json()["detail"]
        for path in ("welcome/execute", "nowhere/execute"):
            answer = await plane.ask(
                "POST", f"/workflows/{path}", json={}, headers={"Callback-Url": receiver.url}
            )
            assert answer.status_code == (403 if path.startswith("welcome") else 404)
        execution_id = await owe_at(plane, receiver.url, status="failed")
        retried = await plane.ask("POST", f"/executions/{execution_id}/callback/retry")
        assert (retried.status_code, retried.json()["status"]) == (202, "pending")
    assert receiver.received == []


async def test_what_is_owed_is_sent_by_the_data_plane_itself(plane: DataPlane, receiver: Receiver) -> None:
    execution_id = await owe_at(plane, receiver.url)
    async with asyncio.timeout(30):
        await receiver.arrived.acquire()

    async def delivered() -> bool:
        shown = await read(plane, f"/executions/{execution_id}/callback")
        return bool(shown["status"] == "delivered")

    await eventually(delivered)
    shown = await read(plane, f"/executions/{execution_id}/callback")
    times = [datetime.fromisoformat(shown.pop(name)) for name in ("createdAt", "endedAt")]
    assert times == sorted(times)
    assert shown == {
        "executionId": execution_id,
        "run": 1,
        "url": receiver.url,
        "status": "delivered",
        "attempts": 1,
        "nextAt": None,
        "answered": 204,
        "error": None,
    }


async def tell(plane: DataPlane, receiver: Receiver, workflow: str, value: Any, **headers: str) -> str:
    """Executes with a callback and waits for it; gives the execution's id."""
    asked = {"Callback-Url": receiver.url, **headers}
    answer = await plane.execute(workflow, value, headers=asked)
    async with asyncio.timeout(30):
        await receiver.arrived.acquire()
    return answer.headers["Execution-Id"]


async def test_the_end_of_an_execution_is_told_where_its_caller_said(
    plane: DataPlane, receiver: Receiver
) -> None:
    execution_id = await tell(plane, receiver, "welcome", {"userId": 1})
    (received,) = receiver.received
    shown = await read(plane, "/callbacks/secret", "tenant-admin")
    message = Webhook(shown["secrets"][0]).verify(received.body, received.headers)
    execution = await read(plane, f"/executions/{execution_id}")
    assert received.id == f"{execution_id}_1"
    assert message["type"] == "execution.completed"
    assert datetime.fromisoformat(message["timestamp"]) == datetime.fromisoformat(execution["endedAt"])
    assert message["data"] == {
        "executionId": execution_id,
        "tenant": "acme",
        "workflow": "welcome",
        "version": 1,
        "run": 1,
        "status": "completed",
        "output": execution["output"],
    }


async def test_a_caller_that_does_not_wait_is_told(plane: DataPlane, receiver: Receiver) -> None:
    execution_id = await tell(plane, receiver, "welcome", {"userId": 1}, Prefer="respond-async")
    assert receiver.ids == [f"{execution_id}_1"]


async def test_an_execution_that_fails_and_is_retried_tells_both_ends(
    plane: DataPlane, receiver: Receiver
) -> None:
    value = {"fail": 503, "times": 1, "key": "callbacks"}
    execution_id = await tell(plane, receiver, "unlucky", value)
    retried = await plane.ask("POST", f"/executions/{execution_id}/retry")
    assert retried.is_success, retried.text
    async with asyncio.timeout(30):
        await receiver.arrived.acquire()
    failed, completed = (json.loads(received.body) for received in receiver.received)
    assert receiver.ids == [f"{execution_id}_1", f"{execution_id}_2"]
    assert (failed["type"], failed["data"]["run"]) == ("execution.failed", 1)
    assert failed["data"]["failure"]["code"] == "upstream-status"
    assert (completed["type"], completed["data"]["run"]) == ("execution.completed", 2)


async def test_a_cancelled_execution_tells_so(plane: DataPlane, receiver: Receiver) -> None:
    asked = {"Callback-Url": receiver.url, "Prefer": "respond-async"}
    accepted = await plane.execute("unlucky", {"hang": True}, headers=asked)
    execution_id = accepted.headers["Execution-Id"]
    await plane.ask("POST", f"/executions/{execution_id}/cancel")
    async with asyncio.timeout(30):
        await receiver.arrived.acquire()
    message = json.loads(receiver.received[0].body)
    assert (message["type"], message["data"]["status"]) == ("execution.cancelled", "cancelled")
    assert not {"output", "failure"} & message["data"].keys()


async def test_an_execution_without_the_header_owes_nothing(plane: DataPlane) -> None:
    answer = await plane.execute("welcome", {"userId": 1})
    response = await plane.ask("GET", f"/executions/{answer.headers['Execution-Id']}/callback")
    assert response.status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://example.com/",
        "https://user:pass@example.com/",
        "https://example.com/#x",
        "https://example.com/" + "a" * 10_240,
        "https://ex\xe4mple.com/",
    ],
)
async def test_an_address_nobody_can_be_told_at_is_refused_before_anything_happens(
    plane: DataPlane, address: str
) -> None:
    answer = await plane.execute(
        "welcome", {"userId": 1}, headers={"Callback-Url": address.encode("latin-1")}
    )
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "invalid-callback")
    assert "pass" not in answer.text
    assert "Execution-Id" not in answer.headers


async def test_a_workflow_that_is_not_journaled_tells_nobody(plane: DataPlane, receiver: Receiver) -> None:
    answer = await plane.execute("pure", {"name": "Ada"}, headers={"Callback-Url": receiver.url})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "invalid-callback")


async def test_a_callback_that_waits_tells_until_when_and_why(plane: DataPlane, receiver: Receiver) -> None:
    receiver.status = "500 Internal Server Error"
    execution_id = await owe_at(plane, receiver.url)

    async def tried() -> Any:
        return (await read(plane, f"/executions/{execution_id}/callback"))["answered"]

    await eventually(tried)
    shown = await read(plane, f"/executions/{execution_id}/callback")
    assert (shown["status"], shown["attempts"], shown["answered"]) == ("pending", 1, 500)
    assert shown["error"] == "the receiver answered 500"
    assert shown["nextAt"] > shown["createdAt"]
    assert shown["endedAt"] is None


async def test_an_execution_that_ended_more_than_once_shows_its_latest_callback(plane: DataPlane) -> None:
    execution_id = await owe_at(plane, run=1, status="failed")
    await owe_at(plane, execution_id=execution_id, run=2, status="delivered")
    shown = await read(plane, f"/executions/{execution_id}/callback")
    assert (shown["run"], shown["status"]) == (2, "delivered")
    retried = await plane.ask("POST", f"/executions/{execution_id}/callback/retry")
    assert (retried.status_code, retried.json()["run"]) == (200, 2)
    assert (await callback_row(pool_of(plane), execution_id, run=1))["status"] == "failed"


async def test_a_failed_callback_is_sent_again_by_hand_with_the_whole_schedule_before_it(
    plane: DataPlane, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    execution_id = await owe_at(plane, receiver.url, status="failed")
    await pool_of(plane).execute("UPDATE callbacks SET attempts = 10, error = 'no answer', ended_at = now()")
    with caplog.at_level(logging.INFO, "tenantry.dataplane.gateway.callbacks"):
        response = await plane.ask("POST", f"/executions/{execution_id}/callback/retry")
    assert response.status_code == 202
    assert (response.json()["executionId"], response.json()["status"] != "failed") == (execution_id, True)
    assert caplog.messages == [f"callback of {execution_id} due again, by key acme-caller"]
    async with asyncio.timeout(30):
        await receiver.arrived.acquire()
    assert receiver.ids == [f"{execution_id}_1"]
    assert (await callback_row(pool_of(plane), execution_id))["attempts"] == 1


@pytest.mark.parametrize("status", ["delivered", "pending"])
async def test_a_callback_that_has_not_failed_stays_as_it_is(plane: DataPlane, status: str) -> None:
    execution_id = await owe_at(plane, status=status)
    await pool_of(plane).execute("UPDATE callbacks SET attempts = 3, next_at = now() + interval '1 hour'")
    before = await callback_row(pool_of(plane), execution_id)
    for _ in range(2):
        response = await plane.ask("POST", f"/executions/{execution_id}/callback/retry")
        assert (response.status_code, response.json()["status"]) == (200, status)
    assert await callback_row(pool_of(plane), execution_id) == before


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/retry")])
async def test_there_is_no_callback_of_an_execution_without_one(
    plane: DataPlane, method: str, path: str
) -> None:
    theirs = await owe_at(plane, tenant="globex", status="failed")
    for execution_id in (NOBODY, theirs, "x" * 10_240, "a%00b"):
        response = await plane.ask(method, f"/executions/{execution_id}/callback{path}")
        assert (response.status_code, response.json()["detail"]) == (404, "there is no such callback")
    assert (await callback_row(pool_of(plane), theirs))["status"] == "failed"


async def test_a_list_is_read_page_by_page_newest_first_and_holds_no_other_tenants(plane: DataPlane) -> None:
    await owe_at(plane, tenant="globex", status="delivered")
    owed = sorted([await owe_at(plane, status="delivered") for _ in range(4)], reverse=True)
    await owe_at(plane, execution_id=owed[1], run=2, status="failed")
    expected = [(owed[0], 1), (owed[1], 2), (owed[1], 1), (owed[2], 1), (owed[3], 1)]
    pages = [await read(plane, "/callbacks?limit=2")]
    while pages[-1]["nextCursor"] is not None:
        pages.append(await read(plane, f"/callbacks?limit=2&cursor={pages[-1]['nextCursor']}"))
    assert [(one["executionId"], one["run"]) for page in pages for one in page["callbacks"]] == expected
    everything = await read(plane, "/callbacks?limit=5")
    assert (len(everything["callbacks"]), everything["nextCursor"]) == (5, None)


async def test_a_list_is_filtered_by_status(plane: DataPlane) -> None:
    failed = await owe_at(plane, status="failed")
    await owe_at(plane, status="delivered")
    page = await read(plane, "/callbacks?status=failed")
    assert [one["executionId"] for one in page["callbacks"]] == [failed]
    assert (await read(plane, "/callbacks?status=pending"))["callbacks"] == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("status=done", "status"),
        ("status=", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=", "cursor"),
        (f"cursor={NOBODY}", "cursor"),
        (f"cursor={NOBODY}.x", "cursor"),
        (f"cursor={NOBODY}.%C2%B2", "cursor"),
        (f"cursor={NOBODY}.9999999999", "cursor"),
        (f"cursor={'1' * 10_240}", "cursor"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(plane: DataPlane, query: str, parameter: str) -> None:
    response = await plane.ask("GET", f"/callbacks?{query}")
    assert response.status_code == 400, response.text
    assert response.json()["detail"].startswith(f"{parameter}: ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/callbacks"),
        ("GET", f"/executions/{NOBODY}/callback"),
        ("POST", f"/executions/{NOBODY}/callback/retry"),
    ],
)
async def test_while_the_database_is_away_the_answer_is_a_503(
    plane: DataPlane, method: str, path: str
) -> None:
    await pool_of(plane).close()
    response = await plane.ask(method, path)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.json()["type"].endswith("/journal-unavailable")
