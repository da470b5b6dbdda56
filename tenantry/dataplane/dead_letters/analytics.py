"""What dead letters tell together: how many, of what, when, and what became of those that were retried.

Two statements, each over a bounded number of letters that an index finds; the rest is arithmetic.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.dead_letters.letters import LetterStatus
from tenantry.dataplane.dead_letters.store import id_range, step_of
from tenantry.dataplane.engine.core.state import ENDED
from tenantry.dataplane.journal.reading import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

    from tenantry.tenants.identity import TenantId

MAX_LETTERS: Final = 100_000
"""So many are counted, the latest ones."""

MAX_RETRIED: Final = 1_000
"""The ends of so many retried ones are looked up, the latest ones."""

MAX_BUCKETS: Final = 1_000
TOP: Final = 20
GONE: Final = "gone"

COUNTS: Final = f"""
    WITH chosen AS MATERIALIZED (
        SELECT status, reason, failure_code, workflow, {step_of("task")} AS step, task_name, created_at
        FROM dead_letters
        WHERE tenant = $1 AND id >= $2::uuid AND id < $3::uuid AND created_at >= $4 AND created_at < $5
        ORDER BY id DESC LIMIT $6
    )
    SELECT 'status' AS kind, ARRAY[status] AS names, NULL::timestamptz AS at, count(*) FROM chosen
    GROUP BY status
    UNION ALL SELECT 'reason', ARRAY[reason], NULL, count(*) FROM chosen GROUP BY reason
    UNION ALL SELECT 'code', ARRAY[failure_code], NULL, count(*) FROM chosen GROUP BY failure_code
    UNION ALL SELECT 'time', NULL, date_trunc($7, created_at, 'UTC') AS bucket, count(*) FROM chosen
    GROUP BY bucket
    UNION ALL (
        SELECT 'workflow', ARRAY[workflow], NULL, count(*) FROM chosen
        GROUP BY workflow ORDER BY count(*) DESC, workflow LIMIT $8)
    UNION ALL (
        SELECT 'task', ARRAY[workflow, step, task_name], NULL, count(*) FROM chosen
        GROUP BY workflow, step, task_name ORDER BY count(*) DESC, workflow, step, task_name LIMIT $8)
    UNION ALL (
        SELECT 'oldest', ARRAY[id::text], created_at, 1 FROM dead_letters
        WHERE tenant = $1 AND status = 'open' ORDER BY id LIMIT 1)
"""  # noqa: S608  (a constant)
# An execution is looked up for each letter: LIMIT keeps it from becoming a scan of all executions.
ENDS: Final = """
    SELECT now_is.status, count(*) FROM (
        SELECT coalesce(retried_as, execution_id) AS execution_id FROM dead_letters
        WHERE tenant = $1 AND status = 'retried' AND id >= $2::uuid AND id < $3::uuid
            AND created_at >= $4 AND created_at < $5
        ORDER BY id DESC LIMIT $6
    ) AS retried
    LEFT JOIN LATERAL (
        SELECT status FROM executions
        WHERE tenant = $1 AND id = retried.execution_id AND deleted_at IS NULL LIMIT 1
    ) AS now_is ON true
    GROUP BY now_is.status
"""


class Bucket(StrEnum):
    """What letters are counted by over time."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """From one to the next."""
        return timedelta(hours=1) if self is Bucket.HOUR else timedelta(days=1)

    def begin(self, at: datetime) -> datetime:
        """The beginning of the one an instant is in; in UTC, like all of them."""
        at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return at if self is Bucket.HOUR else at.replace(hour=0)


@dataclass(frozen=True, slots=True)
class Span:
    """Letters written at or after `since` and before `until`, counted by buckets.

    Raises:
        ValueError: it is empty, or has more than `MAX_BUCKETS`.
    """

    since: datetime
    until: datetime
    bucket: Bucket

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise ValueError("it ends before it begins")
        if (self.until - self.since) / self.bucket.length > MAX_BUCKETS:
            raise ValueError(f"it has more than {MAX_BUCKETS} buckets: ask for less, or by day")

    def buckets(self) -> Iterator[datetime]:
        """Their beginnings, in order; the first may be before the span."""
        begin, length = self.bucket.begin(self.since), self.bucket.length
        count = -((begin - self.until) // length)
        return (begin + number * length for number in range(count))


@dataclass(frozen=True, slots=True)
class TaskCount:
    """Letters of one step of a workflow, all items of a loop together."""

    workflow: str
    task: str
    task_name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Analytics:
    """What the letters of a span tell.

    Attributes:
        total: how many were counted.
        complete: these are all; else they are the latest.
        by_workflow: those with the most, most first; like `by_task`.
        over_time: every bucket with its beginning, empty ones as well.
        retried_ends: the ends of what they were retried by; what has none is `unfinished`, or `gone`.
        oldest_open: id and instant of the oldest open letter, of whatever time.
    """

    total: int
    complete: bool
    by_status: dict[str, int]
    by_reason: dict[str, int]
    by_code: dict[str, int]
    by_workflow: dict[str, int]
    by_task: tuple[TaskCount, ...]
    over_time: tuple[tuple[datetime, int], ...]
    retried_ends: dict[str, int]
    oldest_open: tuple[str, datetime] | None

    @property
    def share_retried(self) -> float | None:
        """Of the counted ones; `None` when there are none."""
        return round(self.by_status[LetterStatus.RETRIED] / self.total, 6) if self.total else None


class LetterAnalytics:
    """Counts one data plane's dead letters.

    Every call raises `JournalUnavailableError` when the database does not answer.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def over(self, tenant: TenantId, span: Span) -> Analytics:
        """What the tenant's letters of the span tell."""
        bounds = (tenant, *id_range(span.since, span.until), span.since, span.until)
        counts = await fetch(self._pool, COUNTS, *bounds, MAX_LETTERS, span.bucket.value, TOP)
        ends = await fetch(self._pool, ENDS, *bounds, MAX_RETRIED)
        return shape(span, counts, ends)


def shape(span: Span, counts: list[Any], ends: list[Any]) -> Analytics:
    """What the rows of the two statements say. Pure."""
    of: dict[str, list[Any]] = defaultdict(list)
    for row in counts:
        of[row["kind"]].append(row)
    by_status = {status.value: 0 for status in LetterStatus} | _by_name(of["status"])
    total = sum(by_status.values())
    at = {row["at"]: row["count"] for row in of["time"]}
    oldest = of["oldest"]
    return Analytics(
        total=total,
        complete=total < MAX_LETTERS,
        by_status=by_status,
        by_reason=_by_name(of["reason"]),
        by_code=_by_name(of["code"]),
        by_workflow=_by_name(of["workflow"]),
        by_task=tuple(_task_count(row) for row in _most_first(of["task"])),
        over_time=tuple((begin, at.get(begin, 0)) for begin in span.buckets()),
        retried_ends=_by_end(ends),
        oldest_open=(oldest[0]["names"][0], oldest[0]["at"]) if oldest else None,
    )


def _task_count(row: Any) -> TaskCount:
    workflow, task, task_name = row["names"]
    return TaskCount(workflow, task, task_name, row["count"])


def _by_name(rows: list[Any]) -> dict[str, int]:
    return {row["names"][0]: row["count"] for row in _most_first(rows)}


def _most_first(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (-row["count"], row["names"]))


def _by_end(rows: list[Any]) -> dict[str, int]:
    ends = {status.value: 0 for status in sorted(ENDED)} | {"unfinished": 0, GONE: 0}
    for row in rows:
        status = row["status"]
        ends[GONE if status is None else status if status in ends else "unfinished"] += row["count"]
    return ends
