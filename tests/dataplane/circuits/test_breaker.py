"""The breaker's decisions at their exact boundaries, one rule of the state machine at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.circuits.breaker import (
    PROBE_SECONDS,
    Change,
    Circuit,
    Closed,
    HalfOpen,
    HeldClosed,
    HeldOpen,
    Open,
    Order,
    Outcome,
    Refusal,
    Ticket,
    admit,
    failures_in_window,
    next_probe_at,
    obey,
    report,
)
from tenantry.language.plan.model import CircuitPolicy

NOW = 1_700_000_000.0
GRAIN = 0.125
POLICY = CircuitPolicy(failure_threshold=3, sampling_seconds=60.0, break_seconds=30.0, half_open_requests=2)
NEW = Closed(generation=0)


def ticket_of(circuit: Circuit, now: float = NOW) -> tuple[Circuit, Ticket]:
    """An admitted call."""
    circuit, ticket = admit(circuit, POLICY, now)
    assert isinstance(ticket, Ticket)
    return circuit, ticket


def after_failures(*instants: float) -> tuple[Circuit, Change | None]:
    """A new circuit after a call failed at each of the instants, and what the last of them did."""
    circuit: Circuit = NEW
    change = None
    for instant in instants:
        circuit, ticket = ticket_of(circuit, instant)
        circuit, change = report(circuit, POLICY, ticket, Outcome.FAILURE, instant)
    return circuit, change


def opened(now: float = NOW) -> Circuit:
    circuit, change = after_failures(now, now, now)
    assert change is Change.OPENED
    return circuit


def half_open(now: float = NOW) -> tuple[Circuit, Ticket]:
    """A circuit at the end of its break, and its first probe."""
    circuit, probe = ticket_of(opened(now - POLICY.break_seconds), now)
    assert isinstance(circuit, HalfOpen)
    return circuit, probe


def test_the_threshold_opens_and_one_failure_less_does_not() -> None:
    circuit, change = after_failures(NOW, NOW)
    assert (change, isinstance(circuit, Closed)) == (None, True)
    circuit, change = after_failures(NOW, NOW, NOW)
    assert (change, circuit) == (Change.OPENED, Open(generation=1, opened_at=NOW))


def test_a_failure_as_old_as_the_sampling_duration_counts_no_more() -> None:
    _, change = after_failures(NOW, NOW, NOW + POLICY.sampling_seconds)
    assert change is None
    _, change = after_failures(NOW, NOW, NOW + POLICY.sampling_seconds - GRAIN)
    assert change is Change.OPENED


def test_old_failures_are_dropped_and_not_shown() -> None:
    circuit, _ = after_failures(NOW, NOW + 30)
    assert len(failures_in_window(circuit, POLICY, NOW + 59)) == 2
    assert failures_in_window(circuit, POLICY, NOW + POLICY.sampling_seconds) == (NOW + 30,)
    circuit, _ = after_failures(NOW, NOW + 30, NOW + 60)
    assert isinstance(circuit, Closed)
    assert circuit.failures == (NOW + 30, NOW + 60)


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.NEUTRAL])
def test_what_is_no_failure_leaves_a_closed_circuit_as_it_is(outcome: Outcome) -> None:
    circuit, _ = after_failures(NOW)
    assert report(circuit, POLICY, Ticket(0), outcome, NOW) == (circuit, None)


def test_an_open_circuit_refuses_until_the_break_is_over_to_the_instant() -> None:
    circuit = opened()
    assert admit(circuit, POLICY, NOW) == (circuit, Refusal(retry_after_seconds=30.0, opened_at=NOW))
    almost = NOW + POLICY.break_seconds - GRAIN
    assert admit(circuit, POLICY, almost) == (circuit, Refusal(retry_after_seconds=GRAIN, opened_at=NOW))
    circuit, probe = ticket_of(circuit, NOW + POLICY.break_seconds)
    assert isinstance(circuit, HalfOpen)
    assert probe.probe == 1


def test_a_half_open_circuit_lets_so_many_probes_through_and_refuses_the_next() -> None:
    circuit, first = half_open()
    circuit, second = ticket_of(circuit)
    assert first != second
    _, refusal = admit(circuit, POLICY, NOW)
    assert refusal == Refusal(retry_after_seconds=30.0, opened_at=NOW - 30.0)


def test_a_refused_caller_need_not_wait_longer_than_a_probe_may_take() -> None:
    circuit, _ = half_open()
    circuit, _ = ticket_of(circuit)
    _, refusal = admit(circuit, POLICY, NOW + PROBE_SECONDS - GRAIN)
    assert refusal == Refusal(retry_after_seconds=GRAIN, opened_at=NOW - 30.0)


def test_all_probes_must_succeed_to_close() -> None:
    circuit, first = half_open()
    circuit, change = report(circuit, POLICY, first, Outcome.SUCCESS, NOW)
    assert (change, isinstance(circuit, HalfOpen)) == (None, True)
    circuit, second = ticket_of(circuit)
    assert isinstance(admit(circuit, POLICY, NOW)[1], Refusal)
    circuit, change = report(circuit, POLICY, second, Outcome.SUCCESS, NOW)
    assert (change, circuit) == (Change.CLOSED, Closed(generation=3))


def test_one_failed_probe_opens_again_for_a_whole_break() -> None:
    circuit, first = half_open()
    circuit, second = ticket_of(circuit)
    circuit, _ = report(circuit, POLICY, first, Outcome.SUCCESS, NOW)
    circuit, change = report(circuit, POLICY, second, Outcome.FAILURE, NOW + 1)
    assert (change, circuit) == (Change.OPENED, Open(generation=3, opened_at=NOW + 1))


def test_a_probe_that_says_nothing_gives_its_place_back() -> None:
    circuit, first = half_open()
    circuit, _ = ticket_of(circuit)
    circuit, change = report(circuit, POLICY, first, Outcome.NEUTRAL, NOW)
    assert change is None
    circuit, third = ticket_of(circuit)
    assert third.probe == 3
    assert isinstance(admit(circuit, POLICY, NOW)[1], Refusal)


def test_the_place_of_an_abandoned_probe_passes_on_after_its_time_and_one_at_a_time() -> None:
    circuit, _ = half_open()
    circuit, _ = ticket_of(circuit, NOW + GRAIN)
    assert isinstance(admit(circuit, POLICY, NOW + PROBE_SECONDS - GRAIN)[1], Refusal)
    circuit, _ = ticket_of(circuit, NOW + PROBE_SECONDS)
    assert isinstance(admit(circuit, POLICY, NOW + PROBE_SECONDS)[1], Refusal)
    ticket_of(circuit, NOW + PROBE_SECONDS + GRAIN)


def test_a_slow_probe_whose_place_nobody_took_still_counts() -> None:
    circuit, first = half_open()
    late = NOW + 2 * PROBE_SECONDS
    circuit, _ = report(circuit, POLICY, first, Outcome.SUCCESS, late)
    circuit, second = ticket_of(circuit, late)
    assert report(circuit, POLICY, second, Outcome.SUCCESS, late)[1] is Change.CLOSED


@pytest.mark.parametrize(
    ("outcome", "change"),
    [(Outcome.SUCCESS, None), (Outcome.NEUTRAL, None), (Outcome.FAILURE, Change.OPENED)],
)
def test_a_probe_that_lost_its_place_can_only_open(outcome: Outcome, change: Change | None) -> None:
    circuit, first = half_open()
    circuit, _ = ticket_of(circuit)
    circuit, _ = ticket_of(circuit, NOW + PROBE_SECONDS)
    after, told = report(circuit, POLICY, first, outcome, NOW + PROBE_SECONDS)
    assert (told, after == circuit) == (change, change is None)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_call_of_an_earlier_generation_says_nothing(outcome: Outcome) -> None:
    _, of_closed = ticket_of(NEW)
    of_open = opened()
    of_half_open, probe = half_open()
    assert report(of_open, POLICY, of_closed, outcome, NOW) == (of_open, None)
    assert report(of_half_open, POLICY, of_closed, outcome, NOW) == (of_half_open, None)
    failed, _ = report(of_half_open, POLICY, probe, Outcome.FAILURE, NOW)
    assert report(failed, POLICY, probe, outcome, NOW) == (failed, None)
    again, _ = ticket_of(failed, NOW + POLICY.break_seconds)
    assert report(again, POLICY, probe, outcome, NOW) == (again, None)


def test_held_open_refuses_however_long_it_lasts() -> None:
    circuit = obey(NEW, Order.OPEN, NOW)
    assert circuit == HeldOpen(generation=1, opened_at=NOW)
    refusal = Refusal(retry_after_seconds=POLICY.break_seconds, opened_at=NOW)
    assert admit(circuit, POLICY, NOW + 1e6) == (circuit, refusal)


def test_held_closed_admits_and_no_failure_opens_it() -> None:
    circuit = obey(opened(), Order.CLOSE, NOW)
    assert circuit == HeldClosed(generation=2)
    for _ in range(POLICY.failure_threshold + 1):
        circuit, ticket = ticket_of(circuit)
        circuit, change = report(circuit, POLICY, ticket, Outcome.FAILURE, NOW)
        assert change is None
    assert circuit == HeldClosed(generation=2)


@pytest.mark.parametrize("before", [opened(), obey(NEW, Order.OPEN, NOW), obey(NEW, Order.CLOSE, NOW)])
def test_a_reset_begins_anew(before: Circuit) -> None:
    assert obey(before, Order.RESET, NOW) == Closed(generation=before.generation + 1)


@pytest.mark.parametrize("order", Order)
def test_calls_in_flight_matter_no_more_after_an_order(order: Order) -> None:
    circuit, first = half_open()
    ordered = obey(circuit, order, NOW)
    assert report(ordered, POLICY, first, Outcome.FAILURE, NOW) == (ordered, None)


def test_the_next_probe_is_told_while_one_is_to_come() -> None:
    assert next_probe_at(NEW, POLICY, NOW) is None
    assert next_probe_at(obey(NEW, Order.OPEN, NOW), POLICY, NOW) is None
    circuit = opened()
    assert next_probe_at(circuit, POLICY, NOW) == NOW + POLICY.break_seconds
    assert next_probe_at(circuit, POLICY, NOW + 40) == NOW + 40
    circuit, _ = half_open()
    assert next_probe_at(circuit, POLICY, NOW + 1) == NOW + 1
    circuit, _ = ticket_of(circuit)
    assert next_probe_at(circuit, POLICY, NOW + 1) == NOW + PROBE_SECONDS
    assert next_probe_at(circuit, POLICY, NOW + 99) == NOW + 99


@given(
    places=st.integers(1, 4),
    acts=st.lists(st.tuples(st.sampled_from(["call", *Outcome]), st.integers(0, 9)), max_size=60),
)
def test_never_more_probes_pass_in_one_period_than_there_are_places(
    places: int, acts: list[tuple[str | Outcome, int]]
) -> None:
    policy = CircuitPolicy(failure_threshold=1, break_seconds=30.0, half_open_requests=places)
    circuit: Circuit = Open(generation=0, opened_at=NOW - 30.0)
    in_flight: list[Ticket] = []
    passed = 0
    for act, choice in acts:
        if isinstance(act, str):
            circuit, ticket = admit(circuit, policy, NOW)
            if isinstance(ticket, Ticket):
                in_flight.append(ticket)
                passed += 1
                assert passed <= places
        elif in_flight:
            ticket = in_flight.pop(choice % len(in_flight))
            circuit, change = report(circuit, policy, ticket, act, NOW)
            passed -= act is Outcome.NEUTRAL
            assert change is (Change.OPENED if act is Outcome.FAILURE else change)
            if change is not None:
                return
    assert isinstance(circuit, Open | HalfOpen)
