"""Reservations of stock, and giving them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.problems import RequestProblem, not_found
from tenantry.testapi.queries import shop_of
from tenantry.testapi.seed import STOCK, Record

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Reserve(Command):
    """Body of POST /reservations."""

    sku: str = Field(max_length=20)
    quantity: int = Field(ge=1, le=1000)
    reference: str = Field(default="", max_length=200)


class Release(Command):
    """Body of POST /reservations/{id}/release."""

    reason: str = Field(default="", max_length=200)


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
        reservation_id = f"res_{shop.number():06d}"
        reservation = {
            "id": reservation_id,
            "status": "reserved",
            "warehouse": stock["warehouse"],
            **command.model_dump(),
        }
        shop.reservations.put(reservation_id, reservation)
        return 201, reservation

    return await shop.effects.perform(request, Reserve, apply)


async def release(request: Request) -> Response:
    """POST /reservations/{id}/release."""
    shop = shop_of(request)
    reservation_id: str = request.path_params["id"]
    reservation = shop.reservations.get(reservation_id)
    if reservation is None:
        raise not_found("reservation", reservation_id[:40])

    def apply(_command: Release) -> tuple[int, Record]:
        released = {**reservation, "status": "released"}
        shop.reservations.put(reservation_id, released)
        return 200, released

    return await shop.effects.perform(request, Release, apply)


ROUTES = (
    Route("/reservations", reserve, methods=["POST"]),
    Route("/reservations/{id}/release", release, methods=["POST"]),
)
