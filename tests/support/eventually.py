"""Waiting for what another process or task brings about."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 0.01


async def eventually(holds: Callable[[], Awaitable[Any] | Any]) -> None:
    """Looks again and again until the condition holds.

    Raises:
        TimeoutError: it did not hold in time.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            held = holds()
            if await held if isawaitable(held) else held:
                return
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
