from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.documents.words import MAX_DURATION_SECONDS, parse_duration, write_duration


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.0005, "0.5ms"),
        (0.1 + 0.2, "300ms"),
        (0.999, "999ms"),
        (0.9999999, "1s"),
        (1, "1s"),
        (2.1, "2.1s"),
        (59, "59s"),
        (60, "1m"),
        (90, "90s"),
        (300.001, "300.001s"),
        (3540, "59m"),
        (3600, "1h"),
        (5400, "90m"),
        (864_000, "240h"),
    ],
)
def test_a_duration_is_written_in_the_unit_that_reads_best(seconds: float, written: str) -> None:
    assert write_duration(seconds) == written


@given(st.integers(1, int(MAX_DURATION_SECONDS * 1000)))
def test_a_written_duration_is_read_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000

    assert parse_duration(write_duration(seconds)) == pytest.approx(seconds, abs=1e-6)
