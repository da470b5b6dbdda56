"""Work beside what a process serves: until that ends, or again and again, whatever goes wrong with it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from tenantry.dataplane.engine.ports import JournalUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Does the work beside what happens inside, and cancels it at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def repeating(work: Callable[[], Awaitable[object]], *, every_seconds: float) -> AsyncIterator[None]:
    """Does the work every so many seconds inside."""
    async with background(_repeat(work, every_seconds)):
        yield


async def _repeat(work: Callable[[], Awaitable[object]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except JournalUnavailableError:
            continue  # logged where it happened
        except Exception:  # noqa: BLE001  (a loop that ended would do nothing for anybody any more)
            _LOG.exception("%s failed", getattr(work, "__qualname__", work))
