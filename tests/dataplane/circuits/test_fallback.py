"""Circuits when Redis goes and comes: what each process decides by itself, and what it does not."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.circuits.breaker import Change, Order, Outcome, Refusal
from tenantry.dataplane.circuits.fallback import FallbackCircuits
from tenantry.dataplane.circuits.port import Permit
from tenantry.dataplane.circuits.redis import RedisCircuits
from tenantry.dataplane.circuits.view import CircuitStatus, circuit_name
from tenantry.dataplane.redis import link as linking
from tenantry.dataplane.redis.link import open_link
from tenantry.dataplane.redis.replicas import Replicas
from tests.support.circuit_model import ACME, EPOCH, GLOBEX, POLICY, USERS
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.redis.link import RedisLink
    from tests.support.redis import RedisServer

NAME = circuit_name(USERS, POLICY)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "RETRY_SECONDS", 0.01)


class Replica:
    """The circuits of one process, whose clock may be wrong."""

    def __init__(self, link: RedisLink, offset_seconds: float = 0.0) -> None:
        self.link, self.offset = link, offset_seconds
        replicas = Replicas(link, lambda: EPOCH)
        replicas.offset_seconds = -offset_seconds
        self.circuits = FallbackCircuits(RedisCircuits(link), link, replicas)

    async def admit(self, now: float = EPOCH) -> Permit | Refusal:
        return await self.circuits.admit(ACME, USERS, POLICY, now + self.offset)

    async def call(self, now: float = EPOCH) -> Permit:
        decision = await self.admit(now)
        assert isinstance(decision, Permit)
        return decision

    async def report(self, permit: Permit, outcome: Outcome, now: float = EPOCH) -> Change | None:
        return await self.circuits.report(permit, outcome, now + self.offset)

    async def fail(self, now: float = EPOCH) -> None:
        permits = [await self.call(now) for _ in range(POLICY.failure_threshold)]
        assert [await self.report(permit, Outcome.FAILURE, now) for permit in permits] == [
            None,
            Change.OPENED,
        ]

    async def status(self, now: float = EPOCH) -> list[CircuitStatus]:
        return [view.status for view in await self.circuits.snapshot(ACME, now + self.offset)]

    async def until(self, *, available: bool) -> None:
        await eventually(lambda: self.link.available is available)


@asynccontextmanager
async def a_replica(server: RedisServer, offset_seconds: float = 0.0) -> AsyncIterator[Replica]:
    async with open_link(server.url) as link:
        yield Replica(link, offset_seconds)


async def test_a_circuit_that_one_opened_is_open_for_the_other(redis_server: RedisServer) -> None:
    async with a_replica(redis_server) as one, a_replica(redis_server) as other:
        await one.fail()
        assert isinstance(await other.admit(), Refusal)
        assert await other.status() == [CircuitStatus.OPEN]
        assert await other.circuits.snapshot(GLOBEX, EPOCH) == []


async def test_failures_of_both_count_together_and_either_s_order_is_obeyed_by_both(
    redis_server: RedisServer,
) -> None:
    async with a_replica(redis_server) as one, a_replica(redis_server) as other:
        assert await one.report(await one.call(), Outcome.FAILURE) is None
        assert await other.report(await other.call(), Outcome.FAILURE) is Change.OPENED
        await other.circuits.obey(ACME, NAME, Order.CLOSE, EPOCH)
        await one.call()


async def test_replicas_whose_clocks_differ_agree_on_when_a_break_is_over(redis_server: RedisServer) -> None:
    async with a_replica(redis_server) as one, a_replica(redis_server, offset_seconds=3600.0) as ahead:
        await one.fail()
        almost = EPOCH + POLICY.break_seconds - 0.125
        assert await ahead.status(almost) == [CircuitStatus.OPEN]
        assert await ahead.admit(almost) == Refusal(retry_after_seconds=0.125, opened_at=EPOCH)
        probe = await ahead.call(EPOCH + POLICY.break_seconds)
        assert await ahead.report(probe, Outcome.SUCCESS, EPOCH + POLICY.break_seconds) is Change.CLOSED
        view = await ahead.circuits.obey(ACME, NAME, Order.OPEN, EPOCH + ahead.offset + 40)
        assert view is not None
        assert view.opened_at == EPOCH + 40


async def test_without_redis_each_opens_and_holds_its_own_and_forgets_them_when_it_is_back(
    redis_server: RedisServer,
) -> None:
    async with a_replica(redis_server) as one, a_replica(redis_server) as other:
        for _ in range(2):
            redis_server.stop()
            await one.until(available=False)
            await other.until(available=False)
            await one.fail()
            assert await one.status() == [CircuitStatus.OPEN]
            assert await one.circuits.obey(ACME, NAME, Order.OPEN, EPOCH) is not None
            assert await other.circuits.obey(ACME, NAME, Order.OPEN, EPOCH) is None
            await other.call()
            redis_server.start()
            await one.until(available=True)
            await other.until(available=True)
            await one.call()
            assert await other.status() == [CircuitStatus.CLOSED]


async def test_a_call_is_reported_to_whoever_admitted_it(redis_server: RedisServer) -> None:
    async with a_replica(redis_server) as one:
        shared = [await one.call() for _ in range(2)]
        redis_server.stop()
        await one.until(available=False)
        own = [await one.call() for _ in range(2)]
        assert [await one.report(permit, Outcome.FAILURE) for permit in shared] == [None, None]
        assert await one.status() == [CircuitStatus.CLOSED]
        redis_server.start()
        await one.until(available=True)
        await one.call()
        changes = [await one.report(permit, Outcome.FAILURE) for permit in own]
        assert changes == [None, Change.OPENED]  # of a circuit that nobody asks any more
        assert await one.status() == [CircuitStatus.CLOSED]


async def test_a_success_of_an_ordinary_call_is_no_matter_for_redis(redis_server: RedisServer) -> None:
    async with a_replica(redis_server) as one:
        permit = await one.call()
        redis_server.stop()
        assert await one.report(permit, Outcome.SUCCESS) is None
