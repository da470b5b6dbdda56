"""The limits on Redis: against the model, to the last bit those in memory, and what Redis keeps of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.limits.redis import RedisLimitStore
from tenantry.dataplane.redis.link import open_link
from tenantry.tenants.identity import Instant
from tenantry.tenants.limits import Admitted, ConcurrencyPolicy, Limits, Rejected, WindowPolicy
from tests.support.limit_model import (
    ACME,
    EPOCH,
    GLOBEX,
    LEASE_SECONDS,
    StoreAgreesWithModel,
    limits,
    release,
)
from tests.support.redis import ask_over
from tests.support.settling import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.redis.link import RedisLink
    from tests.support.redis import RedisServer
    from tests.support.settling import Ask


COUNTS = b"tenantry:1:{acme}:counts"


@dataclass(frozen=True)
class OnRedis:
    """A link and how to ask over it."""

    link: RedisLink
    ask: Ask

    def command(self, *words: Any) -> Any:
        return self.ask(self.link.call(*words))

    def store(self) -> RedisLimitStore:
        """A store that begins with nothing."""
        self.command("FLUSHALL")
        return RedisLimitStore(self.link, lease_seconds=LEASE_SECONDS)


@pytest.fixture
def on_redis(redis_server: RedisServer) -> Iterator[OnRedis]:
    with ask_over(redis_server) as (link, ask):
        yield OnRedis(link, ask)


def test_limits_on_redis_agree_with_the_model(on_redis: OnRedis) -> None:
    class OnRedisAgrees(StoreAgreesWithModel):
        def __init__(self) -> None:
            super().__init__(on_redis.store(), on_redis.ask)

    bounds = settings(max_examples=80, stateful_step_count=60, deadline=None)
    run_state_machine_as_test(OnRedisAgrees, settings=bounds)


WINDOWS = st.lists(
    st.builds(
        WindowPolicy,
        st.sampled_from(["one", "two", "three"]),
        st.integers(1, 5),
        st.sampled_from([1e-9, 0.1, 1 / 3, 2.0, 3600.0]) | st.floats(2**-10, 1e4),
    ),
    max_size=3,
    unique_by=lambda policy: policy.name,
)
LIMITS = st.builds(
    Limits,
    windows=WINDOWS.map(tuple),
    concurrency=st.none() | st.builds(ConcurrencyPolicy, st.just("at once"), st.integers(1, 3)),
)
PAUSES = st.floats(-3.0, 3.0) | st.sampled_from([0.0, 0.1, 1 / 3, LEASE_SECONDS, -3600.0, 3600.0])
STEPS = st.lists(
    st.tuples(PAUSES, st.sampled_from(["admit", "admit", "renew", "release"]), st.integers(0, 6)),
    min_size=15,
    max_size=40,
)


@given(st.lists(LIMITS, min_size=1, max_size=2), STEPS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_and_memory_decide_the_same_to_the_last_bit(
    on_redis: OnRedis, declared: list[Limits], steps: list[Any]
) -> None:
    both: list[tuple[Any, Ask]] = [
        (MemoryLimitStore(lease_seconds=LEASE_SECONDS), settle),
        (on_redis.store(), on_redis.ask),
    ]
    # Time may run backwards for windows; in memory, where they lie in order, not for leases.
    may_run_backwards = not any(policies.concurrency for policies in declared)
    now = EPOCH + 0.1
    for number, (pause, act, choice) in enumerate(steps):
        now += pause if may_run_backwards else abs(pause)
        policies, execution = declared[choice % len(declared)], f"execution-{choice}"
        if act == "admit":
            execution = f"new-{number}"
        answers = [
            ask(release(store, ACME, execution))
            if act == "release"
            else ask(getattr(store, act)(ACME, policies, execution, Instant(now)))
            for store, ask in both
        ]
        assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("now", "seconds"), [(588642001.6666666, 1 / 3), (269667351.30412054, 2.4829154944354004)]
)
def test_nor_where_a_quotient_of_doubles_is_not_the_whole_number_it_should_be(
    on_redis: OnRedis, now: float, seconds: float
) -> None:
    policies = Limits(windows=(WindowPolicy("one", 5, seconds),))
    in_memory, store = MemoryLimitStore(), on_redis.store()
    for number in range(3):
        request = (ACME, policies, f"e{number}", Instant(now))
        assert on_redis.ask(store.admit(*request)) == settle(in_memory.admit(*request))


def test_nor_when_a_clock_steps_back_over_one_boundary_or_over_two(on_redis: OnRedis) -> None:
    policies = Limits(windows=(WindowPolicy("one", 6, 2.0),))
    in_memory, store = MemoryLimitStore(), on_redis.store()
    for number, step in enumerate([0.0, 0.5, 0.5, 1.0, 2.0, 1.5, 1.0, 2.0, -0.5, 0.0, -4.0]):
        request = (ACME, policies, f"e{number}", Instant(EPOCH + 2.0 + step))
        assert on_redis.ask(store.admit(*request)) == settle(in_memory.admit(*request))


async def test_many_at_once_over_two_connections_are_admitted_exactly_to_the_limit(
    redis_server: RedisServer,
) -> None:
    ten = limits(rate=10, hourly=100, concurrent=None)
    async with open_link(redis_server.url) as one, open_link(redis_server.url) as other:
        stores = [RedisLimitStore(one), RedisLimitStore(other)]
        admissions = await asyncio.gather(
            *(stores[number % 2].admit(ACME, ten, f"e{number}", Instant(EPOCH)) for number in range(50))
        )
    assert sum(isinstance(admission, Admitted) for admission in admissions) == 10


def test_what_is_kept_does_not_grow_with_past_requests_and_is_gone_after_its_time(on_redis: OnRedis) -> None:
    store, generous = on_redis.store(), limits(rate=10**6, hourly=10**6, concurrent=10)
    sizes: list[int] = []
    for requests in (10, 500):
        for number in range(requests):
            now = Instant(EPOCH + len(sizes) * 10_000 + number / 8)
            on_redis.ask(store.admit(ACME, generous, f"e{number}", now))
            on_redis.ask(release(store, ACME, f"e{number}"))
        sizes.append(on_redis.command("MEMORY", "USAGE", COUNTS))
    assert on_redis.command("KEYS", "*") == [COUNTS]
    assert sizes[1] <= sizes[0] + 16
    assert 3600 < on_redis.command("TTL", COUNTS) <= 2 * 3600 + 60


def test_leases_are_gone_a_while_after_the_last_one_expired(on_redis: OnRedis) -> None:
    store = on_redis.store()
    unlimited = Limits(concurrency=ConcurrencyPolicy("at once", 5))
    assert isinstance(on_redis.ask(store.admit(ACME, unlimited, "e1", Instant(EPOCH))), Admitted)
    (key,) = on_redis.command("KEYS", "*")
    assert LEASE_SECONDS < on_redis.command("TTL", key) <= LEASE_SECONDS + 60


def test_tenants_have_keys_of_their_own(on_redis: OnRedis) -> None:
    store = on_redis.store()
    for tenant in (ACME, GLOBEX):
        on_redis.ask(store.admit(tenant, limits(1, 1, 1), "e1", Instant(EPOCH)))
    assert sorted(on_redis.command("KEYS", "*")) == [
        b"tenantry:1:{acme}:counts",
        b"tenantry:1:{acme}:leases",
        b"tenantry:1:{globex}:counts",
        b"tenantry:1:{globex}:leases",
    ]


async def test_a_caller_cancelled_before_its_answer_leaves_no_lease(redis_server: RedisServer) -> None:
    one = Limits(concurrency=ConcurrencyPolicy("at once", 1))
    async with open_link(redis_server.url) as link:
        store = RedisLimitStore(link)
        with redis_server.frozen():
            asked = asyncio.create_task(store.admit(ACME, one, "cancelled", Instant(EPOCH)))
            await asyncio.sleep(0)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
        assert isinstance(await store.admit(ACME, one, "before", Instant(EPOCH)), Rejected)
        assert isinstance(await store.admit(ACME, one, "after", Instant(EPOCH)), Admitted)
