"""Messages to customers: accepted, journaled, sent to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.queries import shop_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.testapi.seed import Record


class Notify(Command):
    """Body of POST /notifications."""

    to: str = Field(max_length=200, pattern="^[^@\\s]+@[^@\\s]+$")
    template: Literal["order-confirmed", "order-in-review", "payment-failed", "welcome", "notice"]
    text: str = Field(default="", max_length=1000)


async def notify(request: Request) -> Response:
    """POST /notifications."""
    shop = shop_of(request)

    def apply(command: Notify) -> tuple[int, Record]:
        return 202, {"id": f"msg_{shop.number():06d}", "status": "queued", **command.model_dump()}

    return await shop.effects.perform(request, Notify, apply)


ROUTES = (Route("/notifications", notify, methods=["POST"]),)
