"""Payments and refunds: the effects that must never happen twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.problems import RequestProblem, not_found
from tenantry.testapi.queries import Page, read_query, shop_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.testapi.seed import Record

_REFUSING_CARDS: Final = {
    "tok_declined": ("card-declined", "the bank declined the card; ask for another one"),
    "tok_expired": ("card-expired", "the card has expired; ask for another one"),
    "tok_empty": ("insufficient-funds", "the card does not cover the amount; ask for another one"),
}


class Charge(Command):
    """Body of POST /payments."""

    order_id: int = Field(ge=1, le=1_000_000_000)
    amount_cents: int = Field(ge=1, le=100_000_000)
    currency: Literal["EUR", "USD", "GBP"]
    card: Literal["tok_visa", "tok_mastercard", "tok_declined", "tok_expired", "tok_empty"]
    reference: str = Field(default="", max_length=200)


class Refund(Command):
    """Body of POST /payments/{id}/refunds."""

    amount_cents: int = Field(ge=1, le=100_000_000)
    reason: str = Field(default="", max_length=200)


class PaymentPage(Page):
    """Filters of the payment list."""

    order_id: int | None = None
    reference: str | None = None


async def list_payments(request: Request) -> Response:
    """GET /payments."""
    page = read_query(request, PaymentPage)
    payments = [
        payment
        for payment in shop_of(request).payments.values()
        if page.order_id in (None, payment["orderId"]) and page.reference in (None, payment["reference"])
    ]
    return JSONResponse(page.cut("payments", payments))


async def get_payment(request: Request) -> Response:
    """GET /payments/{id}."""
    return JSONResponse(_find(request))


async def charge(request: Request) -> Response:
    """POST /payments."""
    shop = shop_of(request)

    def apply(command: Charge) -> tuple[int, Record]:
        if command.card in _REFUSING_CARDS:
            code, detail = _REFUSING_CARDS[command.card]
            raise RequestProblem(code, 402, detail)
        payment_id = f"pay_{shop.number():06d}"
        payment = {
            "id": payment_id,
            "status": "captured",
            "refundedCents": 0,
            **command.model_dump(by_alias=True),
        }
        shop.payments.put(payment_id, payment)
        return 201, payment

    return await shop.effects.perform(request, Charge, apply)


async def refund(request: Request) -> Response:
    """POST /payments/{id}/refunds."""
    shop = shop_of(request)
    payment = _find(request)

    def apply(command: Refund) -> tuple[int, Record]:
        left = payment["amountCents"] - payment["refundedCents"]
        if command.amount_cents > left:
            raise RequestProblem(
                "refund-too-large", 409, f"only {left} cents of this payment are left to refund"
            )
        payment_after = {**payment, "refundedCents": payment["refundedCents"] + command.amount_cents}
        shop.payments.put(payment["id"], payment_after)
        refund_id = f"ref_{shop.number():06d}"
        return 201, {"id": refund_id, "paymentId": payment["id"], **command.model_dump(by_alias=True)}

    return await shop.effects.perform(request, Refund, apply)


def _find(request: Request) -> Record:
    payment_id: str = request.path_params["id"]
    payment = shop_of(request).payments.get(payment_id)
    if payment is None:
        raise not_found("payment", payment_id[:40])
    return payment


ROUTES = (
    Route("/payments", list_payments),
    Route("/payments", charge, methods=["POST"]),
    Route("/payments/{id}", get_payment),
    Route("/payments/{id}/refunds", refund, methods=["POST"]),
)
