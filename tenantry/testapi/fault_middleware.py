"""Carries out the fault a request asks for, before or around the route it was sent to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from tenantry.testapi.bad_bodies import bad_answer
from tenantry.testapi.connection import RESET_EXTENSION
from tenantry.testapi.faults import Fault, StrikeCounter, read_fault
from tenantry.testapi.problems import RequestProblem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FAULTLESS_PATHS: Final = frozenset({"/healthz", "/journal"})


class FaultMiddleware:
    """Stands before every route but health and journal, which tests must be able to trust."""

    def __init__(self, app: ASGIApp, strikes: StrikeCounter) -> None:
        self._app = app
        self._strikes = strikes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["path"] in _FAULTLESS_PATHS:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            fault = read_fault(request)
        except RequestProblem as problem:
            await problem.response()(scope, receive, send)
            return
        if fault is not None and self._strikes.strikes(fault, request):
            await self._suffer(fault, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _suffer(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.hang:
            await _wait_disconnect(receive)
        elif fault.reset:
            await _reset(scope, receive)
        elif fault.lose:
            await self._app(scope, receive, _discard)
            await _reset(scope, receive)
        elif fault.fail is not None:
            await _failure(fault.fail, fault.retry_after).response()(scope, receive, send)
        elif (answer := await bad_answer(fault)) is not None:
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, _under_status(send, fault.status))


def _failure(status: int, retry_after: int | None) -> RequestProblem:
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return RequestProblem("fault-on-demand", status, "the caller asked for this failure", headers=headers)


def _under_status(send: Send, status: int | None) -> Send:
    async def send_changed(message: Message) -> None:
        if status is not None and message["type"] == "http.response.start":
            message = {**message, "status": status}
        await send(message)

    return send_changed


async def _discard(_message: Message) -> None:
    """The answer nobody gets."""


async def _reset(scope: Scope, receive: Receive) -> None:
    scope["extensions"][RESET_EXTENSION]["reset"]()
    await _wait_disconnect(receive)


async def _wait_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
