"""The two handlers, over any client: a chain of three calls and a fan-out of five."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

Get: TypeAlias = Callable[[str], Awaitable[Any]]
"""Fetches an upstream path and gives the parsed JSON of its answer."""


async def chain(get: Get, user_id: int) -> Any:
    """Three calls, each needing the one before."""
    user = await get(f"/users/{user_id}")
    orders = await get(f"/orders/{user['id']}")
    price = await get(f"/prices/{orders['latest']}")
    return {"email": user["email"], "order": orders["latest"], "netCents": price["netCents"]}


async def fan_out(get: Get, user_id: int) -> Any:
    """Five calls at once."""
    user, orders, price, stock, reviews = await asyncio.gather(
        get(f"/users/{user_id}"),
        get(f"/orders/{user_id}"),
        get(f"/prices/{user_id}"),
        get(f"/stock/{user_id}"),
        get(f"/reviews/{user_id}"),
    )
    return {
        "email": user["email"],
        "order": orders["latest"],
        "netCents": price["netCents"],
        "available": stock["available"],
        "averageStars": reviews["averageStars"],
    }


def serve(port: int, open_client: Callable[[], AbstractAsyncContextManager[Get]]) -> None:
    """Serves both as POST /chain and /fan-out: one worker, uvloop and httptools, as the data plane runs."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_client() as get:
            app.state.get = get
            yield

    def endpoint(handler: Callable[[Get, int], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            body = orjson.loads(await request.body())
            answer = await handler(request.app.state.get, body["userId"])
            return Response(orjson.dumps(answer), media_type="application/json")

        return handle

    routes = [
        Route("/chain", endpoint(chain), methods=["POST"]),
        Route("/fan-out", endpoint(fan_out), methods=["POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")
