"""What the shop does: once per Idempotency-Key, written down in the journal, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.testapi.bounded import BoundedMap
from tenantry.testapi.effects import MAX_BODY_BYTES

if TYPE_CHECKING:
    import httpx

CHARGE = {"orderId": 5001, "amountCents": 2500, "currency": "EUR", "card": "tok_visa", "reference": "run-1"}


async def journal(client: httpx.AsyncClient, **filters: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await client.get("/journal", params=filters)).json()["entries"]
    return entries


async def test_a_charge_is_captured_and_can_be_read_back(client: httpx.AsyncClient) -> None:
    response = await client.post("/payments", json=CHARGE)
    payment = response.json()
    assert response.status_code == 201
    assert payment == {**CHARGE, "id": "pay_000001", "status": "captured", "refundedCents": 0}
    assert (await client.get("/payments/pay_000001")).json() == payment


async def test_payments_are_filtered_by_order_and_reference(client: httpx.AsyncClient) -> None:
    await client.post("/payments", json=CHARGE)
    await client.post("/payments", json={**CHARGE, "orderId": 5002, "reference": "run-2"})
    by_order = (await client.get("/payments", params={"orderId": 5002})).json()
    by_reference = (await client.get("/payments", params={"reference": "run-1"})).json()
    assert [payment["reference"] for payment in by_order["payments"]] == ["run-2"]
    assert [payment["orderId"] for payment in by_reference["payments"]] == [5001]


async def test_the_same_key_and_body_charge_once(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    first = await client.post("/payments", json=CHARGE, headers=key)
    second = await client.post("/payments", json=CHARGE, headers=key)
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    assert (await client.get("/payments")).json()["total"] == 1
    assert [entry["effect"] for entry in await journal(client, idempotencyKey="k")] == ["applied", "replayed"]


async def test_the_same_key_with_another_body_is_refused(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    await client.post("/payments", json=CHARGE, headers=key)
    response = await client.post("/payments", json={**CHARGE, "amountCents": 1}, headers=key)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_key_counts_for_one_address_only(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    await client.post("/payments", json=CHARGE, headers=key)
    reservation = {"sku": "KB-104", "quantity": 1}
    assert (await client.post("/reservations", json=reservation, headers=key)).status_code == 201


async def test_without_a_key_two_charges_are_two(client: httpx.AsyncClient) -> None:
    await client.post("/payments", json=CHARGE)
    await client.post("/payments", json=CHARGE)
    assert (await client.get("/payments")).json()["total"] == 2


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_that_is_no_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    response = await client.post("/payments", json=CHARGE, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["code"]) == (400, "invalid-key")


@pytest.mark.parametrize(
    ("card", "code"),
    [("tok_declined", "card-declined"), ("tok_expired", "card-expired"), ("tok_empty", "insufficient-funds")],
)
async def test_a_refused_card_charges_nothing(client: httpx.AsyncClient, card: str, code: str) -> None:
    response = await client.post("/payments", json={**CHARGE, "card": card})
    assert (response.status_code, response.json()["code"]) == (402, code)
    assert (await client.get("/payments")).json()["total"] == 0
    assert [(entry["effect"], entry["status"]) for entry in await journal(client)] == [("refused", 402)]


async def test_every_violation_of_a_body_is_named(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/payments", json={"orderId": "x", "amountCents": 0, "card": "tok_visa", "hm": 1}
    )
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    pointers = {error["pointer"] for error in response.json()["errors"]}
    assert pointers == {"/orderId", "/amountCents", "/currency", "/hm"}


async def test_a_body_that_is_not_json_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/payments", content=b'{"orderId": ')
    assert (response.status_code, response.json()["code"]) == (400, "not-json")


async def test_a_body_over_the_bound_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/payments", content=b" " * (MAX_BODY_BYTES + 1))
    assert (response.status_code, response.json()["code"]) == (413, "too-large")


async def test_refunds_stop_at_the_amount_paid(client: httpx.AsyncClient) -> None:
    await client.post("/payments", json=CHARGE)
    first = await client.post("/payments/pay_000001/refunds", json={"amountCents": 2000})
    second = await client.post("/payments/pay_000001/refunds", json={"amountCents": 501})
    assert (first.status_code, second.status_code) == (201, 409)
    assert "500 cents" in second.json()["detail"]
    assert (await client.get("/payments/pay_000001")).json()["refundedCents"] == 2000


async def test_an_order_is_placed_at_list_prices_and_listed(client: httpx.AsyncClient) -> None:
    body = {"customerId": 2, "lines": [{"sku": "CB-002", "quantity": 3}]}
    order = (await client.post("/orders", json=body)).json()
    assert (order["status"], order["totalCents"]) == ("open", 4500)
    assert (await client.get(f"/orders/{order['id']}")).json() == order
    assert order in (await client.get("/orders", params={"customerId": 2, "open": "true"})).json()["orders"]


@pytest.mark.parametrize(
    ("change", "code"),
    [({"customerId": 99}, "unknown-customer"), ({"lines": [{"sku": "X", "quantity": 1}]}, "unknown-product")],
)
async def test_an_order_of_nobody_or_nothing_is_refused(
    client: httpx.AsyncClient, change: Any, code: str
) -> None:
    body = {"customerId": 2, "lines": [{"sku": "CB-002", "quantity": 3}], **change}
    response = await client.post("/orders", json=body)
    assert (response.status_code, response.json()["code"]) == (422, code)


async def test_stock_is_reserved_but_never_beyond_what_there_is(client: httpx.AsyncClient) -> None:
    granted = await client.post("/reservations", json={"sku": "MN-270", "quantity": 9})
    refused = await client.post("/reservations", json={"sku": "MN-270", "quantity": 10})
    unknown = await client.post("/reservations", json={"sku": "X", "quantity": 1})
    assert (granted.status_code, granted.json()["warehouse"]) == (201, "Rotterdam")
    assert (refused.status_code, refused.json()["code"]) == (409, "out-of-stock")
    assert unknown.status_code == 404


async def test_a_notification_is_accepted(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/notifications", json={"to": "ada@customers.example", "template": "welcome"}
    )
    assert (response.status_code, response.json()["status"]) == (202, "queued")


async def test_the_journal_is_filtered_and_cleared(client: httpx.AsyncClient) -> None:
    await client.post("/payments", json=CHARGE)
    await client.post("/reservations", json={"sku": "X", "quantity": 1})
    assert [entry["path"] for entry in await journal(client, effect="applied")] == ["/payments"]
    assert [entry["status"] for entry in await journal(client, path="/reservations")] == [404]
    assert (await client.delete("/journal")).status_code == 204
    assert await journal(client) == []


def test_a_bounded_map_forgets_the_entry_written_longest_ago() -> None:
    entries: BoundedMap[int] = BoundedMap(2)
    for key, value in [("a", 1), ("b", 2), ("a", 3), ("c", 4)]:
        entries.put(key, value)
    assert (len(entries), list(entries.values())) == (2, [3, 4])
    assert (entries.get("a"), entries.get("b")) == (3, None)


async def test_a_reservation_is_given_back(client: httpx.AsyncClient) -> None:
    reservation = (await client.post("/reservations", json={"sku": "KB-104", "quantity": 2})).json()
    released = await client.post(f"/reservations/{reservation['id']}/release", json={})
    unknown = await client.post("/reservations/res_9/release", json={})
    assert (reservation["status"], released.json()["status"]) == ("reserved", "released")
    assert unknown.status_code == 404


async def test_a_shipment_costs_what_was_quoted(client: httpx.AsyncClient) -> None:
    parcel: dict[str, str | int] = {"country": "DE", "weightGrams": 2300}
    quote = (await client.get("/carriers/ground/quote", params=parcel)).json()
    shipment = await client.post("/shipments", json={"orderId": 5001, "carrier": "ground", **parcel})
    refused = await client.post("/shipments", json={"orderId": 5001, "carrier": "drone", **parcel})
    assert (shipment.status_code, shipment.json()["costCents"]) == (201, quote["costCents"])
    assert refused.json()["code"] == "not-carried"


@pytest.mark.parametrize(
    ("decision", "status"), [("confirmation", "confirmed"), ("cancellation", "cancelled")]
)
async def test_a_booking_is_held_and_then_decided(
    client: httpx.AsyncClient, decision: str, status: str
) -> None:
    booking = (await client.post("/bookings", json={"kind": "hotel", "place": "Porto"})).json()
    decided = await client.post(f"/bookings/{booking['id']}/{decision}", json={})
    assert (booking["status"], decided.json()["status"]) == ("held", status)
    assert (await client.get(f"/bookings/{booking['id']}")).json() == decided.json()


async def test_where_everything_is_taken_nothing_is_booked(client: httpx.AsyncClient) -> None:
    response = await client.post("/bookings", json={"kind": "hotel", "place": "Lyon"})
    assert (response.status_code, response.json()["code"]) == (409, "fully-booked")


async def test_a_job_is_done_after_so_many_questions(client: httpx.AsyncClient) -> None:
    job = (await client.post("/jobs", json={"text": "one two three", "questions": 2})).json()
    early = await client.get(f"/jobs/{job['id']}/result")
    asked = await client.get(f"/jobs/{job['id']}")
    done = await client.get(f"/jobs/{job['id']}/result")
    assert (early.status_code, early.json()["code"]) == (503, "not-ready")
    assert asked.json() == {"id": job["id"], "status": "running"}
    assert done.json() == {"id": job["id"], "status": "succeeded", "words": 3}


async def test_a_job_may_fail(client: httpx.AsyncClient) -> None:
    body = {"text": "one", "questions": 0, "outcome": "failed"}
    job = (await client.post("/jobs", json=body)).json()
    result = await client.get(f"/jobs/{job['id']}/result")
    assert (result.status_code, result.json()["status"], result.json()["error"]) == (
        200,
        "failed",
        "out of ink",
    )


async def test_tickets_and_rows_are_accepted(client: httpx.AsyncClient) -> None:
    ticket = await client.post("/tickets", json={"queue": "support", "subject": "Broken"})
    rows = await client.post("/tables/sales/rows", json={"rows": [{"day": 1}, {"day": 2}]})
    assert (ticket.status_code, ticket.json()["priority"]) == (201, "normal")
    assert (rows.status_code, rows.json()) == (201, {"table": "sales", "added": 2})
