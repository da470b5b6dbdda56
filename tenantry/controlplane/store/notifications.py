"""Changes of bundles as they commit, whichever process made them: PostgreSQL's LISTEN, on one connection.

While that connection is down nobody is woken; a waiter then sees the change at the end of its wait, because
it asks the table before and after.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

import asyncpg

from tenantry.controlplane.store.bundles import CHANNEL

if TYPE_CHECKING:
    from types import TracebackType

_LOG = logging.getLogger(__name__)
_RECONNECT_SECONDS: Final = 1.0


class BundleChanges:
    """Wakes those who wait for a change. An async context manager: listens from entry to exit."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._next = asyncio.Event()
        self._closed = False
        self._listener: asyncio.Task[None] | None = None

    def next_change(self) -> asyncio.Event:
        """An event that is set by the first change from now on, and by `close`."""
        return self._next

    @property
    def closed(self) -> bool:
        """Whether waiting has become pointless, because the process is about to stop."""
        return self._closed

    def close(self) -> None:
        """Wakes everybody for good."""
        self._closed = True
        self._next.set()

    async def __aenter__(self) -> Self:
        self._listener = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    def _wake(self, *_: Any) -> None:
        if not self._closed:
            self._next.set()
            self._next = asyncio.Event()

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _LOG.warning("cannot listen for changes of bundles, trying again: %s", error)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(self._url)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._wake)
            self._wake()  # whatever changed while nobody listened
            await lost.wait()
        finally:
            if not connection.is_closed():
                await connection.close()
