"""Limits when Redis goes and comes: shares, open, closed, and what happens to leases."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.limits.fallback import FallbackLimitStore
from tenantry.dataplane.limits.port import LimitsUnavailableError
from tenantry.dataplane.limits.redis import RedisLimitStore
from tenantry.dataplane.redis import link as linking
from tenantry.dataplane.redis.link import open_link
from tenantry.dataplane.redis.replicas import Replicas
from tenantry.dataplane.settings import RedisDown
from tenantry.tenants.identity import Instant
from tenantry.tenants.limits import Admitted, ConcurrencyPolicy, Limits, WindowPolicy
from tests.support.eventually import eventually
from tests.support.limit_model import ACME, EPOCH, LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.redis.link import RedisLink
    from tests.support.redis import RedisServer

TEN = Limits(windows=(WindowPolicy("rate-limit", 10, 60.0),))
FOUR_AT_ONCE = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 4))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "RETRY_SECONDS", 0.01)


class Replica:
    """The limits of one process, whose clock may be wrong."""

    def __init__(self, link: RedisLink, when_down: RedisDown, count: int, offset_seconds: float) -> None:
        self.link, self.offset, self.admitted = link, offset_seconds, 0
        replicas = Replicas(link, lambda: EPOCH)
        replicas.count, replicas.offset_seconds = count, -offset_seconds
        self.store = FallbackLimitStore(
            RedisLimitStore(link, lease_seconds=LEASE_SECONDS), replicas, when_down
        )

    async def admits(self, limits: Limits, execution: str = "", now: float = EPOCH) -> bool:
        instant = Instant(now + self.offset)
        admission = await self.store.admit(ACME, limits, execution or f"{id(self)}-{self.admitted}", instant)
        self.admitted += isinstance(admission, Admitted)
        return isinstance(admission, Admitted)

    async def admits_of(self, requests: int, limits: Limits) -> int:
        return sum([await self.admits(limits) for _ in range(requests)])

    async def renews(self, limits: Limits, execution: str, now: float = EPOCH) -> bool:
        return await self.store.renew(ACME, limits, execution, Instant(now + self.offset))

    async def until(self, *, available: bool) -> None:
        await eventually(lambda: self.link.available is available)


@asynccontextmanager
async def a_replica(
    server: RedisServer,
    when_down: RedisDown = RedisDown.LOCAL,
    *,
    count: int = 2,
    offset_seconds: float = 0.0,
) -> AsyncIterator[Replica]:
    async with open_link(server.url) as link:
        yield Replica(link, when_down, count, offset_seconds)


async def test_both_together_admit_exactly_the_limit(redis_server: RedisServer) -> None:
    async with a_replica(redis_server) as one, a_replica(redis_server) as other:
        assert await one.admits_of(7, TEN) == 7
        assert await other.admits_of(7, TEN) == 3
        assert await one.admits_of(1, TEN) == 0
        assert one.store.lease_seconds == LEASE_SECONDS


async def test_a_lease_lives_on_redis_s_clock_whoever_s_clock_is_wrong(redis_server: RedisServer) -> None:
    one_at_once = Limits(concurrency=ConcurrencyPolicy("concurrent-workflows", 1))
    async with a_replica(redis_server) as one, a_replica(redis_server, offset_seconds=3600.0) as ahead:
        assert await one.admits(one_at_once, "e1")
        assert not await ahead.admits(one_at_once, "e2")
        assert await ahead.renews(one_at_once, "e1", EPOCH + 20)
        assert not await one.admits(one_at_once, "e2", EPOCH + LEASE_SECONDS + 19)
        assert await one.admits(one_at_once, "e2", EPOCH + LEASE_SECONDS + 20)


async def test_without_redis_each_admits_its_share_of_which_it_knows_what_it_used(
    redis_server: RedisServer,
) -> None:
    async with a_replica(redis_server) as one, a_replica(redis_server) as other:
        assert await one.admits_of(3, TEN) == 3
        redis_server.stop()
        await one.until(available=False)
        assert await one.admits_of(9, TEN) == 2
        assert await other.admits_of(9, TEN) == 5


async def test_without_redis_executions_in_flight_count_against_the_share(redis_server: RedisServer) -> None:
    async with a_replica(redis_server) as one:
        assert await one.admits(FOUR_AT_ONCE, "long")
        redis_server.stop()
        await one.until(available=False)
        assert await one.admits_of(9, FOUR_AT_ONCE) == 1
        assert await one.renews(FOUR_AT_ONCE, "long")
        assert not await one.renews(FOUR_AT_ONCE, "taken over")
        one.store.release(ACME, "long")
        assert await one.renews(FOUR_AT_ONCE, "taken over")


async def test_an_execution_that_was_taken_over_counts_against_the_share_as_well(
    redis_server: RedisServer,
) -> None:
    async with a_replica(redis_server) as one:
        assert await one.renews(FOUR_AT_ONCE, "taken over")
        redis_server.stop()
        await one.until(available=False)
        assert await one.admits_of(9, FOUR_AT_ONCE) == 1


async def test_every_replica_admits_at_least_one(redis_server: RedisServer) -> None:
    tight = Limits(
        windows=(WindowPolicy("rate-limit", 2, 60.0),),
        concurrency=ConcurrencyPolicy("concurrent-workflows", 2),
    )
    async with a_replica(redis_server, count=5) as one:
        redis_server.stop()
        await one.until(available=False)
        assert await one.admits_of(9, tight) == 1


async def test_open_admits_everything_and_tells_nothing(redis_server: RedisServer) -> None:
    async with a_replica(redis_server, RedisDown.OPEN) as one:
        redis_server.stop()
        await one.until(available=False)
        assert await one.admits_of(20, TEN) == 20
        assert await one.store.admit(ACME, TEN, "e", Instant(EPOCH)) == Admitted(snapshot=())
        assert await one.renews(FOUR_AT_ONCE, "taken over")


async def test_closed_admits_nothing_and_keeps_what_runs(redis_server: RedisServer) -> None:
    async with a_replica(redis_server, RedisDown.CLOSED) as one:
        assert await one.admits(FOUR_AT_ONCE, "long")
        redis_server.stop()
        await one.until(available=False)
        with pytest.raises(LimitsUnavailableError, match="Redis is not reachable"):
            await one.admits(FOUR_AT_ONCE, "new")
        assert await one.renews(FOUR_AT_ONCE, "long")
        assert not await one.renews(FOUR_AT_ONCE, "taken over")


async def test_when_redis_is_back_what_still_runs_has_its_lease_again_and_limits_are_shared(
    redis_server: RedisServer,
) -> None:
    async with a_replica(redis_server) as one, a_replica(redis_server) as other:
        redis_server.stop()
        await one.until(available=False)
        assert await one.admits(FOUR_AT_ONCE, "long")
        redis_server.start()
        await one.until(available=True)
        await other.until(available=True)
        assert await one.renews(FOUR_AT_ONCE, "long")
        assert await other.admits_of(9, FOUR_AT_ONCE) == 3
        one.store.release(ACME, "long")
        await one.link.call("PING")  # the answer comes after that of what was sent before
        assert await other.admits_of(9, FOUR_AT_ONCE) == 1


async def test_an_execution_without_a_lease_finds_no_room_anywhere_when_all_is_taken(
    redis_server: RedisServer,
) -> None:
    async with a_replica(redis_server) as one, a_replica(redis_server) as other:
        assert await other.admits_of(4, FOUR_AT_ONCE) == 4
        assert not await one.renews(FOUR_AT_ONCE, "taken over")
