"""What letters tell together: counted in the database, over bounded work, against counting by hand."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.dead_letters import analytics
from tenantry.dataplane.dead_letters.analytics import (
    COUNTS,
    ENDS,
    MAX_BUCKETS,
    TOP,
    Bucket,
    LetterAnalytics,
    Span,
    TaskCount,
)
from tenantry.dataplane.dead_letters.store import id_range
from tenantry.tenants.identity import TenantId
from tests.support.dead_letters import MANY_LETTERS, end_execution, instant
from tests.support.executions import NOON

if TYPE_CHECKING:
    import asyncpg

    from tests.dataplane.dead_letters.conftest import Desk

ACME = TenantId("acme")
HOUR = 3600.0
DAY = Span(instant(NOON), instant(NOON + 24 * HOUR), Bucket.HOUR)


async def over(desk: Desk, span: Span = DAY) -> analytics.Analytics:
    return await LetterAnalytics(desk.pool).over(ACME, span)


async def test_a_tenant_without_letters_has_nothing_to_tell(desk: Desk) -> None:
    await desk.write(tenant="globex")
    told = await over(desk)
    assert (told.total, told.complete, told.share_retried, told.oldest_open) == (0, True, None, None)
    assert told.by_status == {"open": 0, "retried": 0, "discarded": 0, "archived": 0}
    assert (told.by_reason, told.by_code, told.by_workflow, told.by_task) == ({}, {}, {}, ())
    assert [count for _, count in told.over_time] == [0] * 24
    assert told.retried_ends == {"cancelled": 0, "completed": 0, "failed": 0, "unfinished": 0, "gone": 0}


async def test_letters_are_counted_by_everything_they_are(desk: Desk) -> None:
    await desk.write(workflow="order", task="pay", task_name="charge", reason="permanent", code="deadline")
    await desk.write(workflow="order", task="lines[0]", task_name="price", status="archived")
    await desk.write(workflow="order", task="lines[17]", task_name="price", status="discarded")
    await desk.write(workflow="invoice", task="lines[1]", task_name="price", reason="deadline")
    told = await over(desk)
    assert (told.total, told.complete) == (4, True)
    assert told.by_status == {"open": 2, "retried": 0, "discarded": 1, "archived": 1}
    assert told.by_reason == {"permanent": 3, "deadline": 1}
    assert told.by_code == {"upstream-status": 3, "deadline": 1}
    assert told.by_workflow == {"order": 3, "invoice": 1}
    assert told.by_task == (
        TaskCount("order", "lines[]", "price", 2),
        TaskCount("invoice", "lines[]", "price", 1),
        TaskCount("order", "pay", "charge", 1),
    )


async def test_only_the_span_is_counted_and_every_bucket_is_there(desk: Desk) -> None:
    for at in (NOON - 0.001, NOON + 1799, NOON + 1800, NOON + 5399.9, NOON + 5400, NOON + 7200):
        await desk.write(at=at)
    span = Span(instant(NOON + 1800), instant(NOON + 7200), Bucket.HOUR)
    told = await over(desk, span)
    assert told.total == 3
    assert told.over_time == ((instant(NOON), 1), (instant(NOON + HOUR), 2))


async def test_days_are_those_of_utc_wherever_the_database_is(desk: Desk) -> None:
    midnight = NOON + 12 * HOUR
    for at in (midnight - 0.5, midnight, midnight + 1):
        await desk.write(at=at)
    await desk.pool.execute("SELECT set_config('timezone', 'Asia/Kolkata', false)")
    told = await over(desk, Span(instant(NOON), instant(midnight + 1.5), Bucket.DAY))
    assert told.over_time == ((instant(NOON - 12 * HOUR), 1), (instant(midnight), 2))


async def test_what_became_of_the_retried_is_told(desk: Desk) -> None:
    for status in ("completed", "completed", "failed", "cancelled", "running", "paused"):
        execution = await end_execution(desk.pool, status=status)
        await desk.write(status="retried", execution_id=execution)
    origin = await end_execution(desk.pool, status="completed")
    fork = await end_execution(desk.pool, status="failed")
    await desk.write(status="retried", execution_id=origin, retried_as=fork)
    await desk.write(status="retried", execution_id=await end_execution(desk.pool, deleted=True))
    await desk.write(status="retried", execution_id="019ca945-0a00-7316-9d6e-83367b976cd1")
    await desk.write()
    told = await over(desk)
    assert told.retried_ends == {"completed": 2, "failed": 2, "cancelled": 1, "unfinished": 2, "gone": 2}
    assert told.share_retried == 0.9


async def test_the_oldest_open_letter_is_told_of_however_old_it_is(desk: Desk) -> None:
    await desk.write(at=NOON - 100 * HOUR, status="archived")
    oldest = await desk.write(at=NOON - 50 * HOUR)
    await desk.write(at=NOON)
    await desk.write(at=NOON - 90 * HOUR, tenant="globex")
    assert (await over(desk)).oldest_open == (oldest, instant(NOON - 50 * HOUR))


async def test_the_most_frequent_are_told_of_and_not_all(desk: Desk) -> None:
    for number in range(TOP + 5):
        for _ in range(2 if number == TOP + 4 else 1):
            await desk.write(workflow=f"order-{number:02}", task=f"task-{number:02}")
    told = await over(desk)
    assert list(told.by_workflow)[:2] == [f"order-{TOP + 4}", "order-00"]
    assert (len(told.by_workflow), len(told.by_task)) == (TOP, TOP)
    assert told.total == TOP + 6


async def test_more_letters_than_are_counted_are_said_to_be(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics, "MAX_LETTERS", 3)
    for number in range(4):
        await desk.write(at=NOON + number, reason="deadline" if number == 0 else "permanent")
    told = await over(desk)
    assert (told.total, told.complete, told.by_reason) == (3, False, {"permanent": 3})


@pytest.mark.parametrize(
    ("hours", "bucket"),
    [
        (0, Bucket.HOUR),
        (-1, Bucket.HOUR),
        (MAX_BUCKETS + 0.001, Bucket.HOUR),
        (24.1 * MAX_BUCKETS, Bucket.DAY),
    ],
)
def test_a_span_that_is_empty_or_endless_is_none(hours: float, bucket: Bucket) -> None:
    with pytest.raises(ValueError, match=r"it ends before|more than 1000 buckets"):
        Span(instant(NOON), instant(NOON) + timedelta(hours=hours), bucket)


@given(
    st.floats(0, 10 * 86400),
    st.floats(0.001, 40 * 86400),
    st.sampled_from(Bucket),
    st.lists(st.floats(0, 1, exclude_max=True), max_size=5),
)
def test_every_instant_of_a_span_is_in_exactly_one_of_its_buckets(
    begin: float, seconds: float, bucket: Bucket, parts: list[float]
) -> None:
    span = Span(instant(NOON + begin), instant(NOON + begin) + timedelta(seconds=seconds), bucket)
    buckets = list(span.buckets())
    assert buckets[0] <= span.since < buckets[0] + bucket.length
    assert buckets[-1] < span.until <= buckets[-1] + bucket.length
    assert all(later - earlier == bucket.length for earlier, later in pairwise(buckets))
    counts = Counter(bucket.begin(span.since + (span.until - span.since) * part) for part in parts)
    assert set(counts) <= set(buckets)


async def reads(pool: asyncpg.Pool[asyncpg.Record], statement: str, *values: Any) -> list[dict[str, Any]]:
    """How the tables are read, and how many rows of them."""
    shown = await pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values)
    stack, found = [json.loads(shown)[0]["Plan"]], []
    while stack:
        node = stack.pop()
        if "Relation Name" in node:
            found.append(node)
        stack += node.get("Plans", [])
    return found


async def test_an_hour_among_100_000_letters_is_counted_without_reading_the_others(desk: Desk) -> None:
    await desk.pool.execute(MANY_LETTERS, NOON - 12 * HOUR)
    await desk.pool.execute("ANALYZE dead_letters")
    span = Span(instant(NOON), instant(NOON + HOUR), Bucket.HOUR)
    hour = sum(1 for number in range(100_000) if 0 <= number * 0.864 - 12 * HOUR < HOUR)
    assert (await over(desk, span)).total == hour
    bounds = (ACME, *id_range(span.since, span.until), span.since, span.until)
    for statement, values in ((COUNTS, (10_000, "hour", TOP)), (ENDS, (1000,))):
        for read in await reads(desk.pool, statement, *bounds, *values):
            assert read["Node Type"] != "Seq Scan"
            assert read["Actual Rows"] <= hour
            assert read.get("Rows Removed by Filter", 0) <= hour


async def test_the_end_of_each_of_the_retried_is_looked_up_by_itself(desk: Desk) -> None:
    await desk.pool.execute(MANY_LETTERS, NOON)
    bounds = (ACME, *id_range(DAY.since, DAY.until), DAY.since, DAY.until)
    looked_up = [
        read
        for read in await reads(desk.pool, ENDS, *bounds, 100)
        if read["Relation Name"].startswith("executions")
    ]
    assert looked_up
    assert {read["Node Type"] for read in looked_up} <= {"Index Scan", "Index Only Scan"}
