"""A flight: one call in progress and everybody who waits for its answer. Used by the result cache."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.dataplane.engine.ports import TaskResult

Answer: TypeAlias = "TaskResult | Failure"
"""What the call gave, where it is as good for those who wait as for the one who made it."""


class Flight:
    """Whoever makes the call leads; the others wait, in order, and one of them may have to take the lead.

    Args:
        close: called once, when the flight ends: from then on nobody may join it.
    """

    __slots__ = ("_close", "_waiting")

    def __init__(self, close: Callable[[], object]) -> None:
        self._close = close
        self._waiting: deque[asyncio.Future[Answer | None]] = deque()

    async def wait(self) -> Answer | None:
        """The answer; or `None`, and the lead is the caller's."""
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if not future.cancelled() and future.result() is None:
                self.pass_on()  # the lead was ours, and we were cancelled before we could know it
            raise

    def land(self, answer: Answer) -> None:
        """Ends the flight and gives everybody who waits the leader's answer."""
        self._close()
        for future in self._waiting:
            if not future.done():  # done is whoever was cancelled
                future.set_result(answer)

    def pass_on(self) -> None:
        """Gives the lead to whoever has waited longest; where nobody waits any more, the flight ends."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._close()
