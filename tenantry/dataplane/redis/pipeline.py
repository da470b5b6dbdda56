"""One connection to Redis, many calls in flight; answers come in the order of the calls. Used by the link.

A call costs no connection, no timer and no task of its own, and whoever stops waiting for it disturbs nobody:
its answer is read like any other and dropped. Redis that is silent for too long ends the whole connection,
because what comes late must not be taken for the answer to something else.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from redis.exceptions import ReadOnlyError, ResponseError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

PATIENCE_SECONDS: Final = 0.04
"""An answer that is not there after so long is looked for once more."""

GRACE_SECONDS: Final = 0.01
"""The second look comes so much later. If our own process was the slow one, the answer is there by then."""

Word: TypeAlias = "str | bytes | int | float"


class RedisDownError(Exception):
    """Redis did not answer, or is not asked for the moment. What it was asked may still have happened."""


class Wire(Protocol):
    """The part of redis-py's connection that is used here."""

    def pack_command(self, *words: Word) -> list[bytes]:
        """The command as it is sent."""
        ...

    async def send_packed_command(self, command: Iterable[bytes], *, check_health: bool = True) -> None:
        """Sends it."""
        ...

    async def read_response(self, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109  (theirs)
        """The next answer.

        Raises:
            ResponseError: the answer is an error.
        """
        ...


class _Call:
    """A call that has been sent, until its answer comes."""

    __slots__ = ("answer", "if_abandoned", "sent_at")

    def __init__(
        self, answer: asyncio.Future[Any], sent_at: float, if_abandoned: Callable[[Any], object] | None
    ) -> None:
        self.answer, self.sent_at, self.if_abandoned = answer, sent_at, if_abandoned


@asynccontextmanager
async def open_pipeline(wire: Wire) -> AsyncIterator[Pipeline]:
    """Carries calls and answers over a connection that is open, and leaves closing it to the caller."""
    pipeline = Pipeline(wire)
    workers = [asyncio.create_task(pipeline.write()), asyncio.create_task(pipeline.read())]
    try:
        yield pipeline
    finally:
        pipeline.break_off(RedisDownError("the connection is closed"))
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


class Pipeline:
    """A connection that breaks once and for all. See `open_pipeline`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._in_flight: deque[_Call] = deque()
        self._unsent: list[bytes] = []
        self._has_unsent = asyncio.Event()
        self._broken: asyncio.Future[Exception] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._suspect: _Call | None = None

    def call(self, *words: Word, if_abandoned: Callable[[Any], object] | None = None) -> asyncio.Future[Any]:
        """Sends a command at once and gives its answer to come.

        The future fails with `RedisDownError`, or with redis-py's `ResponseError` if the answer is an error.
        `if_abandoned` takes the answer when nobody waits for it any more.
        """
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self._broken.done():
            answer.set_exception(RedisDownError())
            return answer
        self._unsent += self._wire.pack_command(*words)
        self._has_unsent.set()
        self._in_flight.append(_Call(answer, self._loop.time(), if_abandoned))
        if self._timer is None:
            self._timer = self._loop.call_later(PATIENCE_SECONDS, self._look)
        return answer

    async def broken(self) -> Exception:
        """Waits until the connection has broken; tells what broke it."""
        return await asyncio.shield(self._broken)

    async def write(self) -> None:
        """Sends what is asked, until cancelled."""
        while True:
            await self._has_unsent.wait()
            self._has_unsent.clear()
            unsent, self._unsent = self._unsent, []
            try:
                await self._wire.send_packed_command(unsent, check_health=False)
            except Exception as error:  # noqa: BLE001  (each event loop has its own for a closed connection)
                self.break_off(error)
                return

    async def read(self) -> None:
        """Gives answers to those who asked, until the connection breaks."""
        while not self._broken.done():
            try:
                answer = await self._wire.read_response(timeout=math.inf)
            except ResponseError as error:
                answer = error
            except Exception as error:  # noqa: BLE001  (the same)
                self.break_off(error)
                return
            if isinstance(answer, ReadOnlyError):
                self.break_off(
                    answer
                )  # it is another's replica now; a new connection leads to the new primary
            elif not self._in_flight:
                self.break_off(RedisDownError("an answer to nothing"))
            else:
                self._deliver(self._in_flight.popleft(), answer)

    def _deliver(self, call: _Call, answer: Any) -> None:
        if call.answer.done():
            if call.if_abandoned is not None and not isinstance(answer, ResponseError):
                call.if_abandoned(answer)
        elif isinstance(answer, ResponseError):
            call.answer.set_exception(answer)
        else:
            call.answer.set_result(answer)

    def _look(self) -> None:
        """Whether the oldest call has waited too long. It is answered first, so one timer is enough."""
        self._timer = None
        if not self._in_flight:
            return
        oldest = self._in_flight[0]
        left = oldest.sent_at + PATIENCE_SECONDS - self._loop.time()
        if left <= 0 and oldest is self._suspect:
            self.break_off(RedisDownError(f"no answer within {PATIENCE_SECONDS + GRACE_SECONDS:g} s"))
            return
        if left <= 0:
            self._suspect, left = oldest, GRACE_SECONDS
        self._timer = self._loop.call_later(left, self._look)

    def break_off(self, error: Exception) -> None:
        """Ends the connection: every call in flight, and every later one, fails."""
        if self._broken.done():
            return
        self._broken.set_result(error)
        for call in self._in_flight:
            if not call.answer.done():
                call.answer.set_exception(RedisDownError(str(error)))
        self._in_flight.clear()
