"""Products with their prices, stock, reviews; reserving stock and asking what shipping costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.problems import RequestProblem, not_found
from tenantry.testapi.queries import Page, Query, read_query, shop_of
from tenantry.testapi.seed import PRODUCTS, REVIEWS, STOCK, Record, price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_NEARBY: Final = frozenset({"DE", "FR", "IE", "PT", "SE", "CZ"})


class ProductPage(Page):
    """Filters of the product list."""

    category: str | None = None


class PriceQuery(Query):
    """Whose price."""

    tier: Literal["free", "pro", "enterprise"] = "free"


class ShippingQuery(Query):
    """Where to, and how heavy."""

    country: str = Field(pattern="^[A-Z]{2}$")
    weight_grams: int = Field(ge=1, le=1_000_000)


class Reserve(Command):
    """Body of POST /reservations."""

    sku: str = Field(max_length=20)
    quantity: int = Field(ge=1, le=1000)
    reference: str = Field(default="", max_length=200)


async def list_products(request: Request) -> Response:
    """GET /products."""
    page = read_query(request, ProductPage)
    products = [product for product in PRODUCTS.values() if page.category in (None, product["category"])]
    return JSONResponse(page.cut("products", products))


async def get_product(request: Request) -> Response:
    """GET /products/{sku}."""
    return JSONResponse(_find(request, PRODUCTS))


async def get_price(request: Request) -> Response:
    """GET /prices/{sku}."""
    sku: str = request.path_params["sku"]
    answer = price(sku, read_query(request, PriceQuery).tier)
    if answer is None:
        raise not_found("product", sku[:40])
    return JSONResponse(answer)


async def get_stock(request: Request) -> Response:
    """GET /inventory/{sku}."""
    return JSONResponse(_find(request, STOCK))


async def get_reviews(request: Request) -> Response:
    """GET /reviews/{sku}."""
    return JSONResponse(_find(request, REVIEWS))


async def get_shipping_quotes(request: Request) -> Response:
    """GET /shipping/quotes: two carriers, the cheapest first."""
    query = read_query(request, ShippingQuery)
    base, days, express_days = (490, 4, 1) if query.country in _NEARBY else (1990, 9, 3)
    by_weight = query.weight_grams // 1000 * 110
    quotes = [
        {"carrier": "ground", "costCents": base + by_weight, "days": days},
        {"carrier": "express", "costCents": 2 * base + 2 * by_weight, "days": express_days},
    ]
    return JSONResponse({"country": query.country, "currency": "EUR", "quotes": quotes})


async def reserve(request: Request) -> Response:
    """POST /reservations. The stock does not shrink: a demonstration works the hundredth time as well."""
    shop = shop_of(request)

    def apply(command: Reserve) -> tuple[int, Record]:
        stock = STOCK.get(command.sku)
        if stock is None:
            raise not_found("product", command.sku)
        if stock["available"] < command.quantity:
            raise RequestProblem(
                "out-of-stock", 409, f"only {stock['available']} of {command.sku} are available"
            )
        return 201, {
            "id": f"res_{shop.number():06d}",
            "warehouse": stock["warehouse"],
            **command.model_dump(),
        }

    return await shop.effects.perform(request, Reserve, apply)


def _find(request: Request, records: Mapping[str, Record]) -> Record:
    sku: str = request.path_params["sku"]
    record = records.get(sku)
    if record is None:
        raise not_found("product", sku[:40])
    return record


ROUTES = (
    Route("/products", list_products),
    Route("/products/{sku}", get_product),
    Route("/prices/{sku}", get_price),
    Route("/inventory/{sku}", get_stock),
    Route("/reviews/{sku}", get_reviews),
    Route("/shipping/quotes", get_shipping_quotes),
    Route("/reservations", reserve, methods=["POST"]),
)
