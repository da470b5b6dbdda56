"""What the shop shows: users, orders, products; always the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.testapi import seed

if TYPE_CHECKING:
    import httpx

PROBLEM = "application/problem+json"


async def test_a_user_is_found_by_id(client: httpx.AsyncClient) -> None:
    user = (await client.get("/users/1")).json()
    assert user["name"] == "Ada Lindqvist"
    assert user["address"] == {"city": "Stockholm", "postalCode": "111 22", "country": "SE"}


async def test_users_are_filtered_by_tier_and_paged(client: httpx.AsyncClient) -> None:
    everyone = (await client.get("/users")).json()
    pros = (await client.get("/users", params={"tier": "pro", "limit": 2, "offset": 1})).json()
    assert everyone["total"] == len(seed.USERS)
    assert [user["id"] for user in pros["users"]] == [4, 6]
    assert pros["total"] == 4


async def test_orders_are_filtered_by_customer_and_by_being_open(client: httpx.AsyncClient) -> None:
    everything = (await client.get("/orders", params={"limit": 100})).json()
    of_one = (await client.get("/orders", params={"customerId": 1})).json()
    open_ones = (await client.get("/orders", params={"customerId": 1, "open": "true"})).json()
    closed = (await client.get("/orders", params={"customerId": 1, "open": "false"})).json()
    assert everything["total"] == len(everything["orders"]) == len(seed.ORDERS)
    assert {order["customerId"] for order in of_one["orders"]} == {1}
    assert [order["id"] for order in open_ones["orders"]] == [5034]
    assert open_ones["total"] + closed["total"] == of_one["total"]


async def test_an_order_is_found_by_id(client: httpx.AsyncClient) -> None:
    order = (await client.get("/orders/5001")).json()
    assert order["totalCents"] == sum(line["quantity"] * line["unitPriceCents"] for line in order["lines"])


async def test_a_better_tier_pays_less(client: httpx.AsyncClient) -> None:
    free = (await client.get("/prices/KB-104")).json()
    pro = (await client.get("/prices/KB-104", params={"tier": "pro"})).json()
    assert (free["netCents"], pro["netCents"], pro["discountPercent"]) == (11900, 10710, 10)


async def test_a_product_out_of_stock_says_when_it_returns(client: httpx.AsyncClient) -> None:
    missing = (await client.get("/inventory/WC-080")).json()
    present = (await client.get("/inventory/KB-104")).json()
    assert (missing["available"], missing["restockDate"]) == (0, "2025-01-26")
    assert (present["available"], present["restockDate"]) == (42, None)


async def test_products_are_filtered_by_category(client: httpx.AsyncClient) -> None:
    audio = (await client.get("/products", params={"category": "audio"})).json()
    assert [product["sku"] for product in audio["products"]] == ["HS-310"]
    assert (await client.get("/products/HS-310")).json() == audio["products"][0]
    assert (await client.get("/reviews/HS-310")).json()["sku"] == "HS-310"


async def test_shipping_is_dearer_and_slower_far_away(client: httpx.AsyncClient) -> None:
    near = (await client.get("/shipping/quotes", params={"country": "DE", "weightGrams": 2300})).json()
    far = (await client.get("/shipping/quotes", params={"country": "JP", "weightGrams": 2300})).json()
    assert near["quotes"][0] == {"carrier": "ground", "costCents": 710, "days": 4}
    assert far["quotes"][0] == {"carrier": "ground", "costCents": 2210, "days": 9}


@pytest.mark.parametrize(("amount", "decision"), [(1000, "approve"), (90_000, "review")])
async def test_a_large_amount_needs_a_review(client: httpx.AsyncClient, amount: int, decision: str) -> None:
    risk = (await client.get("/users/1/risk", params={"amountCents": amount})).json()
    assert risk["decision"] == decision


@pytest.mark.parametrize(
    "path",
    ["/users/99", "/users/99/risk?amountCents=1", "/orders/1", "/payments/pay_9", "/products/X", "/prices/X",
     "/inventory/X", "/reviews/X", "/carriers/X/quote", "/bookings/X", "/jobs/X", "/jobs/X/result",
     "/documents/X", "/documents/X/text", "/credit/north/99", "/credit/X/1", "/sensors/X", "/nothing"],
)  # fmt: skip
async def test_what_is_not_there_is_a_problem_404(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM)
    assert response.json()["code"] == "not-found"


async def test_a_wrong_method_is_a_problem_405_that_names_the_right_ones(client: httpx.AsyncClient) -> None:
    response = await client.delete("/users/1")
    assert (response.status_code, response.headers["content-type"]) == (405, PROBLEM)
    assert "GET" in response.headers["allow"]


async def test_every_bad_query_parameter_is_named(client: httpx.AsyncClient) -> None:
    response = await client.get("/users", params={"limit": "many", "tier": "gold"})
    assert (response.status_code, response.json()["code"]) == (400, "invalid-query")
    assert {error["pointer"] for error in response.json()["errors"]} == {"/limit", "/tier"}


async def test_health_is_ok(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_a_drone_carries_little_and_not_far(client: httpx.AsyncClient) -> None:
    light, heavy, far = [
        await client.get("/carriers/drone/quote", params={"country": country, "weightGrams": grams})
        for country, grams in [("DE", 1500), ("DE", 2001), ("JP", 100)]
    ]
    assert light.json() == {"carrier": "drone", "costCents": 1200, "days": 1}
    assert [answer.json()["code"] for answer in (heavy, far)] == ["not-carried"] * 2


async def test_each_carrier_that_is_listed_gives_quotes(client: httpx.AsyncClient) -> None:
    carriers = (await client.get("/carriers")).json()["carriers"]
    parcel: dict[str, str | int] = {"country": "DE", "weightGrams": 100}
    quotes = [(await client.get(f"/carriers/{name}/quote", params=parcel)).json() for name in carriers]
    assert [quote["carrier"] for quote in quotes] == carriers


async def test_bureaus_disagree_and_one_does_not_know_everybody(client: httpx.AsyncClient) -> None:
    scores = [(await client.get(f"/credit/{name}/1")).json()["score"] for name in ("north", "south", "coast")]
    stranger = await client.get("/credit/coast/9")
    assert (scores, stranger.status_code) == ([681, 651, 711], 404)


async def test_documents_are_listed_without_their_texts(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/documents", params={"kind": "contract"})).json()["documents"]
    whole = (await client.get("/documents/doc-2")).json()
    assert listed == [{"id": "doc-2", "kind": "contract", "language": "en"}]
    assert whole["text"].startswith("The parties")


async def test_the_text_of_a_document_comes_as_plain_text(client: httpx.AsyncClient) -> None:
    response = await client.get("/documents/doc-4/text")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == "Invoice 882 for one monitor. Amount due 32900."


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [("Thanks, great!", "positive"), ("It came broken and late", "negative"), ("It came", "neutral")],
)
async def test_words_please_or_do_not(client: httpx.AsyncClient, text: str, sentiment: str) -> None:
    assert (await client.get("/texts/sentiment", params={"text": text})).json()["sentiment"] == sentiment


async def test_sensors_are_filtered_by_place(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/sensors", params={"place": "kitchen"})).json()["sensors"]
    assert [sensor["kind"] for sensor in listed] == ["temperature", "humidity"]
    assert (await client.get(f"/sensors/{listed[0]['id']}")).json() == listed[0]
