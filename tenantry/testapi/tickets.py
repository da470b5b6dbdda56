"""Tickets for people and rows for tables: what workflows leave behind. Accepted, journaled, kept nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field
from starlette.routing import Route

from tenantry.testapi.effects import Command
from tenantry.testapi.queries import shop_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.testapi.seed import Record


class OpenTicket(Command):
    """Body of POST /tickets."""

    queue: Literal["support", "sales", "finance", "warehouse", "operations"]
    subject: str = Field(min_length=1, max_length=200)
    text: str = Field(default="", max_length=2000)
    priority: Literal["low", "normal", "high"] = "normal"


class AddRows(Command):
    """Body of POST /tables/{name}/rows."""

    rows: list[dict[str, Any]] = Field(max_length=1000)


async def open_ticket(request: Request) -> Response:
    """POST /tickets."""
    shop = shop_of(request)

    def apply(command: OpenTicket) -> tuple[int, Record]:
        return 201, {"id": f"tkt_{shop.number():06d}", "status": "open", **command.model_dump()}

    return await shop.effects.perform(request, OpenTicket, apply)


async def add_rows(request: Request) -> Response:
    """POST /tables/{name}/rows."""
    shop = shop_of(request)
    table: str = request.path_params["name"][:40]

    def apply(command: AddRows) -> tuple[int, Record]:
        return 201, {"table": table, "added": len(command.rows)}

    return await shop.effects.perform(request, AddRows, apply)


ROUTES = (
    Route("/tickets", open_ticket, methods=["POST"]),
    Route("/tables/{name}/rows", add_rows, methods=["POST"]),
)
