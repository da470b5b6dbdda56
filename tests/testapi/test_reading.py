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
     "/inventory/X", "/reviews/X", "/nothing"],
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
