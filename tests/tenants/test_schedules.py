from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants.identity import Instant
from tenantry.tenants.schedules import check_schedule, last_tick, next_tick

SCHEDULES = st.sampled_from(
    ["0 2 * * *", "* * * * *", "*/7 3-5 * * MON", "30 4 1,15 * 5", "0 0 29 2 *", "15 23 L * *", "0 0 1 JAN *"]
)
INSTANTS = st.floats(1_600_000_000, 2_500_000_000)


def at(text: str) -> Instant:
    return Instant(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("schedule", "now", "last", "following"),
    [
        ("0 2 * * *", "2026-03-01T12:00", "2026-03-01T02:00", "2026-03-02T02:00"),
        ("0 2 * * *", "2026-03-01T01:59:59.999", "2026-02-28T02:00", "2026-03-01T02:00"),
        ("0 2 * * *", "2026-03-01T02:00", "2026-03-01T02:00", "2026-03-02T02:00"),
        ("0 2 * * *", "2026-03-01T02:00:00.001", "2026-03-01T02:00", "2026-03-02T02:00"),
        ("*/15 * * * *", "2026-03-01T00:14", "2026-03-01T00:00", "2026-03-01T00:15"),
        ("0 0 29 2 *", "2026-03-01T00:00", "2024-02-29T00:00", "2028-02-29T00:00"),
        ("0 3 * * 1", "2026-03-01T12:00", "2026-02-23T03:00", "2026-03-02T03:00"),
    ],
)
def test_a_schedule_ticks_in_utc(schedule: str, now: str, last: str, following: str) -> None:
    assert last_tick(schedule, at(now)) == at(last)
    assert next_tick(schedule, at(now)) == at(following)


@given(SCHEDULES, INSTANTS)
def test_now_is_between_its_last_tick_and_the_next_and_none_is_between_these(
    schedule: str, now: float
) -> None:
    last, following = last_tick(schedule, Instant(now)), next_tick(schedule, Instant(now))
    assert last <= now < following
    assert next_tick(schedule, last) == following
    assert last_tick(schedule, Instant(following - 0.5)) == last


@pytest.mark.parametrize("text", ["0 2 * * *", "0 0 29 2 */7", "59 23 31 12 *"])
def test_what_ticks_at_some_time_is_a_schedule(text: str) -> None:
    assert check_schedule(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("61 2 * * *", "bad minute"),
        ("0 2 * * * * *", "wrong number of fields"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("*/0 * * * *", "bad minute"),
        ("0 0 */31 2 5L", "there is no such day"),
    ],
)
def test_what_never_ticks_is_none_and_it_is_said_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_schedule(text)
