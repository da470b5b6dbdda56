"""Turns: heavy work of a tenant is done one piece at a time, so that it leaves room for other tenants'."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenantry.controlplane.services.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0
    """Those who wait, and the one whose turn it is."""


class Turns:
    """Hands out turns, in the order in which they are asked for. A tenant without any takes no memory."""

    def __init__(self, code: str, *, max_waiting: int) -> None:
        self._code, self._max_waiting = code, max_waiting
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def take(self, tenant: str) -> AsyncIterator[None]:
        """The tenant's turn, for as long as the block takes.

        Raises:
            BusyError: with the code of these turns, at once: `max_waiting` of the tenant wait already.
        """
        queue = self._queues.setdefault(tenant, _Queue())
        if queue.length > self._max_waiting:
            raise BusyError(self._code, f"{tenant} has {queue.length} of these under way; try again")
        queue.length += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[tenant]
