"""The test API as an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenantry.testapi import (
    bookings,
    credit,
    documents,
    jobs,
    notifications,
    orders,
    payments,
    products,
    reservations,
    sensors,
    shipping,
    tickets,
    users,
)
from tenantry.testapi.fault_middleware import FaultMiddleware
from tenantry.testapi.problems import RequestProblem, answer_problem
from tenantry.testapi.queries import Query, read_query, shop_of
from tenantry.testapi.shop import Shop

if TYPE_CHECKING:
    from starlette.requests import Request

_AREAS: Final = (
    users,
    credit,
    orders,
    payments,
    products,
    reservations,
    shipping,
    bookings,
    jobs,
    documents,
    sensors,
    notifications,
    tickets,
)


class JournalQuery(Query):
    """Filters of the journal."""

    path: str | None = None
    effect: str | None = None
    idempotency_key: str | None = None


async def health(_request: Request) -> Response:
    """GET /healthz."""
    return JSONResponse({"status": "ok"})


async def read_journal(request: Request) -> Response:
    """GET /journal: every POST that arrived and what it did, oldest first."""
    query = read_query(request, JournalQuery)
    entries = [
        entry
        for entry in shop_of(request).effects.journal()
        if query.path in (None, entry["path"])
        and query.effect in (None, entry["effect"])
        and query.idempotency_key in (None, entry["idempotencyKey"])
    ]
    return JSONResponse({"entries": entries, "total": len(entries)})


async def clear_journal(request: Request) -> Response:
    """DELETE /journal."""
    shop_of(request).effects.clear_journal()
    return Response(status_code=204)


def create_app() -> Starlette:
    """A fresh shop. `reset` and `lose` need `server.make_server`; everything else any ASGI server."""
    shop = Shop()
    app = Starlette(
        routes=[
            Route("/healthz", health),
            Route("/journal", read_journal),
            Route("/journal", clear_journal, methods=["DELETE"]),
            *(route for area in _AREAS for route in area.ROUTES),
        ],
        middleware=[Middleware(FaultMiddleware, strikes=shop.strikes)],
        exception_handlers={RequestProblem: answer_problem, HTTPException: answer_problem},
    )
    app.state.shop = shop
    return app
