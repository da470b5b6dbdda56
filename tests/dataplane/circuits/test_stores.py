"""Whatever keeps circuits: tenants apart, what is forgotten and when, what a person holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.circuits.breaker import PROBE_SECONDS, Change, Order, Outcome
from tenantry.dataplane.circuits.port import Permit
from tests.support.circuit_model import ACME, EPOCH, GLOBEX, IDLE_SECONDS, ORDERS, POLICY, USERS, WIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.circuit_calls import CircuitCalls

    Make = Callable[..., CircuitCalls]


def test_one_tenant_s_failures_never_open_another_s_circuit(circuits_of: Make) -> None:
    circuits = circuits_of()
    circuits.fail(ACME)
    assert circuits.refuses(ACME)
    circuits.call(GLOBEX)
    assert [view.failures for view in circuits.views(GLOBEX)] == [0]


def test_upstreams_and_policies_have_circuits_of_their_own(circuits_of: Make) -> None:
    circuits = circuits_of()
    circuits.fail()
    circuits.call(upstream=ORDERS)
    assert isinstance(circuits.admit(policy=WIDE), Permit)


@pytest.mark.parametrize(("pause", "change"), [(0.125, Change.OPENED), (0.0, None)])
def test_a_failure_as_old_as_the_sampling_duration_counts_no_more(
    circuits_of: Make, pause: float, change: Change | None
) -> None:
    circuits = circuits_of()
    assert circuits.report(circuits.call(), Outcome.FAILURE) is None
    later = EPOCH + POLICY.sampling_seconds - pause
    assert circuits.report(circuits.call(now=later), Outcome.FAILURE, later) is change


def test_a_probe_whose_place_passed_to_another_cannot_close_for_it(circuits_of: Make) -> None:
    circuits = circuits_of()
    circuits.fail()
    tried = EPOCH + POLICY.break_seconds
    abandoned = circuits.call(now=tried)
    assert circuits.refuses(now=tried)
    late = tried + PROBE_SECONDS
    its_successor = circuits.call(now=late)
    assert circuits.report(abandoned, Outcome.SUCCESS, late) is None
    assert circuits.refuses(now=late)
    assert circuits.report(its_successor, Outcome.SUCCESS, late) is Change.CLOSED


def test_an_order_for_another_tenant_s_circuit_finds_nothing(circuits_of: Make) -> None:
    circuits = circuits_of()
    circuits.call(ACME)
    assert circuits.order(Order.OPEN, GLOBEX) is None
    circuits.call(ACME)


def test_a_late_permit_of_a_forgotten_circuit_does_nothing_to_the_one_after_it(circuits_of: Make) -> None:
    circuits = circuits_of(idle_seconds=IDLE_SECONDS)
    old = [circuits.call() for _ in range(3)]
    later = EPOCH + IDLE_SECONDS + POLICY.sampling_seconds
    assert circuits.report(old.pop(), Outcome.FAILURE, later) is None
    circuits.call(now=later)
    assert [circuits.report(permit, Outcome.FAILURE, later) for permit in old] == [None, None]
    assert [view.failures for view in circuits.views(now=later)] == [0]


def test_no_generation_comes_back_whichever_circuit_is_forgotten_last(circuits_of: Make) -> None:
    circuits = circuits_of(idle_seconds=IDLE_SECONDS)
    circuits.fail()
    tried = EPOCH + POLICY.break_seconds
    assert circuits.report(circuits.call(now=tried), Outcome.SUCCESS, tried) is Change.CLOSED
    old = circuits.call(now=tried)
    circuits.call(upstream=ORDERS, now=tried)
    later = tried + IDLE_SECONDS + POLICY.sampling_seconds
    assert circuits.upstreams(now=later) == []
    circuits.fail(now=later)
    circuits.call(now=later + POLICY.break_seconds)
    assert circuits.report(old, Outcome.FAILURE, later + POLICY.break_seconds) is None


def test_no_generation_comes_back_when_a_circuit_made_room_and_begins_anew(circuits_of: Make) -> None:
    circuits = circuits_of(max_per_tenant=1)
    old = [circuits.call()]
    for _ in range(3):
        circuits.order(Order.RESET)
        old.append(circuits.call())
    circuits.call(upstream=ORDERS)
    circuits.call()
    for _ in range(4):
        assert [circuits.report(permit, Outcome.FAILURE) for permit in old] == [None] * 4
        assert [view.failures for view in circuits.views()] == [0]
        circuits.order(Order.RESET)


def test_nor_when_a_younger_circuit_makes_room_before_an_older_one(circuits_of: Make) -> None:
    circuits = circuits_of(max_per_tenant=2)
    old = [circuits.call()]
    for _ in range(3):
        circuits.order(Order.RESET)
        old.append(circuits.call())
    # All of it within a millisecond: generations follow the clock as well.
    for step, upstream in enumerate([ORDERS, "https://a", "https://b", "https://a", USERS], start=1):
        circuits.call(upstream=upstream, now=EPOCH + step * 2**-14)
    assert sorted(circuits.upstreams()) == ["https://a", USERS]
    assert [circuits.report(permit, Outcome.FAILURE, EPOCH + 2**-10) for permit in old] == [None] * 4
    assert [view.failures for view in circuits.views(now=EPOCH + 2**-10)] == [0, 0]


def test_a_held_circuit_is_never_idle(circuits_of: Make) -> None:
    circuits = circuits_of(idle_seconds=IDLE_SECONDS)
    circuits.call()
    circuits.order(Order.OPEN)
    assert circuits.refuses(now=EPOCH + 1e9)
    assert circuits.upstreams(now=EPOCH + 2e9) == [USERS]


def test_a_tenant_over_its_bound_loses_the_circuit_it_needed_least_and_its_neighbour_none(
    circuits_of: Make,
) -> None:
    circuits = circuits_of(max_per_tenant=3)
    circuits.call(GLOBEX)
    for number in range(3):
        circuits.call(upstream=f"https://{number}", now=EPOCH + number)
    circuits.order(Order.OPEN, upstream="https://0")
    circuits.call(upstream="https://3", now=EPOCH + 3)
    assert sorted(circuits.upstreams()) == ["https://0", "https://2", "https://3"]
    assert circuits.upstreams(GLOBEX) == [USERS]


def test_circuits_that_are_all_held_stay_within_the_bound(circuits_of: Make) -> None:
    circuits = circuits_of(max_per_tenant=2)
    for number in range(4):
        circuits.call(upstream=f"https://{number}", now=EPOCH + number)
        circuits.order(Order.CLOSE, upstream=f"https://{number}", now=EPOCH + number)
    assert sorted(circuits.upstreams()) == ["https://2", "https://3"]
