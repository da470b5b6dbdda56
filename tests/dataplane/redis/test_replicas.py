"""Replicas count each other over a real Redis, and agree on one clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.clock import SteadyClock
from tenantry.dataplane.redis import replicas as counting
from tenantry.dataplane.redis.link import open_link
from tenantry.dataplane.redis.replicas import KEY, Replicas, join_replicas
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.support.redis import RedisServer


async def test_replicas_count_each_other_until_they_leave(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "INTERVAL_SECONDS", 0.01)
    clock = SteadyClock()
    async with open_link(redis_server.url) as link, join_replicas(link, clock) as first:
        assert first.count == 1
        async with open_link(redis_server.url) as other, join_replicas(other, clock) as second:
            assert second.count == 2
            await eventually(lambda: first.count == 2)
        await eventually(lambda: first.count == 1)


async def test_a_replica_that_leaves_is_gone_at_once(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        async with join_replicas(link, SteadyClock()):
            assert await link.call("ZCARD", KEY) == 1
        assert await link.call("ZCARD", KEY) == 0


async def test_a_replica_that_died_is_forgotten_after_its_time(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        dead, alive = Replicas(link, SteadyClock()), Replicas(link, SteadyClock())
        await dead.look()
        await alive.look()
        assert alive.count == 2
        await link.call("ZADD", KEY, 0, dead.name)  # as if its time were over
        await alive.look()
        assert alive.count == 1


async def test_a_clock_that_is_wrong_is_corrected_by_redis_s(redis_server: RedisServer) -> None:
    true, hour = SteadyClock(), 3600.0
    async with open_link(redis_server.url) as link:
        replicas = Replicas(link, lambda: true() - hour)
        await replicas.look()
        assert replicas.offset_seconds == pytest.approx(hour, abs=5)


async def test_the_clock_is_compared_in_the_middle_of_the_round_trip(redis_server: RedisServer) -> None:
    true = SteadyClock()
    readings = iter([-100.0, 100.0])
    async with open_link(redis_server.url) as link:
        replicas = Replicas(link, lambda: true() + next(readings))
        await replicas.look()
        assert replicas.offset_seconds == pytest.approx(0, abs=5)


async def test_without_redis_what_was_known_stays(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        first, second = Replicas(link, SteadyClock()), Replicas(link, lambda: 0.0)
        await first.look()
        await second.look()
        known = (second.count, second.offset_seconds)
        redis_server.stop()
        await second.look()
        await second.leave()
        assert (second.count, second.offset_seconds) == known
