"""Executions retried directly, and their dead letters: answered by the retry, in the commit that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from tenantry.dataplane.dead_letters.port import Refusal
from tenantry.dataplane.journal import writer
from tests.support.dead_letters import write_letter
from tests.support.eventually import eventually
from tests.support.executions import NOON

if TYPE_CHECKING:
    import asyncpg

    from tests.support.dataplane import DataPlane

GOOD = {"id": 1}
pytestmark = pytest.mark.asks_once("a retry that was answered 503 goes on: asked again, it is another")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RECONNECT_SECONDS", 0.01)


def pool_of(plane: DataPlane) -> asyncpg.Pool[asyncpg.Record]:
    return plane.services.deliveries._pool


async def fail(plane: DataPlane) -> str:
    """A failed execution's id; it has one letter."""
    answer = await plane.execute("unlucky", {"fail": 404})
    assert answer.status_code == 502
    return answer.headers["Execution-Id"]


async def retry(plane: DataPlane, execution_id: str, role: str = "caller", **body: Any) -> None:
    answer = await plane.ask("POST", f"/executions/{execution_id}/retry", role=role, json=body)
    assert answer.status_code in {200, 202}, answer.text


async def run_ended(plane: DataPlane, execution_id: str, run: int, status: str) -> None:
    async def is_so() -> bool:
        row = await pool_of(plane).fetchrow(
            "SELECT run, status FROM executions WHERE id = $1::uuid", execution_id
        )
        return row is not None and (row["run"], row["status"]) == (run, status)

    await eventually(is_so)


async def letters(plane: DataPlane, **params: Any) -> list[Any]:
    """Oldest first."""
    answer = await plane.ask("GET", "/dlq", role="viewer", params=params)
    return list(reversed(answer.json()["deadLetters"]))


async def find(plane: DataPlane, letter_id: str, tenant: str = "acme") -> Any:
    answer = await plane.ask("GET", f"/dlq/{letter_id}", role="viewer", tenant=tenant)
    assert answer.status_code == 200
    return answer.json()


async def test_a_retry_of_an_execution_answers_its_open_letter_and_says_who_did(plane: DataPlane) -> None:
    execution = await fail(plane)
    (before,) = await letters(plane, execution=execution)
    assert (before["status"], before["changedBy"]) == ("open", None)
    await retry(plane, execution, "author", inputs={"call": GOOD})
    await run_ended(plane, execution, 2, "completed")
    (after,) = await letters(plane, execution=execution)
    assert (after["id"], after["status"], after["changedBy"]) == (before["id"], "retried", "acme-author")
    assert after["changedAt"] is not None
    assert after["retriedAs"] is None


async def test_a_letter_of_the_run_that_was_begun_is_open_again(plane: DataPlane) -> None:
    execution = await fail(plane)
    for run in (2, 3):
        await retry(plane, execution)
        await run_ended(plane, execution, run, "failed")
    told = [(letter["status"], letter["changedBy"]) for letter in await letters(plane, execution=execution)]
    assert told == [("retried", "acme-caller"), ("retried", "acme-caller"), ("open", None)]


async def test_only_open_letters_of_that_execution_are_answered(plane: DataPlane) -> None:
    pool = pool_of(plane)
    execution, other = await fail(plane), await fail(plane)
    kept = {
        status: await write_letter(pool, execution_id=execution, task=status, status=status, at=NOON)
        for status in ("archived", "discarded")
    }
    beside = await write_letter(pool, execution_id=execution, task="beside", at=NOON)
    foreign = await write_letter(pool, tenant="globex", execution_id=execution, at=NOON)
    await retry(plane, execution, inputs={"call": GOOD})
    await run_ended(plane, execution, 2, "completed")
    for status, letter_id in kept.items():
        letter = await find(plane, letter_id)
        assert (letter["status"], letter["changedBy"], letter["changedAt"]) == (status, None, None)
    assert (await find(plane, beside))["status"] == "retried"
    assert (await find(plane, foreign, "globex"))["status"] == "open"
    assert [letter["status"] for letter in await letters(plane, execution=other)] == ["open"]


async def test_the_letters_are_answered_in_the_commit_that_holds_the_retry(plane: DataPlane) -> None:
    execution = await fail(plane)

    async def refuse(_rows: Any) -> Any:
        raise ConnectionResetError

    with patch.object(plane.services.journal._store, "commit", refuse):
        answer = await plane.ask("POST", f"/executions/{execution}/retry")
        assert answer.status_code == 503
        assert [letter["status"] for letter in await letters(plane)] == ["open"]
    await run_ended(plane, execution, 2, "failed")
    together = await pool_of(plane).fetchval(
        "SELECT letter.xmin = journal.xmin FROM dead_letters AS letter JOIN journal USING (execution_id)"
        " WHERE letter.status = 'retried' AND journal.events::text LIKE '%WorkflowRetried%'"
    )
    assert together is True


async def test_a_retry_that_was_taken_from_us_answers_nothing(plane: DataPlane) -> None:
    execution = await fail(plane)
    commit = plane.services.journal._store.commit

    async def too_late(rows: Any) -> Any:
        await pool_of(plane).execute("UPDATE executions SET epoch = epoch + 1")
        return await commit(rows)

    with patch.object(plane.services.journal._store, "commit", too_late):
        await plane.ask("POST", f"/executions/{execution}/retry")
    assert [letter["status"] for letter in await letters(plane)] == ["open"]


async def test_what_a_retry_of_the_execution_answered_is_retried_for_the_letters_too(
    plane: DataPlane,
) -> None:
    execution = await fail(plane)
    (letter,) = await letters(plane)
    await retry(plane, execution, inputs={"call": GOOD})
    await run_ended(plane, execution, 2, "completed")
    path = f"/dlq/{letter['id']}"
    again = await plane.ask("POST", f"{path}/retry")
    assert (again.status_code, again.json()) == (200, await find(plane, letter["id"]))
    for what in ("retry-with-input", "discard", "archive"):
        body = {"input": GOOD} if what == "retry-with-input" else {}
        answer = await plane.ask("POST", f"{path}/{what}", json=body)
        assert answer.status_code == 409
        assert answer.json()["type"].rpartition("/")[2] == Refusal.NOT_OPEN
    bulk = await plane.ask("POST", "/dlq/bulk-retry", json={"filter": {"workflow": "unlucky"}})
    assert (bulk.json()["retried"], bulk.json()["refused"]) == (0, 0)
    assert await pool_of(plane).fetchval("SELECT run FROM executions") == 2


@pytest.mark.parametrize("what", ["retry", "retry-with-input", "bulk-retry"])
async def test_a_retry_of_a_letter_is_told_as_its_own(plane: DataPlane, what: str) -> None:
    execution = await fail(plane)
    (letter,) = await letters(plane)
    beside = await write_letter(pool_of(plane), execution_id=execution, task="beside", at=NOON)
    path, body = {
        "retry": (f"/dlq/{letter['id']}/retry", {}),
        "retry-with-input": (f"/dlq/{letter['id']}/retry-with-input", {"input": GOOD}),
        "bulk-retry": ("/dlq/bulk-retry", {"ids": [letter["id"]]}),
    }[what]
    answer = await plane.ask("POST", path, role="tenant-admin", json=body)
    assert answer.status_code == 200
    await run_ended(plane, execution, 2, "completed" if what == "retry-with-input" else "failed")
    for letter_id in (letter["id"], beside):
        found = await find(plane, letter_id)
        assert (found["status"], found["changedBy"]) == ("retried", "acme-tenant-admin")
        assert found["retriedAs"] is None
    opened = [] if what == "retry-with-input" else ["call"]
    assert [one["task"] for one in await letters(plane, status="open")] == opened


async def test_an_archived_letter_is_retried_as_before(plane: DataPlane) -> None:
    execution = await fail(plane)
    (letter,) = await letters(plane)
    assert (await plane.ask("POST", f"/dlq/{letter['id']}/archive")).status_code == 200
    await retry(plane, execution)
    await run_ended(plane, execution, 2, "failed")
    assert (await find(plane, letter["id"]))["status"] == "archived"
    answer = await plane.ask("POST", f"/dlq/{letter['id']}/retry", role="author")
    assert (answer.json()["status"], answer.json()["changedBy"]) == ("retried", "acme-author")
    await run_ended(plane, execution, 3, "failed")
    assert [one["status"] for one in await letters(plane)] == ["retried", "retried", "open"]
