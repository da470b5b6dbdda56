"""The retry policy's delays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.plan.model import RetryPolicy

POLICY = RetryPolicy(initial_delay_seconds=0.1, max_delay_seconds=2.0, multiplier=2.0, jitter=False)


def test_delays_grow_up_to_the_longest() -> None:
    assert [POLICY.delay_seconds(attempt, 0.5) for attempt in range(1, 7)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_jitter_draws_from_nothing_up_to_the_delay(attempt: int, fraction: float) -> None:
    jittered = RetryPolicy(initial_delay_seconds=0.1, max_delay_seconds=2.0, multiplier=100.0)

    assert jittered.delay_seconds(attempt, fraction) == fraction * min(
        2.0, 0.1 * 100.0 ** min(attempt - 1, 60)
    )
