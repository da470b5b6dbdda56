"""An event loop that does one thing at a time, when it is told to: every interleaving can be played."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Coroutine


class HandMovedLoop(asyncio.SelectorEventLoop):
    """Never runs by itself. Not for tests that use the network or timers."""

    _ready: deque[asyncio.Handle]

    @property
    def has_work(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._ready)

    def step(self) -> None:
        """Runs the next callback."""
        handle = self._ready.popleft()
        if not handle.cancelled():
            asyncio.events._set_running_loop(self)
            try:
                handle._run()
            finally:
                asyncio.events._set_running_loop(None)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that runs as the loop is moved."""
        return self.create_task(work)
