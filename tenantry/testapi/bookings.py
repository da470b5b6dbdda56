"""Bookings of flights, hotels and cars: held first, then confirmed or cancelled. Made for sagas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.problems import RequestProblem, not_found
from tenantry.testapi.queries import shop_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.testapi.seed import Record

_PRICES: Final = {"flight": 21_000, "hotel": 9_500, "car": 4_200}
_FULL: Final = frozenset({("hotel", "Lyon"), ("car", "Osaka")})


class Book(Command):
    """Body of POST /bookings."""

    kind: Literal["flight", "hotel", "car"]
    place: str = Field(min_length=1, max_length=100)
    reference: str = Field(default="", max_length=200)


class Decide(Command):
    """Body of POST /bookings/{id}/confirmation and /cancellation."""

    reason: str = Field(default="", max_length=200)


async def book(request: Request) -> Response:
    """POST /bookings: 409 where everything is taken."""
    shop = shop_of(request)

    def apply(command: Book) -> tuple[int, Record]:
        if (command.kind, command.place) in _FULL:
            raise RequestProblem("fully-booked", 409, f"no {command.kind} is left in {command.place}")
        booking_id = f"bkg_{shop.number():06d}"
        booking = {
            "id": booking_id,
            "status": "held",
            "priceCents": _PRICES[command.kind],
            **command.model_dump(),
        }
        shop.bookings.put(booking_id, booking)
        return 201, booking

    return await shop.effects.perform(request, Book, apply)


async def get_booking(request: Request) -> Response:
    """GET /bookings/{id}."""
    return JSONResponse(_find(request))


async def confirm(request: Request) -> Response:
    """POST /bookings/{id}/confirmation."""
    return await _decide(request, "confirmed")


async def cancel(request: Request) -> Response:
    """POST /bookings/{id}/cancellation."""
    return await _decide(request, "cancelled")


async def _decide(request: Request, status: str) -> Response:
    shop, booking = shop_of(request), _find(request)

    def apply(_command: Decide) -> tuple[int, Record]:
        decided = {**booking, "status": status}
        shop.bookings.put(booking["id"], decided)
        return 200, decided

    return await shop.effects.perform(request, Decide, apply)


def _find(request: Request) -> Record:
    booking_id: str = request.path_params["id"]
    booking = shop_of(request).bookings.get(booking_id)
    if booking is None:
        raise not_found("booking", booking_id[:40])
    return booking


ROUTES = (
    Route("/bookings", book, methods=["POST"]),
    Route("/bookings/{id}", get_booking),
    Route("/bookings/{id}/confirmation", confirm, methods=["POST"]),
    Route("/bookings/{id}/cancellation", cancel, methods=["POST"]),
)
