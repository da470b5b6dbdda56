"""Products with their prices, stock and reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.problems import not_found
from tenantry.testapi.queries import Page, Query, read_query
from tenantry.testapi.seed import PRODUCTS, REVIEWS, STOCK, Record, price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request


class ProductPage(Page):
    """Filters of the product list."""

    category: str | None = None


class PriceQuery(Query):
    """Whose price."""

    tier: Literal["free", "pro", "enterprise"] = "free"


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
)
