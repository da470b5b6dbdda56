"""The row measured against a real Redis on this machine: a limit decision beside a bare PING."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

import uvloop

from benchmarks.in_process import GENEROUS_LIMITS, TENANT
from benchmarks.rows import Better, Row
from tenantry.dataplane.clock import SteadyClock
from tenantry.dataplane.limits.redis import RedisLimitStore
from tenantry.dataplane.redis.link import open_link
from tenantry.tenants.identity import Instant
from tests.support.redis import run_redis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenantry.dataplane.redis.link import RedisLink

_ROUNDS: Final = 15
_CALLS: Final = 1000


def measure_limits_on_redis() -> list[Row]:
    """One limit decision, rate, quotas and concurrency together, in time on the clock."""
    with run_redis() as server:
        ours, beside, round_trips = uvloop.run(_measure(server.url))
    return [
        Row(
            name="limit decision on Redis vs PING",
            ours=f"{ours * 1e6:,.0f} µs",
            beside=f"{beside * 1e6:,.0f} µs PING",
            ratio=ours / beside,
            better=Better.LOWER,
            target="one round trip",
            met=round_trips == 1,
        )
    ]


async def _measure(url: str) -> tuple[float, float, float]:
    """Seconds of a decision, seconds of a PING, round trips of a decision."""
    async with open_link(url) as link:
        store, clock = RedisLimitStore(link), SteadyClock()

        async def ping() -> None:
            await link.call("PING")

        async def decide() -> None:
            await store.admit(TENANT, GENEROUS_LIMITS, "bench", Instant(clock()))

        await decide()  # Redis learns the script
        before = await _commands(link)
        pings, decisions = [], []
        for _ in range(_ROUNDS):
            pings.append(await _seconds(ping))
            decisions.append(await _seconds(decide))
        round_trips = (await _commands(link) - before) / (_ROUNDS * _CALLS) - 1  # one was the PING
        return min(decisions), min(pings), round(round_trips, 3)


async def _seconds(call: Callable[[], Awaitable[None]]) -> float:
    start = perf_counter()
    for _ in range(_CALLS):
        await call()
    return (perf_counter() - start) / _CALLS


async def _commands(link: RedisLink) -> int:
    """How many commands this connection has sent: those a script runs are not among them."""
    statistics = (await link.call("INFO", "commandstats")).decode()
    sent = ("cmdstat_ping:calls=", "cmdstat_evalsha:calls=", "cmdstat_eval:calls=")
    return sum(
        int(line.partition("calls=")[2].partition(",")[0])
        for line in statistics.splitlines()
        if line.startswith(sent)
    )
