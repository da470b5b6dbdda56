"""Shipping: what carriers ask for a parcel, all at once or one by one, and handing one over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pydantic import Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.problems import RequestProblem, not_found
from tenantry.testapi.queries import Query, read_query, shop_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.testapi.seed import Record

_NEARBY: Final = frozenset({"DE", "FR", "IE", "PT", "SE", "CZ"})


class _Carrier(NamedTuple):
    """Prices in cents: nearby and far away, and for each full kilogram."""

    near_cents: int
    far_cents: int
    kilogram_cents: int
    near_days: int
    far_days: int
    max_grams: int
    goes_far: bool = True


_CARRIERS: Final = {
    "ground": _Carrier(490, 1990, 110, 4, 9, 1_000_000),
    "express": _Carrier(980, 3980, 220, 1, 3, 1_000_000),
    "drone": _Carrier(700, 0, 500, 1, 0, 2_000, goes_far=False),
}
_FREIGHT: Final = ("ground", "express")


class ShippingQuery(Query):
    """Where to, and how heavy."""

    country: str = Field(pattern="^[A-Z]{2}$")
    weight_grams: int = Field(ge=1, le=1_000_000)


class Ship(Command):
    """Body of POST /shipments."""

    order_id: int = Field(ge=1, le=1_000_000_000)
    carrier: Literal["ground", "express", "drone"]
    country: str = Field(pattern="^[A-Z]{2}$")
    weight_grams: int = Field(ge=1, le=1_000_000)


async def list_carriers(_request: Request) -> Response:
    """GET /carriers."""
    return JSONResponse({"carriers": list(_CARRIERS), "total": len(_CARRIERS)})


async def get_quote(request: Request) -> Response:
    """GET /carriers/{carrier}/quote: 422 for what the carrier does not take."""
    carrier: str = request.path_params["carrier"]
    if carrier not in _CARRIERS:
        raise not_found("carrier", carrier[:40])
    query = read_query(request, ShippingQuery)
    return JSONResponse(_quote(carrier, query.country, query.weight_grams))


async def get_quotes(request: Request) -> Response:
    """GET /shipping/quotes: the two carriers that take everything, the cheapest first."""
    query = read_query(request, ShippingQuery)
    quotes = [_quote(carrier, query.country, query.weight_grams) for carrier in _FREIGHT]
    return JSONResponse({"country": query.country, "currency": "EUR", "quotes": quotes})


async def ship(request: Request) -> Response:
    """POST /shipments: 422 for what the carrier does not take."""
    shop = shop_of(request)

    def apply(command: Ship) -> tuple[int, Record]:
        quote = _quote(command.carrier, command.country, command.weight_grams)
        return 201, {"id": f"shp_{shop.number():06d}", **command.model_dump(by_alias=True), **quote}

    return await shop.effects.perform(request, Ship, apply)


def _quote(name: str, country: str, weight_grams: int) -> Record:
    carrier, is_near = _CARRIERS[name], country in _NEARBY
    if weight_grams > carrier.max_grams or not (is_near or carrier.goes_far):
        raise RequestProblem("not-carried", 422, f"{name} does not carry {weight_grams} g to {country}")
    base, days = (carrier.near_cents, carrier.near_days) if is_near else (carrier.far_cents, carrier.far_days)
    return {
        "carrier": name,
        "costCents": base + weight_grams // 1000 * carrier.kilogram_cents,
        "days": days,
    }


ROUTES = (
    Route("/carriers", list_carriers),
    Route("/carriers/{carrier}/quote", get_quote),
    Route("/shipping/quotes", get_quotes),
    Route("/shipments", ship, methods=["POST"]),
)
