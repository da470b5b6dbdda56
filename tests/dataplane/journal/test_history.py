"""Reading executions back: pages newest first, every filter, one tenant at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal.history import ExecutionSummary, History, HistoryFilter, page_query
from tenantry.tenants.identity import TenantId
from tests.support.executions import NOON, Execution
from tests.support.journal import commit

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
ALL = HistoryFilter(workflow="made-by-hand")


@pytest.fixture
def history(pool: asyncpg.Pool[asyncpg.Record]) -> History:
    return History(pool)


def ids(page: list[ExecutionSummary]) -> list[str]:
    return [summary.id for summary in page]


async def test_pages_go_from_the_newest_to_the_oldest_and_leave_nothing_out(
    url: str, history: History
) -> None:
    executions = [Execution(at=NOON + number).finish() for number in range(7)]
    await commit(url, *executions)
    found: list[str] = []
    while page := await history.page(
        ACME, HistoryFilter(workflow="made-by-hand", before_id=found[-1] if found else None), 3
    ):
        found += ids(page)
    assert found == [execution.id for execution in reversed(executions)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (HistoryFilter(workflow="made-by-hand", status="completed"), "first"),
        (HistoryFilter(workflow="made-by-hand", status="cancelled"), "second"),
        (HistoryFilter(workflow="made-by-hand", status="running"), "third"),
        (HistoryFilter(workflow="made-by-hand", until=datetime.fromtimestamp(NOON + 10, UTC)), "first"),
        (HistoryFilter(workflow="made-by-hand", since=datetime.fromtimestamp(NOON + 20, UTC)), "third"),
        (HistoryFilter(workflow="made-by-hand", label=("team", "shop")), "second"),
        (HistoryFilter(workflow="other"), "other"),
    ],
)
async def test_a_filter_lets_through_what_it_names(
    url: str, history: History, wanted: HistoryFilter, expected: str
) -> None:
    executions = {
        "first": Execution(at=NOON).finish(),
        "second": Execution(at=NOON + 10, labels=(("team", "shop"), ("a", "b"))).submit().cancel(),
        "third": Execution(at=NOON + 20, labels=(("team", "ship"),)).submit(),
        "other": Execution(at=NOON + 30, workflow="other").finish(),
    }
    await commit(url, *executions.values())
    assert ids(await history.page(ACME, wanted, 10)) == [executions[expected].id]


async def test_filters_add_up(url: str, history: History) -> None:
    early, late = Execution(at=NOON).finish(), Execution(at=NOON + 10).finish()
    await commit(url, early, late, Execution(at=NOON + 5).submit())
    wanted = HistoryFilter(workflow="made-by-hand", status="completed", before_id=late.id)
    assert ids(await history.page(ACME, wanted, 10)) == [early.id]


async def test_a_summary_says_what_is_known(url: str, history: History) -> None:
    ended, running = Execution().submit().pass_deadline(), Execution().submit()
    await commit(url, ended, running)
    summary = await history.find(ACME, ended.id)
    assert summary is not None
    assert (summary.workflow, summary.version, summary.status) == ("made-by-hand", 1, "failed")
    assert (summary.failure_code, summary.duration_seconds, summary.task_attempts) == ("deadline", 30.0, 1)
    assert summary.submitted_at == datetime.fromtimestamp(NOON, UTC)
    other = await history.find(ACME, running.id)
    assert other is not None
    assert (other.status, other.ended_at, other.duration_seconds) == ("running", None, None)


async def test_a_tenant_sees_nothing_of_another(url: str, history: History) -> None:
    execution = Execution(tenant="globex").finish()
    await commit(url, execution)
    assert await history.page(ACME, ALL, 10) == []
    assert await history.find(ACME, execution.id) is None
    assert await history.events(ACME, execution.id) == []
    assert (await history.past_runs(ACME, "made-by-hand")).count == 0
    assert ids(await history.page(GLOBEX, ALL, 10)) == [execution.id]
    assert len(await history.events(GLOBEX, execution.id)) == 8


async def test_the_same_id_in_two_tenants_is_two_executions(url: str, history: History) -> None:
    ours, theirs = Execution().finish(), Execution(tenant="globex").submit()
    theirs.record.id = ours.id
    await commit(url, ours)
    await commit(url, theirs)
    assert len(await history.events(ACME, ours.id)) == 8
    assert len(await history.events(GLOBEX, ours.id)) == 4


async def test_events_come_back_as_they_were_recorded(url: str, history: History) -> None:
    execution = Execution().submit()
    recorded = list(execution.record.pending)
    await commit(url, execution)
    recorded += execution.complete("a", {"deep": [1, 2.5, None, "é"]}).complete("b").record.pending
    await commit(url, execution)
    assert await history.events(ACME, execution.id) == recorded


async def test_past_runs_are_the_average_of_the_latest_completed_ones(url: str, history: History) -> None:
    old, late = Execution(at=NOON).submit().complete("a"), Execution(at=NOON + 50).finish()
    old._at += 7
    await commit(url, old.complete("b"), late, Execution(at=NOON + 60).submit().cancel())
    both = await history.past_runs(ACME, "made-by-hand")
    assert (both.count, both.seconds, both.task_attempts, both.egress_bytes) == (2, 5.5, 2.0, 10.0)
    assert both.task_seconds == 5.5
    assert both.journal_bytes > 0
    assert (await history.past_runs(ACME, "made-by-hand", sample=1)).seconds == 2.0


async def test_a_workflow_that_never_ran_has_no_past(history: History) -> None:
    assert (await history.past_runs(ACME, "made-by-hand")).count == 0


@pytest.mark.parametrize(
    "wanted",
    [
        ALL,
        HistoryFilter(workflow="made-by-hand", status="failed"),
        HistoryFilter(workflow="made-by-hand", since=datetime.fromtimestamp(NOON, UTC)),
    ],
)
async def test_a_page_is_read_in_the_order_of_an_index_and_nothing_is_sorted(
    url: str, database: asyncpg.Connection, wanted: HistoryFilter
) -> None:
    await commit(url, *(Execution(at=NOON + second).finish() for second in range(3)))
    await database.execute("SET enable_seqscan = off")
    await database.execute("SET enable_bitmapscan = off")
    statement, values = page_query(ACME, wanted, 50)
    plan = "\n".join(row[0] for row in await database.fetch(f"EXPLAIN {statement}", *values))
    assert "Index Scan Backward" in plan
    assert "Sort" not in plan


async def test_a_span_of_time_leaves_the_other_days_out(url: str, database: asyncpg.Connection) -> None:
    await commit(url, Execution(at=NOON).finish(), Execution(at=NOON - 5 * 86_400).finish())
    until = datetime.fromtimestamp(NOON - 86_400, UTC)
    statement, values = page_query(ACME, HistoryFilter(workflow="made-by-hand", until=until), 50)
    plan = "\n".join(row[0] for row in await database.fetch(f"EXPLAIN {statement}", *values))
    assert "executions_20260224" in plan
    assert "executions_20260301" not in plan


async def test_without_a_database_the_history_is_unavailable(url: str) -> None:
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        history = History(pool)
        await pool.close()
        for question in (
            history.page(ACME, ALL, 1),
            history.find(ACME, "019ca945-0a00-7316-9d6e-83367b976cd1"),
            history.events(ACME, "019ca945-0a00-7316-9d6e-83367b976cd1"),
            history.past_runs(ACME, "w"),
        ):
            with pytest.raises(JournalUnavailableError, match="not reachable"):
                await question


async def test_a_connection_that_was_lost_is_replaced(
    url: str, history: History, database: asyncpg.Connection
) -> None:
    execution = Execution().finish()
    await commit(url, execution)
    await database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    try:
        found = await history.find(ACME, execution.id)
    except JournalUnavailableError:  # the loss was noticed by this very question
        found = await history.find(ACME, execution.id)
    assert found is not None
