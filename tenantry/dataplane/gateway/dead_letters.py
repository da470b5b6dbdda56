"""Dead letters as a tenant sees and settles them: listed, shown, counted; retried, discarded, archived."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tenantry.dataplane.dead_letters.decision import Wish
from tenantry.dataplane.dead_letters.port import RefusedRetryError
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import Caller, admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.body import read_body
from tenantry.dataplane.gateway.letter_requests import (
    BulkRetry,
    Retry,
    RetryWithInput,
    bulk_filter,
    bulk_ids,
    letter_id_of,
    page_filter,
    parse_as,
    span_of,
)
from tenantry.dataplane.gateway.letter_views import (
    analytics_view,
    bulk_view,
    letter_detail,
    letter_view,
    refusal_of,
)
from tenantry.dataplane.gateway.paging import page_limit
from tenantry.dataplane.limits.port import OverLimitError
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.dead_letters.letters import DeadLetter
    from tenantry.dataplane.gateway.services import Services
    from tenantry.tenants.identity import TenantId

    Settle = Callable[[TenantId, str, str], Awaitable[DeadLetter]]

_LOG = logging.getLogger(__name__)


class DeadLetterEndpoints:
    """`GET /dlq`, `/dlq/{id}`, `/dlq/analytics`; `POST /dlq/{id}/retry` and the like, `/dlq/bulk-retry`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_letters(self, request: Request) -> Response:
        """A page of dead letters, newest first; `nextCursor` asks for the one after."""
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        limit = page_limit(request)
        page = await self._services.dead_letters.store.page(
            caller.tenant.name, page_filter(request), limit + 1
        )
        cursor = page[limit - 1].id if len(page) > limit else None
        return json_answer(
            {"deadLetters": [letter_view(letter) for letter in page[:limit]], "nextCursor": cursor}
        )

    async def get_letter(self, request: Request) -> Response:
        """One dead letter, and where its execution stands."""
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        letter = await self._services.dead_letters.store.find(caller.tenant.name, letter_id_of(request))
        if letter is None:
            raise errors.not_found("dead letter")
        return _shown(caller, letter)

    async def get_analytics(self, request: Request) -> Response:
        """What the letters of a span of time tell together."""
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        now = datetime.fromtimestamp(self._services.clock(), UTC)
        span = span_of(request, now)
        return json_answer(
            analytics_view(
                span, await self._services.dead_letters.analytics.over(caller.tenant.name, span), now
            )
        )

    async def retry(self, request: Request) -> Response:
        """Has what failed done again."""
        caller, letter_id = self._acting(request)
        body = parse_as(await read_body(request), Retry)
        wish = Wish(actor=caller.principal.key_id, acknowledged=body.acknowledge_unknown_outcome)
        return await self._retry(caller, letter_id, wish)

    async def retry_with_input(self, request: Request) -> Response:
        """Has what failed done again, the letter's task with another input."""
        caller, letter_id = self._acting(request)
        body = parse_as(await read_body(request), RetryWithInput)
        actor, acknowledged = caller.principal.key_id, body.acknowledge_unknown_outcome
        return await self._retry(
            caller, letter_id, Wish(actor=actor, value=body.input, acknowledged=acknowledged)
        )

    async def discard(self, request: Request) -> Response:
        """Settles a letter as of no use."""
        return await self._settle(request, self._services.dead_letters.acts.discard)

    async def archive(self, request: Request) -> Response:
        """Puts a letter aside."""
        return await self._settle(request, self._services.dead_letters.acts.archive)

    async def bulk_retry(self, request: Request) -> Response:
        """Retries many letters, one after another, and tells of each."""
        caller = self._caller(request, Permission.EXECUTE)
        body = parse_as(await read_body(request), BulkRetry)
        self._services.refuse_while_draining()
        ids, more = await self._chosen(caller, body)
        wish = Wish(actor=caller.principal.key_id, acknowledged=body.acknowledge_unknown_outcome)
        outcome = await self._services.dead_letters.acts.retry_many(caller.tenant, ids, wish)
        if isinstance(outcome.stopped_by, JournalUnavailableError) and not outcome.told:
            raise outcome.stopped_by
        _LOG.info("tenant %s: dead letters retried in bulk, by key %s", caller.tenant.name, wish.actor)
        goes_on = body.filter is not None and (more or bool(outcome.remaining))
        last = outcome.told[-1].id if outcome.told else body.cursor
        return json_answer(bulk_view(outcome, last if goes_on else None))

    async def _chosen(self, caller: Caller, body: BulkRetry) -> tuple[list[str], bool]:
        """The letters a request means, and whether its filter lets through more."""
        if body.filter is None:
            return bulk_ids(body.ids or []), False
        wanted = bulk_filter(body, body.filter)
        page = await self._services.dead_letters.store.page(caller.tenant.name, wanted, body.limit + 1)
        return [letter.id for letter in page[: body.limit]], len(page) > body.limit

    async def _retry(self, caller: Caller, letter_id: str, wish: Wish) -> Response:
        self._services.refuse_while_draining()
        try:
            letter = await self._services.dead_letters.acts.retry(caller.tenant, letter_id, wish)
        except RefusedRetryError as error:
            raise refusal_of(error) from None
        except OverLimitError as error:
            headers = {"Retry-After": str(errors.RETRY_AFTER_SECONDS)}
            raise errors.rate_limited(error.violated, headers) from None
        return _told(caller, letter)

    async def _settle(self, request: Request, settle: Settle) -> Response:
        caller, letter_id = self._acting(request)
        try:
            letter = await settle(caller.tenant.name, letter_id, caller.principal.key_id)
        except RefusedRetryError as error:
            raise refusal_of(error) from None
        return _told(caller, letter)

    def _acting(self, request: Request) -> tuple[Caller, str]:
        return self._caller(request, Permission.EXECUTE), letter_id_of(request)

    def _caller(self, request: Request, permission: Permission) -> Caller:
        return admit_caller(self._services.registry, request, self._services.clock, permission)


def _told(caller: Caller, letter: DeadLetter) -> Response:
    tenant, key_id = caller.tenant.name, caller.principal.key_id
    _LOG.info("dead letter %s of tenant %s: %s, by key %s", letter.id, tenant, letter.status, key_id)
    return _shown(caller, letter)


def _shown(caller: Caller, letter: DeadLetter) -> Response:
    return json_answer(letter_detail(letter, f"/tenants/{caller.tenant.name}/api/v1"))
