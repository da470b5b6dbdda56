"""The way to Redis: connects, connects again after a loss, and says at once when there is no way.

The stores on Redis run their scripts here. Nobody waits for a connection: while there is none, every call
fails immediately, and one attempt after the other is made in the background.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio.connection import Connection, parse_url
from redis.exceptions import NoScriptError, RedisError, ResponseError

from tenantry.dataplane.redis.pipeline import RedisDownError, open_pipeline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from redis.asyncio.connection import AbstractConnection

    from tenantry.dataplane.redis.pipeline import Pipeline, Word
    from tenantry.tenants.identity import TenantId

FORMAT: Final = 1
"""Of what is kept in Redis. A release that keeps it otherwise takes the next number: both run at once."""

CONNECT_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 1.0
"""After a loss, and after every attempt that failed, Redis is left alone for so long."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Script:
    """A Lua script: one atomic step. `name` is for logs."""

    name: str
    source: str

    @classmethod
    def read(cls, name: str, path: Path) -> Script:
        """The script in a file."""
        return cls(name, path.read_text(encoding="utf-8"))

    @cached_property
    def digest(self) -> str:
        """What Redis calls it."""
        return sha1(self.source.encode(), usedforsecurity=False).hexdigest()


def tenant_key(tenant: TenantId, what: str) -> str:
    """Where something of a tenant is kept. What is in braces decides on the node, so one has all of it."""
    return f"tenantry:{FORMAT}:{{{tenant}}}:{what}"


def open_link(url: str) -> AbstractAsyncContextManager[RedisLink]:
    """A link to the Redis at `redis://`, `rediss://` or `unix://`, with redis-py's parameters.

    One attempt to connect is waited for; after that a Redis that is away is tried again every second.

    Raises:
        ValueError: the address has a parameter that is unknown or wrong.
    """
    return _kept_open(RedisLink(_wires_to(url)))


@asynccontextmanager
async def _kept_open(link: RedisLink) -> AsyncIterator[RedisLink]:
    keeping = asyncio.create_task(link.keep_open())
    try:
        await link.tried.wait()
        yield link
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


class RedisLink:
    """At most one connection. See `open_link`.

    Attributes:
        connections: how many were made so far.
        tried: set once the first attempt to connect has ended.
    """

    def __init__(self, make_wire: Callable[[], AbstractConnection]) -> None:
        self._make_wire = make_wire
        self._pipeline: Pipeline | None = None
        self._refused: set[str] = set()
        self._told: bool | None = None
        self.connections = 0
        self.tried = asyncio.Event()

    @property
    def available(self) -> bool:
        """Whether calls are carried at this moment."""
        return self._pipeline is not None

    async def run(
        self,
        script: Script,
        keys: Sequence[Word],
        arguments: Sequence[Word],
        *,
        if_abandoned: Callable[[Any], object] | None = None,
    ) -> Any:
        """Runs a script in one round trip, two when Redis does not know it yet, and gives its result.

        It is sent before the first wait. `if_abandoned` takes the result when the caller was cancelled.

        Raises:
            RedisDownError: it cannot be told whether the script ran.
        """
        words = (len(keys), *keys, *arguments)
        try:
            try:
                return await self._send("EVALSHA", script.digest, *words, if_abandoned=if_abandoned)
            except NoScriptError:
                return await self._send("EVAL", script.source, *words, if_abandoned=if_abandoned)
        except ResponseError as error:
            raise self._refusal(script.name, error) from None

    async def call(self, *words: Word) -> Any:
        """Carries one command and gives its result.

        Raises:
            RedisDownError: it cannot be told whether it was carried out.
        """
        try:
            return await self._send(*words)
        except ResponseError as error:
            raise self._refusal(str(words[0]), error) from None

    def post(self, *words: Word) -> None:
        """Carries one command, if there is a way, whatever comes of it."""
        with suppress(RedisDownError):
            self._send(*words).add_done_callback(partial(self._posted, str(words[0])))

    def _posted(self, name: str, answer: asyncio.Future[Any]) -> None:
        error = answer.exception()  # looked at, as asyncio wants it
        if isinstance(error, ResponseError):
            self._refusal(name, error)

    def _send(self, *words: Word, if_abandoned: Callable[[Any], object] | None = None) -> asyncio.Future[Any]:
        if self._pipeline is None:
            raise RedisDownError("there is no connection")
        return self._pipeline.call(*words, if_abandoned=if_abandoned)

    def _refusal(self, name: str, error: ResponseError) -> RedisDownError:
        if name not in self._refused:  # told once per connection: it may be every call's fate
            self._refused.add(name)
            _LOG.error("Redis refused %s: %s", name, error)
        return RedisDownError(str(error))

    async def keep_open(self) -> None:
        """Connects, and again after every loss, until cancelled."""
        while True:
            error = await self._carry()
            self._tell(available=False, reason=str(error) or type(error).__name__)
            self.tried.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def _carry(self) -> Exception:
        """Connects and carries calls until the connection breaks; tells what broke it."""
        wire = self._make_wire()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await wire.connect()  # type: ignore[no-untyped-call]
            async with open_pipeline(wire) as pipeline:
                await pipeline.call("PING")  # a server that hangs accepts connections all the same
                self._pipeline = pipeline
                self.connections += 1
                self._tell(available=True)
                self.tried.set()
                return await pipeline.broken()
        except (OSError, RedisError, RedisDownError) as error:
            return error
        finally:
            self._pipeline = None
            await wire.disconnect()

    def _tell(self, *, available: bool, reason: str = "") -> None:
        if available is self._told:
            return
        self._told = available
        self._refused.clear()
        if available:
            _LOG.info("connected to Redis")
        else:
            _LOG.warning("going on without Redis: %s", reason)


def _wires_to(url: str) -> Callable[[], AbstractConnection]:
    options: dict[str, Any] = dict(parse_url(url))
    kind: type[AbstractConnection] = options.pop("connection_class", Connection)
    options |= {
        "protocol": 2,
        "decode_responses": False,
        "socket_timeout": None,  # the pipeline has its own patience
        "socket_connect_timeout": CONNECT_SECONDS,
        "health_check_interval": 0,
        "client_name": "tenantry",
        "driver_info": None,  # saves two round trips
    }
    try:
        kind(**options)
    except TypeError as error:
        raise ValueError(f"the address of Redis has a parameter that is not known: {error}") from None
    return lambda: kind(**options)
