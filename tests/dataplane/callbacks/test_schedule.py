"""What follows from a try, decision by decision."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.callbacks.schedule import (
    JITTER,
    MAX_RETRY_AFTER_SECONDS,
    SCHEDULE_SECONDS,
    Again,
    Answer,
    Delivered,
    GivenUp,
    decide,
)

TRIES = len(SCHEDULE_SECONDS) + 1


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    hours = [seconds / 3600 for seconds in SCHEDULE_SECONDS[3:]]
    assert SCHEDULE_SECONDS[:3] == (5, 5 * 60, 30 * 60)
    assert hours == [2, 5, 10, 14, 20, 24]


@pytest.mark.parametrize("attempts", [1, TRIES])
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success_at_any_try(status: int, attempts: int) -> None:
    assert decide(attempts, Answer(status=status), 0.0) == Delivered()


@pytest.mark.parametrize("status", [301, 302, 308, 400, 401, 404, 409, 500, 502, 503, 599])
def test_any_other_answer_is_tried_again(status: int) -> None:
    assert decide(1, Answer(status=status), 0.0) == Again(5, f"the receiver answered {status}")


def test_no_answer_is_tried_again_with_its_reason() -> None:
    assert decide(2, Answer(error="no connection"), 0.0) == Again(300, "no connection")


def test_each_try_waits_as_the_schedule_says_and_the_last_is_the_end() -> None:
    waits = [decide(number, Answer(status=500), 0.0) for number in range(1, TRIES)]
    assert waits == [Again(seconds, "the receiver answered 500") for seconds in SCHEDULE_SECONDS]
    for attempts in (TRIES, TRIES + 1):  # one more than there are, when a sender died during the last
        outcome = decide(attempts, Answer(status=500), 0.0)
        assert outcome == GivenUp(f"the receiver answered 500, at the last of {attempts} tries")


@given(attempts=st.integers(1, TRIES - 1), luck=st.floats(0, 1))
def test_jitter_makes_a_wait_longer_within_its_bound_and_never_shorter(attempts: int, luck: float) -> None:
    outcome = decide(attempts, Answer(error="x"), luck)
    assert isinstance(outcome, Again)
    least = SCHEDULE_SECONDS[attempts - 1]
    assert least <= outcome.seconds <= least * (1 + JITTER)
    assert outcome.seconds == least or luck > 0


@pytest.mark.parametrize("attempts", [1, TRIES])
def test_gone_is_the_end(attempts: int) -> None:
    outcome = decide(attempts, Answer(status=410, retry_after_seconds=5), 0.0)
    assert outcome == GivenUp("the receiver answered 410: it wants no more of these")


def test_what_no_try_can_change_is_the_end() -> None:
    assert decide(1, Answer(error="no host", hopeless=True), 0.0) == GivenUp("no host")


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_time_gets_it_within_bounds(status: int) -> None:
    def wait(asked: float) -> float:
        outcome = decide(1, Answer(status=status, retry_after_seconds=asked), 0.0)
        assert isinstance(outcome, Again)
        return outcome.seconds

    assert wait(120) == 120
    assert wait(1) == 5  # never sooner than the schedule
    assert wait(10**9) == MAX_RETRY_AFTER_SECONDS


def test_retry_after_says_nothing_beside_another_status() -> None:
    assert decide(1, Answer(status=500, retry_after_seconds=120), 0.0) == Again(
        5, "the receiver answered 500"
    )
