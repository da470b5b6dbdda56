"""Windows against a naive model that remembers every request."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants import windows

EPOCH = 1_700_000_000.0
# Eighths of a second are exact in a double, so the model may reason in fractions.
INSTANTS = st.lists(st.integers(0, 8 * 40), max_size=40).map(
    lambda eighths: [EPOCH + step / 8 for step in sorted(eighths)]
)
LENGTHS = st.sampled_from([0.5, 1.0, 2.0, 7.0, 10.0])


def naive_used(log: list[float], length: float, now: float) -> int:
    index = int(now // length)
    current = sum(1 for moment in log if moment // length == index)
    previous = sum(1 for moment in log if moment // length == index - 1)
    covered = (Fraction(index + 1) * Fraction(length) - Fraction(now)) / Fraction(length)
    return current + int(previous * covered)


def counted(log: list[float], length: float, now: float) -> windows.WindowCount:
    count = windows.EMPTY
    for moment in log:
        count = windows.add(windows.roll(count, length, moment))
    return windows.roll(count, length, now)


@given(INSTANTS, LENGTHS, st.integers(0, 200))
def test_two_numbers_say_what_the_whole_log_says(log: list[float], length: float, eighths: int) -> None:
    now = max(log, default=EPOCH) + eighths / 8
    assert windows.used(counted(log, length, now), length, now) == naive_used(log, length, now)


@given(INSTANTS, LENGTHS, st.integers(0, 200), st.data())
def test_use_falls_below_a_target_just_after_the_time_given(
    log: list[float], length: float, eighths: int, data: st.DataObject
) -> None:
    now = max(log, default=EPOCH) + eighths / 8
    used = naive_used(log, length, now)
    if not used:
        return
    target = data.draw(st.integers(1, used))
    wait = windows.seconds_until_below(counted(log, length, now), target, length, now)
    assert naive_used(log, length, now + wait + 1e-5) < target
    assert wait < 2 * length
    if wait > 1e-4:
        assert naive_used(log, length, now + wait - 1e-5) >= target


@given(INSTANTS, LENGTHS, st.integers(0, 200))
def test_without_requests_use_only_falls(log: list[float], length: float, eighths: int) -> None:
    end = max(log, default=EPOCH)
    uses = [windows.used(counted(log, length, end + step), length, end + step) for step in (0, eighths / 8)]
    assert uses[0] >= uses[1]


def test_a_clock_that_steps_back_over_a_boundary_forgets_nothing() -> None:
    count = counted([EPOCH] * 3, 10.0, EPOCH)
    assert windows.used(windows.roll(count, 10.0, EPOCH - 1), 10.0, EPOCH - 1) == 3
    later = windows.roll(count, 10.0, EPOCH + 10)
    assert windows.used(windows.roll(later, 10.0, EPOCH + 1), 10.0, EPOCH + 1) == 3


def test_a_clock_that_steps_back_further_does_not_freeze_the_window() -> None:
    far = counted([EPOCH + 1e9] * 3, 10.0, EPOCH + 1e9)
    assert windows.used(windows.roll(far, 10.0, EPOCH), 10.0, EPOCH) == 0


@pytest.mark.parametrize("length", [1.0, 4.0])
def test_a_window_whose_length_changed_starts_anew(length: float) -> None:
    count = counted([EPOCH] * 3, 2.0, EPOCH)
    assert windows.used(windows.roll(count, length, EPOCH), length, EPOCH) == 0
