"""Results on Redis: the same shelf as in memory, shared by caches of several processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenantry.dataplane.cache.redis import RedisResults
from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.cache.shelf import Bounds, Shelf, weigh
from tenantry.dataplane.engine.ports import TaskResult
from tenantry.dataplane.redis.link import open_link
from tenantry.tenants.identity import TenantId
from tests.support.redis import ask_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tenantry.dataplane.cache.shelf import Name
    from tenantry.dataplane.redis.link import RedisLink
    from tenantry.dataplane.redis.replicas import Replicas
    from tenantry.language.values import Json
    from tests.support.redis import RedisServer

EPOCH = 1_700_000_000.0
ACME, GLOBEX = TenantId("acme"), TenantId("globex")
NAME = ("digest", "key")
TTL = 60.0


def alone(offset_seconds: float = 0.0) -> Replicas:
    return SimpleNamespace(count=1, offset_seconds=offset_seconds)  # type: ignore[return-value]


@pytest.fixture
async def link(redis_server: RedisServer) -> AsyncIterator[RedisLink]:
    async with open_link(redis_server.url) as link:
        yield link


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["find", "keep"]),
        st.sampled_from([("task", "a"), ("task", "b"), ("task", "a" * 9), ("other", "a")]),
        st.sampled_from([1.0, 7.0, 30.0]),
        st.sampled_from(["", "x" * 300, [0] * 9, {"id": 1}, None, 2**70, "é😀"]),
        st.floats(0.0, 1.0),
    ),
    min_size=20,
    max_size=60,
)
BOUNDS = st.builds(
    Bounds, entries=st.integers(1, 3), total_bytes=st.sampled_from([400, 900, 2000]), value_bytes=st.just(800)
)


@given(ACTS, BOUNDS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_keeps_and_forgets_what_a_shelf_in_memory_does(
    redis_server: RedisServer, acts: list[Any], bounds: Bounds
) -> None:
    redis_server.forget_all()
    with ask_over(redis_server) as (link, ask):
        shelf, results = Shelf(bounds), RedisResults(link, alone(), bounds)
        now = EPOCH
        for act, name, ttl, output, pause in acts:
            now += pause
            if act == "keep":
                shelf.keep(name, output, ttl, now)
                ask(results.keep(ACME, name, output, ttl, now))
                continue
            kept, shared = shelf.find(name, ttl, now), ask(results.find(ACME, name, ttl, now))
            assert (kept and (kept.output, kept.kept_at)) == (shared and (shared.output, shared.kept_at))


@pytest.mark.parametrize("output", [None, 0, "", [], {"a": [1.5, "é\n"]}, "x" * 200_000])
async def test_a_result_comes_back_as_it_was(link: RedisLink, output: Json) -> None:
    results = RedisResults(link, alone())
    await results.keep(ACME, NAME, output, TTL, EPOCH)
    found = await results.find(ACME, NAME, TTL, EPOCH + 1)
    assert found is not None
    assert (found.output, found.kept_at) == (output, EPOCH)


async def test_tenants_tasks_and_keys_have_results_of_their_own(link: RedisLink) -> None:
    results = RedisResults(link, alone())
    names: list[Name] = [("ab", "c"), ("a", "bc"), ("ab", b"c" * 32), ("ab", "c" * 32)]
    for tenant in (ACME, GLOBEX):
        for number, name in enumerate(names):
            assert await results.find(tenant, name, TTL, EPOCH) is None
            await results.keep(tenant, name, [tenant, number], TTL, EPOCH)
    for tenant in (ACME, GLOBEX):
        for number, name in enumerate(names):
            found = await results.find(tenant, name, TTL, EPOCH)
            assert found is not None
            assert found.output == [tenant, number]


async def test_keys_are_hashed_and_everything_of_a_tenant_has_its_time(link: RedisLink) -> None:
    results = RedisResults(link, alone())
    await results.keep(ACME, ("digest", "a caller's words"), "output", 10.0, EPOCH)
    await results.keep(ACME, ("digest", "other words"), "output", 1000.0, EPOCH)
    await results.keep(ACME, ("digest", "more words"), "output", 10.0, EPOCH)
    keys = sorted(await link.call("KEYS", "*"))
    assert keys == [b"tenantry:1:{acme}:results", b"tenantry:1:{acme}:results-read"]
    assert not any(b"words" in field for field in await link.call("HGETALL", keys[0]))
    for key in keys:
        assert 900 < await link.call("TTL", key) <= 1000


class Kept:
    """A tenant's results, by key."""

    def __init__(self, link: RedisLink, bounds: Bounds) -> None:
        self.results = RedisResults(link, alone(), bounds)

    async def keep(self, key: str, output: Json) -> None:
        await self.results.keep(ACME, ("digest", key), output, TTL, EPOCH)

    async def has(self, key: str) -> bool:
        return await self.results.find(ACME, ("digest", key), TTL, EPOCH) is not None


async def test_over_its_number_what_was_not_read_the_longest_goes_first(link: RedisLink) -> None:
    kept = Kept(link, Bounds(entries=2))
    await kept.keep("a", "a")
    await kept.keep("b", "b")
    assert await kept.has("a")
    await kept.keep("c", "c")
    assert [await kept.has(key) for key in "abc"] == [True, False, True]


async def test_over_its_bytes_a_tenant_keeps_as_much_as_fits_and_no_more(link: RedisLink) -> None:
    each = weigh("x" * 100)
    assert each is not None
    kept = Kept(link, Bounds(total_bytes=2 * each))
    for key in "abc":
        await kept.keep(key, "x" * 100)
    assert [await kept.has(key) for key in "abc"] == [False, True, True]


async def test_what_was_replaced_or_went_weighs_nothing_any_more(link: RedisLink) -> None:
    kept = Kept(link, Bounds(entries=2, total_bytes=2000))
    await kept.keep("small", "small")
    for _ in range(10):
        await kept.keep("large", "x" * 1000)
    assert await kept.has("small")
    for key in "abcdefgh":
        await kept.keep(key, "x" * 600)
    assert [await kept.has(key) for key in "fgh"] == [False, True, True]


async def test_a_large_result_takes_the_older_one_of_its_name_with_it(link: RedisLink) -> None:
    kept = Kept(link, Bounds(value_bytes=1000))
    await kept.keep("a", "small")
    await kept.keep("a", "x" * 1000)
    assert not await kept.has("a")


@pytest.mark.parametrize("evicted", ["results", "results-read"])
async def test_a_key_that_redis_evicted_under_pressure_confuses_nothing(
    link: RedisLink, evicted: str
) -> None:
    results = RedisResults(link, alone(), Bounds(entries=2, total_bytes=1000))
    for key in "ab":
        await results.keep(ACME, ("digest", key), "x" * 300, TTL, EPOCH)
    await link.call("DEL", f"tenantry:1:{{acme}}:{evicted}")
    for key in "cdef":
        await results.keep(ACME, ("digest", key), "x" * 300, TTL, EPOCH)
    found = [await results.find(ACME, ("digest", key), TTL, EPOCH) for key in "abcdef"]
    assert sum(one is not None for one in found) <= 2
    await results.keep(ACME, NAME, "kept", TTL, EPOCH)
    assert await results.find(ACME, NAME, TTL, EPOCH) is not None


async def test_without_redis_nothing_is_found_and_keeping_does_nothing(
    link: RedisLink, redis_server: RedisServer
) -> None:
    results = RedisResults(link, alone())
    redis_server.stop()
    await results.keep(ACME, NAME, "output", TTL, EPOCH)
    assert await results.find(ACME, NAME, TTL, EPOCH) is None


class Kitchen:
    """The cache of one process, its clock, and an upstream that answers at once and counts."""

    def __init__(self, link: RedisLink, clock_offset: float = 0.0) -> None:
        self.cache = ResultCache(shared=RedisResults(link, alone(-clock_offset)))
        self.offset, self.now, self.calls = clock_offset, EPOCH, 0

    async def fetch(self, value: Json, *, tenant: TenantId = ACME, ttl: float = TTL) -> tuple[Json, bool]:
        async def produce() -> TaskResult:
            self.calls += 1
            return TaskResult(value, egress_bytes=5)

        now: Callable[[], float] = lambda: self.now + self.offset  # noqa: E731
        making: Callable[[], Awaitable[TaskResult]] = produce
        result, served = await self.cache.fetch(
            tenant, "digest", "key", ttl_seconds=ttl, now=now, produce=making
        )
        assert result.egress_bytes == (0 if served else 5)
        return result.output, served


async def test_a_result_of_one_process_is_served_by_another_until_it_is_too_old(link: RedisLink) -> None:
    one, other = Kitchen(link), Kitchen(link)
    assert await one.fetch("of one") == ("of one", False)
    other.now += TTL - 0.125
    assert await other.fetch("of other") == ("of one", True)
    other.now += 0.125
    assert await other.fetch("of other") == ("of other", False)
    assert (one.calls, other.calls) == (1, 1)


async def test_a_result_found_elsewhere_grows_no_younger_here(link: RedisLink) -> None:
    one, other = Kitchen(link), Kitchen(link)
    await one.fetch("of one")
    other.now += TTL / 2
    assert await other.fetch("unused") == ("of one", True)
    await link.call("FLUSHALL")
    other.now += TTL / 2 - 0.125
    assert await other.fetch("unused") == ("of one", True)
    other.now += 0.125
    assert await other.fetch("of other") == ("of other", False)


async def test_what_a_process_has_is_not_asked_for_elsewhere(link: RedisLink) -> None:
    one = Kitchen(link)
    await one.fetch("of one")
    await link.call("FLUSHALL")
    assert await one.fetch("unused") == ("of one", True)


async def test_processes_whose_clocks_differ_agree_on_how_old_a_result_is(link: RedisLink) -> None:
    one, ahead = Kitchen(link), Kitchen(link, clock_offset=3600.0)
    await one.fetch("of one")
    ahead.now += TTL - 0.125
    assert await ahead.fetch("unused") == ("of one", True)
    await link.call("FLUSHALL")
    assert await ahead.fetch("unused") == ("of one", True)
    ahead.now += 0.125
    assert await ahead.fetch("of the other") == ("of the other", False)


async def test_one_tenant_s_result_is_never_served_to_another(link: RedisLink) -> None:
    one, other = Kitchen(link), Kitchen(link)
    await one.fetch("of acme")
    assert await other.fetch("of globex", tenant=GLOBEX) == ("of globex", False)
