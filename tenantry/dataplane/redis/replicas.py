"""Who shares this Redis: every replica makes itself known, counts the others, and compares clocks.

What is known here outlives a loss of Redis: the share of a limit that is left to each is the limit over the
number of replicas last seen.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tenantry.dataplane.redis.link import Script
from tenantry.dataplane.redis.pipeline import RedisDownError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.redis.link import RedisLink

KEY: Final = "tenantry:replicas"
INTERVAL_SECONDS: Final = 5.0
FORGOTTEN_AFTER_SECONDS: Final = 3 * INTERVAL_SECONDS

_PRESENCE: Final = Script(
    "presence",
    """
    local time = redis.call('TIME')
    local now = time[1] + time[2] / 1000000
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
    redis.call('PEXPIRE', KEYS[1], 1000 * ARGV[2])
    return {redis.call('ZCARD', KEYS[1]), string.format('%.6f', now)}
    """,
)


class Replicas:
    """The replicas, as this one knows them. See `join_replicas`.

    Attributes:
        name: of this one.
        count: how many there are, this one included; at least 1.
        offset_seconds: what to add to this process's clock to get Redis's, which is everybody's.
    """

    def __init__(self, link: RedisLink, clock: Clock) -> None:
        self._link, self._clock = link, clock
        self.name = uuid4().hex
        self.count = 1
        self.offset_seconds = 0.0

    async def look(self) -> None:
        """Makes itself known, counts, and compares clocks; without Redis everything stays as it is."""
        sent_at = self._clock()
        with suppress(RedisDownError):
            count, now = await self._link.run(_PRESENCE, [KEY], [self.name, FORGOTTEN_AFTER_SECONDS])
            self.count = count
            self.offset_seconds = float(now) - (sent_at + self._clock()) / 2

    async def look_forever(self) -> None:
        """Looks every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            await self.look()

    async def leave(self) -> None:
        """Tells the others that this one goes."""
        with suppress(RedisDownError):
            await self._link.call("ZREM", KEY, self.name)


@asynccontextmanager
async def join_replicas(link: RedisLink, clock: Clock) -> AsyncIterator[Replicas]:
    """Belongs to the replicas until it ends."""
    replicas = Replicas(link, clock)
    await replicas.look()
    looking = asyncio.create_task(replicas.look_forever())
    try:
        yield replicas
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await replicas.leave()
