"""Work that is done again and again as long as the process serves, whatever goes wrong with it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from tenantry.dataplane.engine.ports import JournalUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def repeating(work: Callable[[], Awaitable[object]], *, every_seconds: float) -> AsyncIterator[None]:
    """Does the work every so many seconds inside."""
    task = asyncio.create_task(_repeat(work, every_seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _repeat(work: Callable[[], Awaitable[object]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except JournalUnavailableError:
            continue  # logged where it happened
        except Exception:  # noqa: BLE001  (a loop that ended would do nothing for anybody any more)
            _LOG.exception("%s failed", getattr(work, "__qualname__", work))
