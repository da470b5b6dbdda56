"""Orders: what customers bought, and placing a new one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.problems import RequestProblem, not_found
from tenantry.testapi.queries import Page, read_query, shop_of
from tenantry.testapi.seed import FIRST_ORDER_ID, ORDERS, PRODUCTS, USERS, Record

if TYPE_CHECKING:
    from starlette.requests import Request


class OrderPage(Page):
    """Filters of the order list. `open` because `status` asks for a fault."""

    customer_id: int | None = None
    open: bool | None = None


class Line(Command):
    """One position of an order."""

    sku: str = Field(max_length=20)
    quantity: int = Field(ge=1, le=1000)


class PlaceOrder(Command):
    """Body of POST /orders."""

    customer_id: int
    lines: list[Line] = Field(min_length=1, max_length=50)


async def list_orders(request: Request) -> Response:
    """GET /orders: seeded ones first, then the placed ones."""
    page = read_query(request, OrderPage)
    orders = [*ORDERS.values(), *shop_of(request).placed_orders.values()]
    if page.customer_id is not None:
        orders = [order for order in orders if order["customerId"] == page.customer_id]
    if page.open is not None:
        orders = [order for order in orders if (order["status"] == "open") is page.open]
    return JSONResponse(page.cut("orders", orders))


async def get_order(request: Request) -> Response:
    """GET /orders/{id}."""
    order_id: int = request.path_params["id"]
    order = shop_of(request).order(order_id)
    if order is None:
        raise not_found("order", order_id)
    return JSONResponse(order)


async def place_order(request: Request) -> Response:
    """POST /orders."""
    shop = shop_of(request)

    def place(command: PlaceOrder) -> tuple[int, Record]:
        order_id = FIRST_ORDER_ID + len(ORDERS) - 1 + shop.number()
        order = _make_order(order_id, command)
        shop.placed_orders.put(str(order_id), order)
        return 201, order

    return await shop.effects.perform(request, PlaceOrder, place)


def _make_order(order_id: int, command: PlaceOrder) -> Record:
    if command.customer_id not in USERS:
        raise RequestProblem("unknown-customer", 422, f"there is no user {command.customer_id}")
    unknown = [line.sku for line in command.lines if line.sku not in PRODUCTS]
    if unknown:
        raise RequestProblem("unknown-product", 422, f"not sold here: {', '.join(unknown)}")
    lines = [
        {**line.model_dump(by_alias=True), "unitPriceCents": PRODUCTS[line.sku]["unitPriceCents"]}
        for line in command.lines
    ]
    return {
        "id": order_id,
        "customerId": command.customer_id,
        "status": "open",
        "placedAt": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "currency": "EUR",
        "lines": lines,
        "totalCents": sum(line["quantity"] * line["unitPriceCents"] for line in lines),
    }


ROUTES = (
    Route("/orders", list_orders),
    Route("/orders", place_order, methods=["POST"]),
    Route("/orders/{id:int}", get_order),
)
