"""Pages of dead letters and single ones, on a real database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tenantry.dataplane.dead_letters.letters import LetterFilter, LetterStatus
from tenantry.dataplane.dead_letters.store import LetterStore, page_statement
from tenantry.dataplane.engine.core.events import DeadLetterReason, FailureCode
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.tenants.identity import TenantId
from tests.support.dead_letters import MANY_LETTERS, end_execution, instant
from tests.support.executions import NOON

if TYPE_CHECKING:
    from tests.dataplane.dead_letters.conftest import Desk

ACME, GLOBEX = TenantId("acme"), TenantId("globex")


async def ids(desk: Desk, limit: int = 10, tenant: TenantId = ACME, **wanted: Any) -> list[str]:
    return [letter.id for letter in await desk.store.page(tenant, LetterFilter(**wanted), limit)]


async def test_a_letter_is_read_as_it_was_written(desk: Desk) -> None:
    execution = await end_execution(desk.pool, status="cancelled")
    letter_id = await desk.write(
        execution_id=execution,
        task="lines[3]",
        task_name="price",
        reason="retries-exhausted",
        failure={"status": 503},
        at=NOON + 0.25,
    )
    letter = await desk.find(letter_id)
    assert (letter.id, letter.execution_id, letter.workflow, letter.version) == (
        letter_id,
        execution,
        "order",
        1,
    )
    assert (letter.task, letter.task_name, letter.reason) == ("lines[3]", "price", "retries-exhausted")
    assert (letter.failure["status"], letter.failure_code, letter.attempts) == (503, "upstream-status", 3)
    assert (letter.created_at, letter.status) == (instant(NOON + 0.25), LetterStatus.OPEN)
    assert (letter.changed_at, letter.changed_by, letter.retried_as) == (None, None, None)
    assert (letter.execution_status, letter.outcome_unknown) == ("cancelled", False)
    assert await desk.store.page(ACME, LetterFilter(), 1) == [letter]


@pytest.mark.parametrize(
    ("told", "unknown"),
    [
        ({"reason": "outcome-unknown"}, True),
        ({"reason": "deadline", "failure": {"outcomeUnknown": True}}, True),
        ({"reason": "deadline"}, False),
    ],
)
async def test_an_outcome_may_be_unknown_whatever_the_reason(
    desk: Desk, told: dict[str, Any], *, unknown: bool
) -> None:
    assert (await desk.find(await desk.write(**told))).outcome_unknown is unknown


async def test_a_page_is_newest_first_and_goes_on_after_its_last(desk: Desk) -> None:
    written = [await desk.write(at=NOON + number) for number in range(5)]
    newest_first = written[::-1]
    assert await ids(desk, 2) == newest_first[:2]
    assert await ids(desk, 2, before_id=newest_first[1]) == newest_first[2:4]
    assert await ids(desk, 2, before_id=newest_first[3]) == newest_first[4:]


async def test_nothing_of_another_tenant_is_read(desk: Desk) -> None:
    theirs = await desk.write(tenant="globex")
    assert await ids(desk) == []
    assert await desk.store.find(ACME, theirs) is None
    assert await ids(desk, tenant=GLOBEX) == [theirs]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"workflow": "invoice"}, {"workflow": "invoice"}),
        ({"task": "lines[3]/price"}, {"task": "lines[3]/price"}),
        ({"task": "lines[]/price"}, {"task": "lines[12]/price"}),
        ({"task": "price-order"}, {"task": "lines", "task_name": "price-order"}),
        ({"reason": DeadLetterReason.DEADLINE}, {"reason": "deadline"}),
        ({"code": FailureCode.EGRESS_DENIED}, {"code": "egress-denied"}),
        ({"status": LetterStatus.ARCHIVED}, {"status": "archived"}),
        ({"since": instant(NOON + 10)}, {"at": NOON + 10}),
        ({"until": instant(NOON)}, {"at": NOON - 0.001}),
    ],
)
async def test_a_filter_lets_through_exactly_what_it_names(
    desk: Desk, wanted: dict[str, Any], told: dict[str, Any]
) -> None:
    await desk.write()
    await desk.write(tenant="globex", **told)
    meant = await desk.write(**told)
    assert await ids(desk, **wanted) == [meant]


async def test_letters_of_one_execution_are_found(desk: Desk) -> None:
    execution = await end_execution(desk.pool)
    both = [await desk.write(execution_id=execution, at=NOON + number) for number in range(2)]
    await desk.write(at=NOON + 1)
    assert await ids(desk, execution_id=execution) == both[::-1]


async def test_a_span_is_exact_though_ids_hold_only_milliseconds(desk: Desk) -> None:
    """An instant just below a millisecond is stored as the next, while its id is of the one before."""
    rounded = await desk.write(at=NOON + 0.9999999)
    assert (await desk.find(rounded)).created_at == instant(NOON + 1)
    assert await ids(desk, since=instant(NOON + 1)) == [rounded]
    assert await ids(desk, until=instant(NOON + 1)) == []
    early, late = await desk.write(at=NOON + 5.0002), await desk.write(at=NOON + 5.0008)
    assert await ids(desk, since=instant(NOON + 5.0005)) == [late]
    assert await ids(desk, since=instant(NOON + 5), until=instant(NOON + 5.0005)) == [early]


async def test_the_ends_of_the_calendar_are_instants_like_any_other(desk: Desk) -> None:
    letter = await desk.write()
    first, last = (instant(0).replace(year=year) for year in (1, 9999))
    assert await ids(desk, since=first, until=last) == [letter]
    assert await ids(desk, until=first + timedelta(days=1)) == []


async def test_where_an_execution_that_is_deleted_stood_is_not_told(desk: Desk) -> None:
    deleted = await end_execution(desk.pool, deleted=True)
    assert (await desk.find(await desk.write(execution_id=deleted))).execution_status is None


async def test_a_database_that_is_away_is_said_to_be(desk: Desk) -> None:
    async with asyncpg.create_pool(min_size=0, host="127.0.0.1", port=1, timeout=5) as nowhere:
        store = LetterStore(nowhere)
        with pytest.raises(JournalUnavailableError, match="not reachable"):
            await store.page(ACME, LetterFilter(), 1)
    assert await ids(desk) == []


async def plan_of(desk: Desk, statement: str, values: list[Any]) -> list[dict[str, Any]]:
    """The nodes of how PostgreSQL reads a page."""
    shown = await desk.pool.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *values)
    stack, nodes = [json.loads(shown)[0]["Plan"]], []
    while stack:
        node = stack.pop()
        nodes.append(node)
        stack += node.get("Plans", [])
    return nodes


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "dead_letters_pkey"),
        ({"status": LetterStatus.OPEN}, "dead_letters_by_status"),
        ({"workflow": "order-7"}, "dead_letters_by_workflow"),
        ({"since": instant(NOON), "until": instant(NOON + 600)}, "dead_letters_pkey"),
    ],
)
async def test_a_page_among_100_000_letters_is_read_from_an_index_in_order(
    desk: Desk, wanted: dict[str, Any], index: str
) -> None:
    await desk.pool.execute(MANY_LETTERS, NOON)
    await desk.pool.execute("ANALYZE dead_letters")
    nodes = await plan_of(desk, *page_statement(ACME, LetterFilter(**wanted), 50))
    assert {node.get("Index Name") for node in nodes if node.get("Relation Name") == "dead_letters"} == {
        index
    }
    assert not [node for node in nodes if node["Node Type"] in ("Sort", "Seq Scan", "Bitmap Heap Scan")]
