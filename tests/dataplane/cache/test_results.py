"""What is kept, for how long, for whom; and what those who wait for a call get when it fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.cache.shelf import Bounds
from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.engine.ports import AttemptFailedError, TaskResult
from tenantry.language.plan.model import RetryOn
from tenantry.protocol.problems import Source
from tenantry.tenants.identity import TenantId
from tests.support.hand_moved import HandMovedLoop
from tests.support.settling import settle

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from tenantry.language.values import Json

EPOCH = 1_700_000_000.0
TTL = 60.0
STATUS = Failure(code=FailureCode.UPSTREAM_STATUS, message="", status=404)
CONNECTION = Failure(code=FailureCode.UPSTREAM_CONNECTION, message="", retry_on=RetryOn.CONNECTION)
TIMEOUT = Failure(code=FailureCode.UPSTREAM_TIMEOUT, message="", retry_on=RetryOn.TIMEOUT)
OURS = Failure(code=FailureCode.INTERNAL, message="", source=Source.PLATFORM)
CALLERS = Failure(code=FailureCode.UNRESOLVED, message="", source=Source.CALLER)


@dataclass
class Kitchen:
    """A cache, a clock moved by hand, and an upstream that answers at once and counts."""

    cache: ResultCache = field(default_factory=ResultCache)
    now: float = EPOCH
    calls: int = 0

    def fetch(
        self,
        value: Json = "fresh",
        *,
        tenant: str = "acme",
        task: str = "digest",
        key: str = "key",
        ttl: float = TTL,
        failure: Failure | None = None,
    ) -> tuple[Json, bool]:
        """What a caller gets whose own call would give that value, or that failure."""

        async def produce() -> TaskResult:
            self.calls += 1
            if failure is not None:
                raise AttemptFailedError(failure)
            return TaskResult(value, egress_bytes=5)

        result, served = settle(
            self.cache.fetch(
                TenantId(tenant), task, key, ttl_seconds=ttl, now=lambda: self.now, produce=produce
            )
        )
        assert result.egress_bytes == (0 if served else 5)
        return result.output, served


def test_a_result_is_served_until_it_is_as_old_as_its_time_to_live() -> None:
    kitchen = Kitchen()
    assert kitchen.fetch("first") == ("first", False)
    kitchen.now += TTL - 0.125
    assert kitchen.fetch("second") == ("first", True)
    kitchen.now += 0.125
    assert kitchen.fetch("third") == ("third", False)
    assert kitchen.fetch("fourth") == ("third", True)


def test_age_counts_from_when_the_answer_came_and_serving_it_makes_it_no_younger() -> None:
    kitchen = Kitchen()

    async def slow() -> TaskResult:
        kitchen.now += 10
        return TaskResult("slow")

    cache = kitchen.cache
    settle(
        cache.fetch(TenantId("acme"), "digest", "key", ttl_seconds=TTL, now=lambda: kitchen.now, produce=slow)
    )
    for _ in range(5):
        kitchen.now += 11.875
        assert kitchen.fetch() == ("slow", True)
    kitchen.now += 0.625
    assert kitchen.fetch() == ("fresh", False)


def test_every_reader_decides_how_old_is_too_old() -> None:
    kitchen = Kitchen()
    kitchen.fetch("old", ttl=3600)
    kitchen.now += 30
    assert kitchen.fetch("unused", ttl=31) == ("old", True)
    assert kitchen.fetch("new", ttl=30) == ("new", False)
    assert kitchen.fetch("unused", ttl=3600) == ("new", True)


@pytest.mark.parametrize("failure", [STATUS, CONNECTION, TIMEOUT, OURS])
def test_failures_are_not_kept(failure: Failure) -> None:
    kitchen = Kitchen()
    with pytest.raises(AttemptFailedError) as caught:
        kitchen.fetch(failure=failure)
    assert caught.value.failure is failure
    assert kitchen.fetch() == ("fresh", False)


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}])
def test_an_empty_result_is_a_result(value: Json) -> None:
    kitchen = Kitchen()
    kitchen.fetch(value)
    assert kitchen.fetch() == (value, True)


def test_two_tenants_with_equal_keys_never_see_each_other_s_result() -> None:
    kitchen = Kitchen()
    assert kitchen.fetch("of acme", tenant="acme") == ("of acme", False)
    assert kitchen.fetch("of globex", tenant="globex") == ("of globex", False)
    assert kitchen.fetch(tenant="acme") == ("of acme", True)
    assert kitchen.fetch(tenant="globex") == ("of globex", True)


def test_tasks_and_keys_have_results_of_their_own() -> None:
    kitchen = Kitchen()
    pairs = [("ab", "c"), ("a", "bc"), ("ab", "k" * 5000), ("ab", "k" * 4999 + "K")]
    for task, key in pairs:
        assert kitchen.fetch([task, key], task=task, key=key) == ([task, key], False)
    for task, key in pairs:
        assert kitchen.fetch(task=task, key=key) == ([task, key], True)


def test_a_long_key_is_not_kept_at_its_length() -> None:
    kitchen = Kitchen()
    kitchen.fetch(key="k" * 1_000_000)
    (tenant,) = kitchen.cache._tenants.values()
    ((_, key),) = tenant.shelf._kept
    assert len(key) == 32


def test_over_its_number_a_tenant_loses_what_was_not_read_the_longest() -> None:
    kitchen = Kitchen(ResultCache(Bounds(entries=2)))
    kitchen.fetch("a", key="a")
    kitchen.fetch("b", key="b")
    assert kitchen.fetch(key="a") == ("a", True)
    kitchen.fetch("c", key="c")
    assert [kitchen.fetch("again", key=key)[0] for key in ("a", "c", "b")] == ["a", "c", "again"]


def test_over_its_bytes_a_tenant_loses_only_its_own_results() -> None:
    kitchen = Kitchen(ResultCache(Bounds(total_bytes=2500)))
    kitchen.fetch("of globex", tenant="globex")
    for key in "abc":
        kitchen.fetch("x" * 1000, key=key)
    assert [kitchen.fetch(key=key)[1] for key in ("c", "b", "a")] == [True, True, False]
    assert kitchen.fetch(tenant="globex") == ("of globex", True)


def test_replaced_results_weigh_nothing_any_more() -> None:
    kitchen = Kitchen(ResultCache(Bounds(total_bytes=2500)))
    kitchen.fetch("small", key="b")
    for _ in range(10):
        kitchen.fetch("x" * 1000)
        kitchen.now += TTL
    assert kitchen.fetch(key="b", ttl=3600) == ("small", True)


@pytest.mark.parametrize("bounds", [Bounds(value_bytes=1000), Bounds(total_bytes=1000)])
def test_a_large_result_passes_through_and_takes_the_older_one_with_it(bounds: Bounds) -> None:
    kitchen = Kitchen(ResultCache(bounds))
    kitchen.fetch("small", key="other")
    kitchen.fetch("small")
    kitchen.now += TTL / 2
    assert kitchen.fetch("x" * 1000, ttl=1) == ("x" * 1000, False)
    assert kitchen.fetch("small") == ("small", False)
    assert kitchen.fetch(key="other") == ("small", True)


def test_a_result_of_many_small_values_weighs_more_than_its_text() -> None:
    kitchen = Kitchen(ResultCache(Bounds(value_bytes=1000)))
    kitchen.fetch([0] * 100)
    assert kitchen.fetch() == ("fresh", False)


def test_a_result_that_cannot_be_written_as_json_passes_through() -> None:
    kitchen = Kitchen()
    assert kitchen.fetch(2**70) == (2**70, False)
    assert kitchen.fetch() == ("fresh", False)


def test_tenants_that_went_away_are_forgotten_as_others_keep_results() -> None:
    kitchen = Kitchen()
    kitchen.fetch(tenant="long", key="long", ttl=2 * TTL)
    kitchen.fetch(tenant="long", key="short")
    for number in range(20):
        kitchen.fetch(tenant=f"tenant-{number}")
    kitchen.now += TTL
    for number in range(22):
        kitchen.fetch(tenant="acme", key=str(number))
    assert set(kitchen.cache._tenants) == {"acme", "long"}


@dataclass(eq=False)
class Waiting:
    """A caller whose call ends when the test says so."""

    loop: HandMovedLoop
    task: asyncio.Task[tuple[TaskResult, bool]]
    calls: list[asyncio.Future[TaskResult]]

    def ends(self, answer: Any) -> None:
        """Its call gives the answer, or fails that way."""
        (call,) = self.calls
        if isinstance(answer, BaseException):
            call.set_exception(answer)
        else:
            call.set_result(TaskResult(answer))
        settle_all(self.loop)

    @property
    def failure(self) -> Failure:
        error = self.task.exception()
        assert isinstance(error, AttemptFailedError)
        return error.failure


def settle_all(loop: HandMovedLoop) -> None:
    while loop.has_work:
        loop.step()


@pytest.fixture
def loop() -> Iterator[HandMovedLoop]:
    loop = HandMovedLoop()
    yield loop
    loop.close()


def crowd(loop: HandMovedLoop, size: int, cache: ResultCache) -> list[Waiting]:
    """So many callers of one key, the first of whom has made the call."""

    def join() -> Waiting:
        calls: list[asyncio.Future[TaskResult]] = []

        async def produce() -> TaskResult:
            calls.append(loop.create_future())
            return await calls[-1]

        fetch = cache.fetch(
            TenantId("acme"), "digest", "key", ttl_seconds=TTL, now=lambda: EPOCH, produce=produce
        )
        return Waiting(loop, loop.start(fetch), calls)

    callers = [join() for _ in range(size)]
    settle_all(loop)
    return callers


def test_a_crowd_makes_one_call_and_everybody_gets_its_answer(loop: HandMovedLoop) -> None:
    leader, *others = crowd(loop, 100, ResultCache())
    leader.ends("answer")
    assert leader.task.result() == (TaskResult("answer"), False)
    assert [other.task.result() for other in others] == [(TaskResult("answer"), True)] * 99
    assert not any(other.calls for other in others)


@pytest.mark.parametrize("failure", [STATUS, CONNECTION])
def test_what_the_upstream_said_is_everybody_s_failure_after_one_call(
    loop: HandMovedLoop, failure: Failure
) -> None:
    cache = ResultCache()
    leader, *others = crowd(loop, 100, cache)
    leader.ends(AttemptFailedError(failure, 5))
    assert [other.failure for other in [leader, *others]] == [failure] * 100
    assert not any(other.calls for other in others)
    (later,) = crowd(loop, 1, cache)
    later.ends("recovered")
    assert later.task.result() == (TaskResult("recovered"), False)


@pytest.mark.parametrize(
    "error", [AttemptFailedError(failure) for failure in (TIMEOUT, OURS, CALLERS)] + [RuntimeError("ours")]
)
def test_after_a_failure_of_the_leader_s_own_the_one_who_waited_longest_calls(
    loop: HandMovedLoop, error: Exception
) -> None:
    leader, second, third = crowd(loop, 3, ResultCache())
    leader.ends(error)
    assert leader.task.exception() is error
    assert (len(second.calls), len(third.calls)) == (1, 0)
    second.ends("answer")
    assert second.task.result() == (TaskResult("answer"), False)
    assert third.task.result() == (TaskResult("answer"), True)


def test_a_leader_s_shorter_deadline_is_not_the_others(loop: HandMovedLoop) -> None:
    leader, *others = crowd(loop, 5, ResultCache())
    leader.task.cancel()
    settle_all(loop)
    assert leader.task.cancelled()
    assert [len(other.calls) for other in others] == [1, 0, 0, 0]
    others[0].ends("answer")
    assert {other.task.result()[0].output for other in others} == {"answer"}


def test_when_everybody_has_gone_the_next_caller_calls(loop: HandMovedLoop) -> None:
    cache = ResultCache()
    callers = crowd(loop, 3, cache)
    for caller in callers:
        caller.task.cancel()
    settle_all(loop)
    (later,) = crowd(loop, 1, cache)
    later.ends("answer")
    assert later.task.result() == (TaskResult("answer"), False)


def test_a_tenant_with_a_call_in_progress_is_not_forgotten(loop: HandMovedLoop) -> None:
    cache = ResultCache()
    (first,) = crowd(loop, 1, cache)
    kitchen = Kitchen(cache, now=EPOCH + 10 * TTL)
    for number in range(5):
        kitchen.fetch(tenant="globex", key=str(number))
    (second,) = crowd(loop, 1, cache)
    first.ends("answer")
    assert second.task.result() == (TaskResult("answer"), True)
