"""Sends callbacks as they fall due, over each tenant's own connections. One sender per process."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.callbacks.schedule import Answer, decide
from tenantry.dataplane.callbacks.signing import sign
from tenantry.dataplane.tasks.http import retry_after
from tenantry.dataplane.tasks.http_client import BadRequestError, HttpError, HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.callbacks.outbox import Outbox, TakenCallback
    from tenantry.dataplane.callbacks.signing import CallbackSecrets
    from tenantry.tenants.identity import TenantId

TIMEOUT_SECONDS: Final = 15.0
MAX_ANSWER_BYTES: Final = 1024 * 1024
"""Nobody reads an answer's body; one that is longer is not read to its end, and counts as no answer."""

MOST: Final = 32
"""Callbacks under way at once."""

MOST_PER_TENANT: Final = 8
"""Of these, of one tenant: receivers that hang hold so many places, and not all."""

LOOK_EVERY_SECONDS: Final = 1.0

_LOG = logging.getLogger(__name__)


class CallbackSender:
    """Moves callbacks from the outbox to their receivers, at least once each.

    Args:
        outbox: what is to be sent; other processes send from it as well.
        registry: whose callbacks are sent here.
        secrets: what they are signed with; there is at least one.
        all_known: whether a tenant that the registry does not know is gone.
        luck: from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        outbox: Outbox,
        registry: Registry,
        secrets: CallbackSecrets,
        *,
        all_known: Callable[[], bool],
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._outbox, self._registry, self._secrets = outbox, registry, secrets
        self._all_known, self._luck = all_known, luck
        self._sending: dict[asyncio.Task[None], TenantId] = {}
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Looks at once: something became due, or there is room again."""
        self._wake.set()

    async def send_forever(self) -> None:
        """Sends until cancelled; what is under way then is sent again when its hold is over."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self.begin_due()
                except Exception as error:  # noqa: BLE001  (a sender that ends would never send again)
                    _LOG.warning("callbacks wait: %r", error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_SECONDS):  # `wait_for` loses cancellations in 3.11
                        await self._wake.wait()
        finally:
            for task in self._sending:
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def begin_due(self) -> list[asyncio.Task[None]]:
        """Begins to send what is due, as far as there is room; gives the tries begun."""
        room = MOST - len(self._sending)
        served = await self._served()
        if not served or room <= 0:
            return []
        under_way = Counter(self._sending.values())
        taken = await self._outbox.take(
            {name: under_way[name] for name in served}, most_per_tenant=MOST_PER_TENANT, most=room
        )
        return [self._begin(callback, served[callback.tenant]) for callback in taken]

    async def _served(self) -> dict[TenantId, ServedTenant]:
        """The tenants that wait and are served here; the others are others' to serve, or gone."""
        waiting = await self._outbox.waiting()
        found = {name: self._registry.tenant(name) for name in waiting}
        unknown = [name for name, tenant in found.items() if tenant is None]
        if unknown and self._all_known():
            await self._outbox.give_up(unknown)
        return {name: tenant for name, tenant in found.items() if tenant is not None}

    def _begin(self, callback: TakenCallback, tenant: ServedTenant) -> asyncio.Task[None]:
        task = asyncio.create_task(self._send(callback, tenant))
        self._sending[task] = callback.tenant
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._wake.set()

    async def _send(self, callback: TakenCallback, tenant: ServedTenant) -> None:
        try:
            answer = await self._ask(callback, tenant)
            outcome = decide(callback.attempts, answer, self._luck())
            await self._outbox.settle(callback, answer.status, outcome)
        except Exception as error:  # noqa: BLE001  (it is taken again when its hold is over)
            _LOG.warning("what became of callback %s is not known: %r", callback.message_id, error)

    async def _ask(self, callback: TakenCallback, tenant: ServedTenant) -> Answer:
        body = callback.body.encode()
        signed = sign(
            self._secrets.of(tenant.name), callback.message_id, int(callback.taken_at.timestamp()), body
        )
        request = HttpRequest(
            method="POST",
            url=callback.url,
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity", **signed},
            body=body,
            max_response_bytes=MAX_ANSWER_BYTES,
            timeout_seconds=TIMEOUT_SECONDS,
            repeatable=True,
        )
        try:
            response = await tenant.runner.client.send(request)
        except HttpError as error:
            return Answer(error=error.reason, hopeless=isinstance(error, BadRequestError))
        return Answer(status=response.status, retry_after_seconds=retry_after(response))
