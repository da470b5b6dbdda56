"""What goes wrong on demand, on every route, by query or by header."""

from __future__ import annotations

import asyncio

import httpx
import pytest

CHARGE = {"orderId": 5001, "amountCents": 2500, "currency": "EUR", "card": "tok_visa"}


async def test_a_call_fails_with_the_status_asked_for(client: httpx.AsyncClient) -> None:
    response = await client.get("/users/1", params={"fail": 503, "retryAfter": 7})
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert response.json()["code"] == "fault-on-demand"


async def test_a_status_without_a_name_still_travels(client: httpx.AsyncClient) -> None:
    response = await client.get("/users/1", params={"fail": 599})
    assert (response.status_code, response.json()["title"]) == (599, "Problem")


async def test_a_failed_charge_charges_nothing(client: httpx.AsyncClient) -> None:
    await client.post("/payments", params={"fail": 500}, json=CHARGE)
    assert (await client.get("/payments")).json()["total"] == 0
    assert (await client.get("/journal")).json()["total"] == 0


async def test_only_the_first_calls_of_a_key_are_hit(client: httpx.AsyncClient) -> None:
    flaky = {"fail": 503, "times": 2}
    statuses = [(await client.get("/users/1", params={**flaky, "key": "a"})).status_code for _ in range(3)]
    other = await client.get("/users/1", params={**flaky, "key": "b"})
    assert (statuses, other.status_code) == ([503, 503, 200], 503)


async def test_without_a_key_method_and_path_are_the_key(client: httpx.AsyncClient) -> None:
    flaky = {"fail": 503, "times": 1}
    paths = ["/users/1", "/users/1", "/users/2"]
    assert [(await client.get(path, params=flaky)).status_code for path in paths] == [503, 200, 503]


async def test_headers_ask_for_faults_as_well(client: httpx.AsyncClient) -> None:
    headers = {"X-Fault-Fail": "429", "X-Fault-Retry-After": "1", "X-Fault-Times": "1"}
    first, second = [await client.get("/users/1", headers=headers) for _ in range(2)]
    assert (first.status_code, first.headers["retry-after"], second.status_code) == (429, "1", 200)


async def test_the_work_is_done_under_another_status(client: httpx.AsyncClient) -> None:
    response = await client.post("/payments", params={"status": 418}, json=CHARGE)
    assert (response.status_code, response.json()["status"]) == (418, "captured")


async def test_latency_alone_changes_nothing_else(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    response = await client.get("/users/1", params={"delayMs": 250})
    assert (waited, response.json()["id"]) == ([0.25], 1)


async def test_a_page_comes_in_place_of_json(client: httpx.AsyncClient) -> None:
    response = await client.get("/users/1", params={"body": "html"})
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("body", ["malformed", "empty"])
async def test_what_claims_to_be_json_is_not(client: httpx.AsyncClient, body: str) -> None:
    response = await client.get("/users/1", params={"body": body})
    assert response.headers["content-type"] == "application/json"
    with pytest.raises(ValueError, match=r"Expecting value|Unterminated"):
        response.json()


@pytest.mark.parametrize("size", [2, 3, 65_538, 10_000_000])
async def test_a_body_has_exactly_the_size_asked_for_and_is_json(
    client: httpx.AsyncClient, size: int
) -> None:
    response = await client.get("/users/1", params={"size": size})
    assert (len(response.content), int(response.headers["content-length"])) == (size, size)
    assert response.json() == "x" * (size - 2)


async def test_a_bomb_is_small_on_the_wire_and_100_mb_unpacked(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/users/1", params={"gzipBomb": "true"}) as response:
        unpacked = sum([len(chunk) async for chunk in response.aiter_bytes()])
        assert (response.num_bytes_downloaded < 200_000, unpacked) == (True, 100_000_000)


async def test_a_reset_breaks_the_connection_and_does_nothing(remote: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ReadError):
        await remote.post("/payments", params={"reset": "true"}, json={**CHARGE, "reference": "reset"})
    assert (await remote.get("/payments", params={"reference": "reset"})).json()["total"] == 0


async def test_a_lost_answer_is_lost_after_the_work_was_done(remote: httpx.AsyncClient) -> None:
    body, key = {**CHARGE, "reference": "lost"}, {"Idempotency-Key": "lost"}
    with pytest.raises(httpx.ReadError):
        await remote.post("/payments", params={"lose": "true"}, json=body, headers=key)
    again = await remote.post("/payments", json=body, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await remote.get("/payments", params={"reference": "lost"})).json()["total"] == 1


async def test_a_hanging_call_ends_when_the_caller_gives_up(remote: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await remote.get("/users/1", params={"hang": "true"}, timeout=0.05)
    assert (await remote.get("/users/1")).status_code == 200


async def test_every_bad_fault_is_named(client: httpx.AsyncClient) -> None:
    response = await client.get("/users/1", params={"delayMs": "soon", "fail": 200, "body": "cake"})
    assert (response.status_code, response.json()["code"]) == (400, "invalid-fault")
    pointers = {error["pointer"] for error in response.json()["errors"]}
    assert pointers == {"/delayMs", "/fail", "/body"}


async def test_health_and_journal_are_never_faulty(client: httpx.AsyncClient) -> None:
    responses = [await client.get(path, params={"fail": 500}) for path in ("/healthz", "/journal")]
    assert [response.status_code for response in responses] == [200, 200]
