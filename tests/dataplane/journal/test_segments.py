"""An execution's journal in portions: all of it or from an event on, in order, one tenant at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.journal import history as reading
from tenantry.dataplane.journal.history import History
from tenantry.dataplane.journal.segments import decoded, numbered
from tenantry.tenants.identity import TenantId
from tests.support.executions import Execution
from tests.support.journal import commit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.journal.ownership import Segment

ACME, GLOBEX = TenantId("acme"), TenantId("globex")


@pytest.fixture
async def history(url: str) -> AsyncIterator[History]:
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        yield History(pool)


@pytest.fixture
async def execution(url: str) -> Execution:
    """One with three segments: its events 1 to 4, 5 and 6, 7 and 8."""
    execution = Execution().submit()
    for step in ("", "a", "b"):
        await commit(url, execution.complete(step) if step else execution)
    return execution


async def portions(history: History, execution: Execution, after: int = 0) -> list[list[Segment]]:
    return [portion async for portion in history.segments(ACME, execution.id, after)]


async def test_all_segments_come_in_their_order(history: History, execution: Execution) -> None:
    ((first, second, third),) = await portions(history, execution)
    assert (first.first_sequence, second.first_sequence, third.first_sequence) == (1, 5, 7)
    events = await history.events(ACME, execution.id)
    assert list(decoded((first, second, third))) == events
    assert [sequence for sequence, _ in numbered((first, second, third))] == list(range(1, len(events) + 1))


@pytest.mark.parametrize(
    ("after", "expected"), [(0, [1, 5, 7]), (3, [1, 5, 7]), (4, [5, 7]), (5, [5, 7]), (7, [7]), (99, [7])]
)
async def test_from_an_event_on_they_begin_with_the_segment_that_has_the_next(
    history: History, execution: Execution, after: int, expected: list[int]
) -> None:
    found = await portions(history, execution, after)
    assert [segment.first_sequence for portion in found for segment in portion] == expected


async def test_portions_have_no_gaps(
    history: History, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PORTION", 1)
    found = await portions(history, execution)
    assert [[segment.first_sequence for segment in portion] for portion in found] == [[1], [5], [7]]


async def test_another_tenant_s_journal_is_empty(history: History, execution: Execution) -> None:
    assert [portion async for portion in history.segments(GLOBEX, execution.id)] == []
    assert [portion async for portion in history.segments(GLOBEX, execution.id, 3)] == []


async def test_without_a_database_there_are_no_segments(url: str, execution: Execution) -> None:
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        history = History(pool)
        await pool.close()
        with pytest.raises(JournalUnavailableError):
            await portions(history, execution)
