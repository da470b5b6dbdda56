"""The circuits on Redis: against the model, to the last bit those in memory, and what Redis keeps of them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from tenantry.dataplane.circuits.breaker import PROBE_SECONDS, Order, Outcome, Refusal
from tenantry.dataplane.circuits.memory import DEFAULT_IDLE_SECONDS, DEFAULT_MAX_PER_TENANT, MemoryCircuits
from tenantry.dataplane.circuits.port import Permit
from tenantry.dataplane.circuits.redis import RedisCircuits
from tenantry.dataplane.circuits.view import circuit_name
from tenantry.dataplane.redis.link import open_link
from tenantry.language.plan.model import CircuitPolicy, RetryOn
from tests.support.circuit_calls import CircuitCalls
from tests.support.circuit_model import (
    ACME,
    EPOCH,
    GLOBEX,
    IDLE_SECONDS,
    ORDERS,
    POLICY,
    USERS,
    WIDE,
    CircuitsAgreeWithModel,
)
from tests.support.redis import ask_over
from tests.support.settling import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.redis.link import RedisLink
    from tests.support.redis import RedisServer
    from tests.support.settling import Ask


KEYS = [b"tenantry:1:{acme}:circuits", b"tenantry:1:{acme}:circuits-end"]


@dataclass(frozen=True)
class OnRedis:
    """A link and how to ask over it."""

    link: RedisLink
    ask: Ask

    def command(self, *words: Any) -> Any:
        return self.ask(self.link.call(*words))

    def circuits(self, **bounds: Any) -> CircuitCalls:
        """Circuits that begin with nothing."""
        self.command("FLUSHALL")
        return CircuitCalls(RedisCircuits(self.link, **bounds), self.ask)


@pytest.fixture
def on_redis(redis_server: RedisServer) -> Iterator[OnRedis]:
    with ask_over(redis_server) as (link, ask):
        yield OnRedis(link, ask)


def test_circuits_on_redis_agree_with_the_model(on_redis: OnRedis) -> None:
    class OnRedisAgrees(CircuitsAgreeWithModel):
        def __init__(self) -> None:
            super().__init__(on_redis.circuits(idle_seconds=IDLE_SECONDS).circuits, on_redis.ask)

    bounds = settings(max_examples=60, stateful_step_count=50, deadline=None)
    run_state_machine_as_test(OnRedisAgrees, settings=bounds)


class Both:
    """Circuits in memory and on Redis that are asked the same, and have to answer the same."""

    def __init__(self, on_redis: OnRedis, now: float, **bounds: Any) -> None:
        self.both = [CircuitCalls(MemoryCircuits(**bounds), settle), on_redis.circuits(**bounds)]
        self.permits: list[list[Permit]] = []
        self.now = now

    def call(self, upstream: str, policy: CircuitPolicy) -> None:
        decisions = [one.admit(ACME, upstream, self.now, policy) for one in self.both]
        permits = [decision for decision in decisions if isinstance(decision, Permit)]
        if permits:
            first, second = permits
            assert first.ticket.probe == second.ticket.probe
            self.permits.append(permits)
        else:
            assert decisions[0] == decisions[1]

    def report(self, choice: int, outcome: Outcome) -> None:
        if self.permits:
            permits = self.permits.pop(choice % len(self.permits))
            changes = [
                one.report(permit, outcome, self.now) for one, permit in zip(self.both, permits, strict=True)
            ]
            assert changes[0] == changes[1]

    def order(self, upstream: str, policy: CircuitPolicy, order: Order) -> None:
        name = circuit_name(upstream, policy)
        views = [one.ask(one.circuits.obey(ACME, name, order, self.now)) for one in self.both]
        assert views[0] == views[1]

    def look(self) -> None:
        views = [one.views(now=self.now) for one in self.both]
        assert views[0] == views[1]


POLICIES = [POLICY, WIDE, CircuitPolicy(failure_threshold=1, sampling_seconds=0.1, break_seconds=1 / 3)]
STEPS = st.lists(
    st.tuples(
        st.floats(2**-20, 50.0),
        st.sampled_from(["call", "call", "call", *Outcome, *Order]),
        st.sampled_from([USERS, ORDERS, "https://third.example.com"]),
        st.sampled_from(POLICIES),
        st.integers(0, 9),
    ),
    min_size=20,
    max_size=60,
)
UNDER_ONE_FIXTURE = [HealthCheck.function_scoped_fixture]


@given(STEPS)
@settings(max_examples=100, deadline=None, suppress_health_check=UNDER_ONE_FIXTURE)
def test_redis_and_memory_answer_the_same_to_the_last_bit(on_redis: OnRedis, steps: list[Any]) -> None:
    both = Both(on_redis, EPOCH + 0.1, idle_seconds=60.0, max_per_tenant=3)
    for pause, act, upstream, policy, choice in steps:
        both.now += pause
        if isinstance(act, Order):
            both.order(upstream, policy, act)
        elif isinstance(act, Outcome):
            both.report(choice, act)
        else:
            both.call(upstream, policy)
        both.look()


TWO_PROBES = CircuitPolicy(
    failure_threshold=2, sampling_seconds=60.0, break_seconds=30.0, half_open_requests=2
)
ACTS = st.lists(
    st.sampled_from(["call", "call", "call", *Outcome, Outcome.SUCCESS])
    | st.sampled_from([0.125, PROBE_SECONDS - 0.125, PROBE_SECONDS, TWO_PROBES.break_seconds]),
    min_size=15,
    max_size=40,
)


@given(st.integers(0, 1), ACTS, st.lists(st.integers(0, 9), min_size=40, max_size=40))
@settings(max_examples=150, deadline=None, suppress_health_check=UNDER_ONE_FIXTURE)
def test_nor_do_they_differ_at_any_boundary_of_the_states(
    on_redis: OnRedis, tried: int, acts: list[Any], choices: list[int]
) -> None:
    both = Both(on_redis, EPOCH)
    for _ in range(TWO_PROBES.failure_threshold * tried):
        both.call(USERS, TWO_PROBES)
        both.report(0, Outcome.FAILURE)
    both.now += TWO_PROBES.break_seconds * tried
    for act, choice in zip(acts, choices, strict=False):
        if isinstance(act, float):
            both.now += act
        elif isinstance(act, Outcome):
            both.report(choice, act)
        else:
            both.call(USERS, TWO_PROBES)
        both.look()


def test_what_an_ordinary_call_reports_costs_nothing_unless_it_failed(on_redis: OnRedis) -> None:
    circuits = on_redis.circuits()
    permit = circuits.call()
    before = on_redis.command("INFO", "commandstats")
    for outcome in (Outcome.SUCCESS, Outcome.NEUTRAL):
        assert circuits.report(permit, outcome) is None
    ours = [line for line in before.splitlines() if b"eval" in line]
    assert [line for line in on_redis.command("INFO", "commandstats").splitlines() if b"eval" in line] == ours


def lifetimes(on_redis: OnRedis) -> set[bool | None]:
    """Of the tenant's keys: `None` for those that stay, whether the others live as long as they should."""
    longest = DEFAULT_IDLE_SECONDS + POLICY.sampling_seconds
    left = [on_redis.command("TTL", key) for key in KEYS]
    return {None if seconds == -1 else longest < seconds <= longest + 60 for seconds in left}


def test_nothing_is_kept_for_longer_than_it_may_matter(on_redis: OnRedis) -> None:
    circuits = on_redis.circuits()
    circuits.call()
    assert lifetimes(on_redis) == {True}
    for key in KEYS:
        on_redis.command("EXPIRE", key, 10)
    assert lifetimes(on_redis) == {False}
    circuits.call()
    assert lifetimes(on_redis) == {True}


def test_what_a_person_holds_is_kept_until_nobody_holds_it(on_redis: OnRedis) -> None:
    circuits = on_redis.circuits()
    circuits.call()
    circuits.call(upstream=ORDERS)
    circuits.order(Order.OPEN)
    assert lifetimes(on_redis) == {None}
    circuits.call(upstream=ORDERS)
    circuits.call(upstream="https://third.example.com")
    assert lifetimes(on_redis) == {None}
    circuits.order(Order.RESET)
    assert lifetimes(on_redis) == {True}


@pytest.mark.parametrize("evicted", [0, 1])
def test_a_key_that_redis_evicted_under_pressure_leaves_nothing_for_ever(
    on_redis: OnRedis, evicted: int
) -> None:
    circuits = on_redis.circuits(max_per_tenant=2)
    for upstream in (USERS, ORDERS):
        circuits.call(upstream=upstream)
    on_redis.command("DEL", KEYS[evicted])
    circuits.call(upstream=USERS)
    assert lifetimes(on_redis) == {True}
    for number in range(3):
        circuits.call(upstream=f"https://{number}.example.com", now=EPOCH + 1)
    assert on_redis.command("ZCARD", KEYS[1]) == 2
    assert lifetimes(on_redis) == {True}


def test_what_is_forgotten_leaves_nothing_behind(on_redis: OnRedis) -> None:
    circuits = on_redis.circuits(max_per_tenant=2)
    for number in range(5):
        circuits.call(upstream=f"https://{number}.example.com", now=EPOCH + number)
    of_each, the_generation = 2, 1
    assert on_redis.command("HLEN", KEYS[0]) == 2 * of_each + the_generation
    circuits.call(now=EPOCH + 2 * DEFAULT_IDLE_SECONDS)
    assert on_redis.command("ZCARD", KEYS[1]) == 1
    assert on_redis.command("HLEN", KEYS[0]) == of_each + the_generation


def test_tenants_have_keys_of_their_own(on_redis: OnRedis) -> None:
    circuits = on_redis.circuits()
    circuits.call(ACME)
    assert sorted(on_redis.command("KEYS", "*")) == KEYS
    circuits.call(GLOBEX)
    assert sorted(on_redis.command("KEYS", "*")) == [
        *KEYS,
        *(key.replace(b"acme", b"globex") for key in KEYS),
    ]


def test_a_tenant_with_too_many_circuits_takes_little_of_everybody_s_redis(on_redis: OnRedis) -> None:
    circuits = on_redis.circuits()
    for number in range(DEFAULT_MAX_PER_TENANT):
        circuits.call(upstream=f"https://{number}.example.com", now=EPOCH + number)
    on_redis.command("CONFIG", "RESETSTAT")
    for number in range(10):
        circuits.call(upstream=f"https://other-{number}.example.com", now=EPOCH + 1000 + number)
    statistics = on_redis.command("INFO", "commandstats").decode()
    commands = sum(int(calls) for calls in re.findall(r":calls=(\d+)", statistics))
    assert commands <= 10 * 20
    assert "cmdstat_hgetall" not in statistics


def test_a_permit_from_before_redis_forgot_everything_means_nothing_to_what_came_after(
    on_redis: OnRedis,
) -> None:
    circuits = on_redis.circuits()
    old = circuits.call()
    on_redis.command("FLUSHALL")
    later = EPOCH + 0.5
    circuits.call(now=later)
    assert [circuits.report(old, Outcome.FAILURE, later) for _ in range(3)] == [None] * 3
    assert [view.failures for view in circuits.views(now=later)] == [0]


def test_failures_that_clocks_of_replicas_put_out_of_order_count_all_the_same(on_redis: OnRedis) -> None:
    policy = replace(POLICY, failure_threshold=4, counts=frozenset({RetryOn.TIMEOUT}))
    circuits = on_redis.circuits()
    for instant in (EPOCH + 2, EPOCH, EPOCH + 1):
        permit = circuits.admit(now=instant, policy=policy)
        assert isinstance(permit, Permit)
        circuits.report(permit, Outcome.FAILURE, instant)
    late = EPOCH + policy.sampling_seconds
    assert [view.failures for view in circuits.views(now=late)] == [2]
    assert [view.policy for view in circuits.views(now=late)] == [policy]


async def cancelled_while_frozen(server: RedisServer, circuits: RedisCircuits, now: float) -> None:
    """Somebody asks and gives up before Redis has answered."""
    with server.frozen():
        asked = asyncio.create_task(circuits.admit(ACME, USERS, POLICY, now))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked


async def test_a_caller_cancelled_before_its_answer_gives_the_probe_s_place_back(
    redis_server: RedisServer,
) -> None:
    async with open_link(redis_server.url) as link:
        circuits = RedisCircuits(link)
        for _ in range(POLICY.failure_threshold):
            permit = await circuits.admit(ACME, USERS, POLICY, EPOCH)
            assert isinstance(permit, Permit)
            await circuits.report(permit, Outcome.FAILURE, EPOCH)
        tried = EPOCH + POLICY.break_seconds
        await cancelled_while_frozen(redis_server, circuits, tried)
        await circuits.snapshot(ACME, tried)  # everything sent before it is answered
        assert isinstance(await circuits.admit(ACME, USERS, POLICY, tried), Permit)


async def test_a_caller_cancelled_before_it_was_let_through_or_refused_has_nothing_to_give_back(
    redis_server: RedisServer,
) -> None:
    async with open_link(redis_server.url) as link:
        circuits = RedisCircuits(link)
        permits = [await circuits.admit(ACME, USERS, POLICY, EPOCH) for _ in range(POLICY.failure_threshold)]
        await cancelled_while_frozen(redis_server, circuits, EPOCH)
        for permit in permits:
            assert isinstance(permit, Permit)
            await circuits.report(permit, Outcome.FAILURE, EPOCH)
        await cancelled_while_frozen(redis_server, circuits, EPOCH)
        assert isinstance(await circuits.admit(ACME, USERS, POLICY, EPOCH), Refusal)
