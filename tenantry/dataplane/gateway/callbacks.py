"""Completion callbacks as a tenant sees them: their secret, where each stands, sending one again."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tenantry.dataplane.callbacks.signing import show_secret
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import Caller, admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.paging import page_limit
from tenantry.dataplane.identifiers import parse_execution_id
from tenantry.protocol.callbacks import CallbackStatus
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.callbacks.deliveries import Delivery
    from tenantry.dataplane.gateway.services import Services

_LOG = logging.getLogger(__name__)
_MAX_RUN_DIGITS = 9


class CallbackEndpoints:
    """`GET` of callbacks and their secret; `POST /executions/{id}/callback/retry`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def get_secret(self, request: Request) -> Response:
        """The tenant's current secrets, newest first: one, or two while they are rotated."""
        caller = self._caller(request, Permission.MANAGE_KEYS)
        secrets = self._services.callback_secrets
        if not secrets.available:
            raise errors.callbacks_unavailable()
        tenant = caller.tenant.name
        _LOG.info("callback secret of tenant %s shown to key %s", tenant, caller.principal.key_id)
        shown = [show_secret(secret) for secret in secrets.of(tenant)]
        return json_answer({"secrets": shown}, headers={"Cache-Control": "no-store"})

    async def list_callbacks(self, request: Request) -> Response:
        """A page of callbacks, those of the newest executions first; `nextCursor` asks for the one after."""
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        limit = page_limit(request)
        page = await self._services.deliveries.page(
            caller.tenant.name, limit + 1, status=_status(request), before=_before(request)
        )
        last = page[limit - 1] if len(page) > limit else None
        return json_answer(
            {
                "callbacks": [_shown(delivery) for delivery in page[:limit]],
                "nextCursor": f"{last.execution_id}.{last.run}" if last else None,
            }
        )

    async def get_callback(self, request: Request) -> Response:
        """Where the callback of an execution's latest end stands."""
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        return json_answer(_shown(await self._find(caller, request)))

    async def retry(self, request: Request) -> Response:
        """Makes a callback that failed due again; one that did not stays as it is."""
        caller = self._caller(request, Permission.EXECUTE)
        execution_id = _execution_id(request)
        if not await self._services.deliveries.retry(caller.tenant.name, execution_id):
            return json_answer(_shown(await self._find(caller, request)))
        _LOG.info("callback of %s due again, by key %s", execution_id, caller.principal.key_id)
        return json_answer(_shown(await self._find(caller, request)), status=HTTPStatus.ACCEPTED)

    async def _find(self, caller: Caller, request: Request) -> Delivery:
        delivery = await self._services.deliveries.find(caller.tenant.name, _execution_id(request))
        if delivery is None:
            raise errors.not_found("callback")
        return delivery

    def _caller(self, request: Request, permission: Permission) -> Caller:
        return admit_caller(self._services.registry, request, self._services.clock, permission)


def _execution_id(request: Request) -> str:
    execution_id = parse_execution_id(request.path_params["id"])
    if execution_id is None:
        raise errors.not_found("callback")
    return execution_id


def _shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "executionId": delivery.execution_id,
        "run": delivery.run,
        "url": delivery.url,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "nextAt": delivery.next_at,
        "answered": delivery.answered,
        "error": delivery.error,
        "createdAt": delivery.created_at,
        "endedAt": delivery.ended_at,
    }


def _status(request: Request) -> CallbackStatus | None:
    status = request.query_params.get("status")
    if status is None:
        return None
    if status not in set(CallbackStatus):
        raise errors.bad_query("status", f"one of {', '.join(CallbackStatus)}")
    return CallbackStatus(status)


def _before(request: Request) -> tuple[str, int] | None:
    cursor = request.query_params.get("cursor")
    if cursor is None:
        return None
    id_, _, run = cursor.partition(".")
    execution_id = parse_execution_id(id_)
    if execution_id is None or not (run.isascii() and run.isdigit() and len(run) <= _MAX_RUN_DIGITS):
        raise errors.bad_query("cursor", "send back a nextCursor as it was given")
    return execution_id, int(run)
