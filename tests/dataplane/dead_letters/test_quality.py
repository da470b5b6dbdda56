"""Errors graded: what earns a mark, and what many of them come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.dead_letters.analytics import Bucket, Span
from tenantry.dataplane.dead_letters.quality import GradedFailure, Marks, by_task, grade, quality_of, trend

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING, ALL = Marks(0.0, 0.0, 0.0, 0.0), Marks(1.0, 1.0, 1.0, 1.0)
marks = st.builds(Marks, *(st.sampled_from([0.0, 1.0]) for _ in Marks._fields))
failures = st.lists(
    st.builds(
        GradedFailure,
        at=st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 3), timezones=st.just(UTC)),  # noqa: DTZ001  (hypothesis wants them naive)
        workflow=st.just("w"),
        task_name=st.sampled_from(["a", "b"]),
        marks=marks,
    )
)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        ({"code": "upstream-timeout"}, NOTHING),
        ({"status": 500}, Marks(1.0, 0.0, 0.0, 1.0)),
        ({"status": 502, "explained": True}, Marks(1.0, 0.0, 1.0, 1.0)),
        ({"status": 404}, Marks(1.0, 1.0, 0.0, 1.0)),
        ({"status": 422, "explained": True}, ALL),
        ({"status": 429, "explained": True}, Marks(1.0, 1.0, 1.0, 0.0)),
        ({"status": 429, "explained": True, "retryAfterSeconds": 3.0}, ALL),
        ({"status": 503}, Marks(1.0, 1.0, 0.0, 0.0)),
    ],
)
def test_a_mark_is_earned_by_what_the_error_says(failure: dict[str, object], expected: Marks) -> None:
    assert grade(failure) == expected


def test_without_failures_there_are_no_stars() -> None:
    assert (quality_of([]).failures, quality_of([]).marks, quality_of([]).stars) == (0, None, None)


@given(failures)
def test_stars_are_between_those_of_the_worst_and_of_the_best(graded: list[GradedFailure]) -> None:
    quality = quality_of(graded)
    assert quality.failures == len(graded)
    if quality.stars is not None:
        stars = [1 + sum(one.marks) for one in graded]
        assert min(stars) - 0.01 <= quality.stars <= max(stars) + 0.01
        assert 1 <= quality.stars <= 5


@given(failures)
def test_every_failure_is_in_one_task_and_in_one_bucket(graded: list[GradedFailure]) -> None:
    span = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC), Bucket.DAY)
    over_time = trend(span, graded)
    assert [begin for begin, _ in over_time] == list(span.buckets())
    assert sum(quality.failures for _, quality in over_time) == len(graded)
    tasks = by_task(graded)
    assert sum(quality.failures for quality in tasks.values()) == len(graded)
    assert set(tasks) == {one.task_name for one in graded}


def test_the_worst_task_comes_first() -> None:
    graded = [
        GradedFailure(NOON + timedelta(hours=number), "w", task, marks)
        for number, (task, marks) in enumerate(
            [("good", ALL), ("bad", NOTHING), ("bad", ALL), ("worst", NOTHING)]
        )
    ]
    assert {task: quality.stars for task, quality in by_task(graded).items()} == {
        "worst": 1.0, "bad": 3.0, "good": 5.0
    }  # fmt: skip
    assert list(by_task(graded)) == ["worst", "bad", "good"]
