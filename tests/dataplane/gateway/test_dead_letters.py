"""Dead letters over the REST API: from workflows that fail, to what becomes of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import httpx
import pytest

from tenantry.dataplane.dead_letters import acting
from tenantry.dataplane.dead_letters.parts import dead_letters
from tenantry.dataplane.engine.core.events import TaskCompleted
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.limits.port import LimitsUnavailableError, OverLimitError
from tenantry.tenants.identity import TenantId
from tests.support.dataplane import DataPlane, run_data_plane, served_bundle
from tests.support.dead_letters import FakeRetries, end_execution, write_letter
from tests.support.eventually import eventually
from tests.support.executions import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import asyncpg

NOBODY = "019ca945-0a00-7316-9d6e-83367b976cd1"
TYPES = "https://tenantry.dev/problems"
RETRIES = pytest.mark.asks_once("a retry that was answered 503 goes on: asked again, it is another")
IS_503 = pytest.mark.asks_once("the answer is the 503 after which callers ask again")


@pytest.fixture
def documents(testapi: str) -> str:
    """A charge whose card is declined, an optional one, and a list of them."""
    return f"""
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: charge}}
spec:
  type: http
  request:
    method: POST
    url: "{testapi}/payments"
    body: {{orderId: 5001, amountCents: 100, currency: EUR, card: "{{{{input.card}}}}"}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: note}}
spec: {{type: transform, value: "{{{{input}}}}"}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: busy}}
spec:
  type: http
  request: {{method: GET, url: "{testapi}/users/1", query: {{fail: "503"}}}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: buy}}
spec:
  tasks:
    - {{id: before, taskRef: note, input: {{said: "{{{{input.card}}}}"}}}}
    - {{id: pay, taskRef: charge, input: {{card: "{{{{tasks.before.output.said}}}}"}}}}
  output: {{paid: "{{{{tasks.pay.output.status}}}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: tip}}
spec:
  tasks:
    - {{id: pay, taskRef: charge, input: {{card: "{{{{input.card}}}}"}}, optional: true}}
    - {{id: after, taskRef: note, input: {{paid: "{{{{tasks.pay.output.status ?? 'nothing'}}}}"}}}}
  output: "{{{{tasks.after.output.paid}}}}"
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: tips}}
spec:
  tasks:
    - {{id: before, taskRef: note, input: "{{{{input}}}}"}}
    - {{id: one, taskRef: charge, input: {{card: "{{{{tasks.before.output.card}}}}"}}, optional: true}}
    - {{id: after-one, taskRef: note, input: {{paid: "{{{{tasks.one.output.status ?? 'nothing'}}}}"}}}}
    - {{id: two, taskRef: charge, input: {{card: "{{{{tasks.before.output.card}}}}"}}, optional: true}}
    - {{id: after-two, taskRef: note, input: {{paid: "{{{{tasks.two.output.status ?? 'nothing'}}}}"}}}}
  output: ["{{{{tasks.after-one.output.paid}}}}", "{{{{tasks.after-two.output.paid}}}}"]
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: patient}}
spec:
  tasks: [{{id: call, taskRef: busy, retry: {{maxAttempts: 2, initialDelay: 1ms}}}}]
  output: done
"""


def pool_of(plane: DataPlane) -> asyncpg.Pool[asyncpg.Record]:
    return plane.services.deliveries._pool


async def read(plane: DataPlane, path: str, **params: Any) -> Any:
    response = await plane.ask("GET", f"/dlq{path}", role="viewer", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def act(plane: DataPlane, letter: str, what: str, body: Any = None) -> httpx.Response:
    return await plane.ask("POST", f"/dlq/{letter}/{what}", **({} if body is None else {"json": body}))


async def acted(plane: DataPlane, letter: str, what: str, body: Any = None) -> Any:
    response = await act(plane, letter, what, body)
    assert response.status_code == 200, response.text
    return response.json()


async def only_letter(plane: DataPlane, **params: Any) -> Any:
    (letter,) = (await read(plane, "", **params))["deadLetters"]
    return letter


async def ended(plane: DataPlane, execution_id: str, status: str = "completed") -> Any:
    """The execution, once it ended."""

    async def is_so() -> bool:
        response = await plane.ask("GET", f"/executions/{execution_id}", role="viewer")
        return response.status_code == 200 and response.json()["status"] == status

    await eventually(is_so)
    return (await plane.ask("GET", f"/executions/{execution_id}", role="viewer")).json()


async def test_a_permanent_failure_is_a_letter_that_says_everything_about_it(plane: DataPlane) -> None:
    failed = await plane.execute("buy", {"card": "tok_declined"})
    assert failed.status_code == 502
    letter = await only_letter(plane)
    execution = failed.headers["Execution-Id"]
    assert letter == {
        "id": letter["id"],
        "status": "open",
        "executionId": execution,
        "executionStatus": "failed",
        "workflow": "buy",
        "version": 1,
        "task": "pay",
        "taskName": "charge",
        "reason": "permanent",
        "failure": letter["failure"],
        "attempts": 1,
        "createdAt": letter["createdAt"],
        "changedAt": None,
        "changedBy": None,
        "retriedAs": None,
    }
    assert (letter["failure"]["code"], letter["failure"]["status"]) == ("upstream-status", 402)
    links = {
        "execution": f"/tenants/acme/api/v1/executions/{execution}",
        "trace": f"/tenants/acme/api/v1/executions/{execution}/trace",
    }
    assert await read(plane, f"/{letter['id']}") == {**letter, "links": links}


async def test_retries_that_were_exhausted_are_told_with_their_number(plane: DataPlane) -> None:
    await plane.execute("patient")
    letter = await only_letter(plane)
    assert (letter["reason"], letter["attempts"], letter["taskName"]) == ("retries-exhausted", 2, "busy")


@RETRIES
async def test_what_failed_goes_on_with_another_input_and_what_was_done_is_not_done_again(
    plane: DataPlane,
) -> None:
    failed = await plane.execute("buy", {"card": "tok_declined"})
    letter = await only_letter(plane)
    retried = await acted(plane, letter["id"], "retry-with-input", {"input": {"card": "tok_visa"}})
    assert (retried["status"], retried["changedBy"]) == ("retried", "acme-caller")
    execution = await ended(plane, failed.headers["Execution-Id"])
    assert execution["output"] == {"paid": "captured"}
    events = await plane.services.history.events(TenantId("acme"), execution["id"])
    before = [event for event in events if isinstance(event, TaskCompleted) and event.task == "before"]
    assert [event.reused for event in before] == [False, True]


@RETRIES
async def test_a_retry_that_fails_again_leaves_a_letter_of_its_own(plane: DataPlane) -> None:
    failed = await plane.execute("buy", {"card": "tok_declined"})
    first = await only_letter(plane)
    await acted(plane, first["id"], "retry")

    async def again() -> bool:
        return len((await read(plane, "", execution=failed.headers["Execution-Id"]))["deadLetters"]) == 2

    await eventually(again)
    second = await only_letter(plane, status="open")
    assert (second["task"], second["executionId"]) == ("pay", first["executionId"])
    assert (await read(plane, f"/{first['id']}"))["status"] == "retried"


@RETRIES
async def test_what_failed_in_an_execution_that_completed_is_done_in_another(plane: DataPlane) -> None:
    completed = await plane.execute("tip", {"card": "tok_declined"})
    assert (completed.status_code, completed.json()) == (200, "nothing")
    letter = await only_letter(plane)
    assert letter["executionStatus"] == "completed"
    body = {"input": {"card": "tok_visa"}}
    retried = await acted(plane, letter["id"], "retry-with-input", body)
    fork = retried["retriedAs"]
    assert retried["links"]["retriedAs"] == f"/tenants/acme/api/v1/executions/{fork}"
    assert (await ended(plane, fork))["output"] == "captured"
    assert await acted(plane, letter["id"], "retry") == await read(plane, f"/{letter['id']}")
    await refused(plane, f"/{letter['id']}/retry-with-input", 409, "letter-not-open", json=body)


@RETRIES
async def test_a_fork_does_anew_what_comes_after_any_of_the_letters_and_nothing_else(
    plane: DataPlane,
) -> None:
    await plane.execute("tips", {"card": "tok_declined"})
    letters = (await read(plane, ""))["deadLetters"]
    (two,) = [letter["id"] for letter in letters if letter["task"] == "two"]
    retried = await acted(plane, two, "retry-with-input", {"input": {"card": "tok_visa"}})
    fork = await ended(plane, retried["retriedAs"])
    assert fork["output"] == ["nothing", "captured"]
    events = await plane.services.history.events(TenantId("acme"), fork["id"])
    completed = {event.task: event.reused for event in events if isinstance(event, TaskCompleted)}
    assert completed == {"before": True, "after-one": False, "two": False, "after-two": False}
    again = await only_letter(plane, status="open")
    assert (again["task"], again["executionId"]) == ("one", fork["id"])


@RETRIES
async def test_a_letter_whose_task_succeeded_since_is_not_done_once_more(plane: DataPlane) -> None:
    """Somebody retried the execution itself, and it completed: what the letter is of has been done."""
    failed = await plane.execute("buy", {"card": "tok_declined"})
    letter = await only_letter(plane)
    execution_id, body = failed.headers["Execution-Id"], {"inputs": {"pay": {"card": "tok_visa"}}}
    assert (await plane.ask("POST", f"/executions/{execution_id}/retry", json=body)).status_code == 202
    await ended(plane, execution_id)
    await pool_of(plane).execute("UPDATE dead_letters SET status = 'open'")
    await refused(plane, f"/{letter['id']}/retry", 409, "letter-not-open")
    assert await pool_of(plane).fetchval("SELECT count(*) FROM executions") == 1


async def test_a_task_that_the_workflow_does_not_have_leaves_its_letter_open(plane: DataPlane) -> None:
    completed = await plane.execute("tip", {"card": "tok_declined"})
    await write_letter(
        pool_of(plane), execution_id=completed.headers["Execution-Id"], task="unheard-of", at=NOON
    )
    (letter, other) = (await read(plane, ""))["deadLetters"]
    detail = await refused(plane, f"/{letter['id']}/retry", 409, "task-unknown")
    assert "unheard-of" in detail
    assert (await read(plane, f"/{other['id']}"))["status"] == "open"


async def test_an_execution_whose_plan_is_no_more_says_so(plane: DataPlane) -> None:
    await plane.execute("tip", {"card": "tok_declined"})
    await pool_of(plane).execute("UPDATE executions SET plan = 'of an earlier age'")
    letter = await only_letter(plane)
    await refused(plane, f"/{letter['id']}/retry", 409, "trace-gone")


@pytest.mark.parametrize("workflow", ["buy", "tip"])
async def test_a_tenant_at_its_limit_retries_nothing_and_its_letter_stays(
    make_database: Callable[[], str], tmp_path: Path, documents: str, workflow: str
) -> None:
    bundle = served_bundle(documents=documents, spec={"quotas": {"maxWorkflowsPerHour": 1}})
    async with run_data_plane(make_database(), tmp_path, bundle) as plane:
        await plane.execute(workflow, {"card": "tok_declined"})
        letter = await only_letter(plane)
        response = await plane.ask("POST", f"/dlq/{letter['id']}/retry")
        assert (response.status_code, response.json()["violated-policies"]) == (429, ["workflows-per-hour"])
        assert int(response.headers["Retry-After"]) > 0
        assert await read(plane, f"/{letter['id']}") == {**letter, "links": ANY}


@dataclass(frozen=True)
class Faked:
    """A data plane that only seems to retry."""

    plane: DataPlane
    retries: FakeRetries

    async def write(self, **told: Any) -> str:
        """A letter of acme."""
        return await write_letter(pool_of(self.plane), **told)

    async def bulk(self, body: Any) -> Any:
        """What a bulk retry answers."""
        response = await self.plane.ask("POST", "/dlq/bulk-retry", json=body)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
async def faked(plane: DataPlane) -> AsyncIterator[Faked]:
    retries = FakeRetries(pool_of(plane))
    letters = dead_letters(pool_of(plane), retries, plane.services.clock)
    services = replace(plane.services, dead_letters=letters)
    app = create_app(services)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://data-plane") as client:
        yield Faked(replace(plane, services=services, client=client), retries)


async def refused(plane: DataPlane, path: str, status: int, code: str, **options: Any) -> str:
    """What a request is told that acts on nothing."""
    response = await plane.ask("POST", f"/dlq{path}", **options)
    problem = response.json()
    assert (response.status_code, problem["type"]) == (status, f"https://tenantry.dev/problems/{code}")
    assert problem["status"] == status
    return str(problem["detail"])


async def test_a_page_is_followed_by_its_cursor_and_filtered_by_everything(faked: Faked) -> None:
    written = [await faked.write(at=NOON + number) for number in range(3)]
    page = await read(faked.plane, "", limit=2)
    assert [letter["id"] for letter in page["deadLetters"]] == [written[2], written[1]]
    rest = await read(faked.plane, "", limit=2, cursor=page["nextCursor"])
    assert ([letter["id"] for letter in rest["deadLetters"]], rest["nextCursor"]) == ([written[0]], None)
    execution = await end_execution(pool_of(faked.plane))
    meant = await faked.write(
        execution_id=execution, workflow="invoice", task="lines[1]", reason="deadline", code="deadline",
        status="archived", at=NOON + 0.5,
    )  # fmt: skip
    span = {"from": "2026-03-01T13:00:00.1+01:00", "to": "2026-03-01T12:00:00.9Z"}
    kind = {"workflow": "invoice", "task": "lines[]", "reason": "deadline", "code": "deadline"}
    letter = await only_letter(faked.plane, **kind, **span, status="archived", execution=execution)
    assert letter["id"] == meant


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("limit", "0"), ("limit", "101"), ("cursor", "next"), ("status", "closed"), ("reason", "bad luck"),
        ("code", "teapot"), ("execution", "that one"), ("from", "yesterday"), ("to", "2026-03-01T12:00:00"),
        ("workflow", "a\0b"), ("task", "\0"),
    ],
)  # fmt: skip
async def test_a_filter_that_cannot_be_read_is_named(plane: DataPlane, parameter: str, text: str) -> None:
    response = await plane.ask("GET", "/dlq", role="viewer", params={parameter: text})
    assert (response.status_code, response.json()["type"]) == (400, f"{TYPES}/invalid-parameter")
    assert response.json()["detail"].startswith(f"{parameter}: ")


@pytest.mark.parametrize("letter", [NOBODY, "analytics2", "%00", "019ca945"])
async def test_a_letter_that_does_not_exist_is_not_found(plane: DataPlane, letter: str) -> None:
    response = await plane.ask("GET", f"/dlq/{letter}", role="viewer")
    assert response.status_code == 404
    for what in ("retry", "discard", "archive"):
        await refused(plane, f"/{letter}/{what}", 404, "not-found")
    await refused(plane, f"/{letter}/retry-with-input", 404, "not-found", json={"input": 1})


async def test_a_letter_is_discarded_or_archived_and_who_did_it_is_logged(
    faked: Faked, caplog: pytest.LogCaptureFixture
) -> None:
    discarded, archived = await faked.write(), await faked.write()
    with caplog.at_level(logging.INFO, "tenantry.dataplane.gateway.dead_letters"):
        first = await acted(faked.plane, discarded, "discard")
        assert (first["status"], first["changedBy"]) == ("discarded", "acme-caller")
        assert (await acted(faked.plane, archived, "archive"))["status"] == "archived"
    assert caplog.messages == [
        f"dead letter {discarded} of tenant acme: discarded, by key acme-caller",
        f"dead letter {archived} of tenant acme: archived, by key acme-caller",
    ]
    assert await acted(faked.plane, discarded, "discard") == first
    for letter, what in ((discarded, "archive"), (archived, "discard"), (discarded, "retry")):
        await refused(faked.plane, f"/{letter}/{what}", 409, "letter-not-open")
    assert (await acted(faked.plane, archived, "retry"))["status"] == "retried"


async def test_a_call_of_unknown_outcome_is_repeated_by_who_acknowledges_it(faked: Faked) -> None:
    letter = await faked.write(task="pay", reason="outcome-unknown", failure={"outcomeUnknown": True})
    detail = await refused(faked.plane, f"/{letter}/retry", 409, "outcome-unknown")
    assert "the call at pay took effect" in detail
    await refused(faked.plane, f"/{letter}/retry-with-input", 409, "outcome-unknown", json={"input": 1})
    body = {"input": {"amount": 1}, "acknowledgeUnknownOutcome": True}
    assert (await acted(faked.plane, letter, "retry-with-input", body))["status"] == "retried"
    assert faked.retries.asked[0].inputs == {"pay": {"amount": 1}}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("retry", {"acknowledge": True}, "unknown field `acknowledge`"),
        ("retry", {"acknowledgeUnknownOutcome": "yes"}, "Expected `bool`"),
        ("retry", [], "Expected `object`"),
        ("retry-with-input", {}, "missing required field `input`"),
        ("bulk-retry", {}, "either by `ids` or by a `filter`"),
        ("bulk-retry", {"ids": [NOBODY], "filter": {}}, "either by `ids` or by a `filter`"),
        ("bulk-retry", {"ids": [NOBODY], "cursor": NOBODY}, "a `cursor` goes with a `filter`"),
        ("bulk-retry", {"ids": []}, "length >= 1"),
        ("bulk-retry", {"ids": [NOBODY] * 101}, "length <= 100"),
        ("bulk-retry", {"ids": [NOBODY, "next"]}, "`$.ids[1]`"),
        ("bulk-retry", {"filter": {}, "limit": 0}, ">= 1"),
        ("bulk-retry", {"filter": {}, "limit": 1001}, "<= 1000"),
        ("bulk-retry", {"filter": {"status": "archived"}}, "unknown field `status`"),
        ("bulk-retry", {"filter": {"reason": "bad luck"}}, "Invalid enum value"),
    ],
)
async def test_a_body_that_is_not_what_is_asked_for_says_where(
    faked: Faked, path: str, body: Any, said: str
) -> None:
    letter = await faked.write()
    path = path if path == "bulk-retry" else f"{letter}/{path}"
    assert said in await refused(faked.plane, f"/{path}", 400, "invalid-body", json=body)
    assert faked.retries.asked == []


async def test_what_is_no_json_or_no_instant_is_refused(faked: Faked) -> None:
    letter = await faked.write()
    await refused(faked.plane, f"/{letter}/retry-with-input", 400, "invalid-json", content=b"{")
    await refused(faked.plane, f"/{letter}/retry-with-input", 413, "body-too-large", content=b" " * 2**21)
    for field in ("from", "to", "execution"):
        body = {"filter": {field: "yesterday"}}
        assert field in await refused(faked.plane, "/bulk-retry", 400, "invalid-parameter", json=body)


@IS_503
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JournalUnavailableError("away"), "journal-unavailable"),
        (LimitsUnavailableError(), "limits-unavailable"),
    ],
)
async def test_what_cannot_be_begun_now_is_a_503(faked: Faked, error: Exception, code: str) -> None:
    faked.retries.refusal = error
    await refused(faked.plane, f"/{await faked.write()}/retry", 503, code)


async def test_an_executor_that_shuts_down_retries_nothing_and_settles_all_the_same(faked: Faked) -> None:
    letter = await faked.write()
    faked.plane.services.executor.draining = True
    await refused(faked.plane, f"/{letter}/retry", 503, "draining")
    await refused(faked.plane, "/bulk-retry", 503, "draining", json={"ids": [letter]})
    assert (await acted(faked.plane, letter, "discard"))["status"] == "discarded"


async def test_letters_named_by_their_ids_are_retried_and_each_is_told_of(faked: Faked) -> None:
    pool = pool_of(faked.plane)
    failed, completed = await end_execution(pool), await end_execution(pool, status="completed")
    first, second = await faked.write(execution_id=failed), await faked.write(execution_id=completed)
    unknown, theirs = await faked.write(reason="outcome-unknown"), await faked.write(tenant="globex")
    told = await faked.bulk({"ids": [first, second, first, unknown, theirs]})
    (fork,) = [one.new_id for one in faked.retries.asked if one.new_id]
    assert told["results"][:2] == [
        {"id": first, "outcome": "retried", "executionId": failed},
        {"id": second, "outcome": "retried", "executionId": fork},
    ]
    codes = [(one["id"], one["code"]) for one in told["results"][2:]]
    assert codes == [(unknown, "outcome-unknown"), (theirs, "not-found")]
    assert (told["retried"], told["refused"], told["remaining"]) == (2, 2, 0)
    assert (told["stoppedBy"], told["nextCursor"]) == (None, None)
    assert (await faked.bulk({"ids": [first, second]}))["results"] == told["results"][:2]
    assert len(faked.retries.asked) == 2


async def test_open_letters_of_a_filter_are_retried_page_by_page(faked: Faked) -> None:
    written = [await faked.write(at=NOON + number) for number in range(5)]
    await faked.write(workflow="invoice", at=NOON + 9)
    await faked.write(status="archived", at=NOON + 9)
    body = {"filter": {"workflow": "order", "from": "2026-03-01T12:00:01Z"}, "limit": 3}
    told = await faked.bulk(body)
    assert [one["id"] for one in told["results"]] == [written[4], written[3], written[2]]
    told = await faked.bulk({**body, "cursor": told["nextCursor"]})
    assert [one["id"] for one in told["results"]] == [written[1]]
    assert told["nextCursor"] is None
    assert len(faked.retries.asked) == 4
    told = await faked.bulk({"filter": {}, "acknowledgeUnknownOutcome": True})
    assert (told["retried"], told["nextCursor"]) == (2, None)


@pytest.mark.parametrize(
    ("error", "stopped_by"),
    [
        (
            OverLimitError(("workflows-per-hour",)),
            {"code": "rate-limited", "violatedPolicies": ["workflows-per-hour"], "retryAfterSeconds": 1},
        ),
        (
            LimitsUnavailableError(),
            {"code": "limits-unavailable", "violatedPolicies": [], "retryAfterSeconds": 1},
        ),
        (
            JournalUnavailableError("away"),
            {"code": "journal-unavailable", "violatedPolicies": [], "retryAfterSeconds": 1},
        ),
    ],
)
async def test_what_stops_a_bulk_retry_is_told_with_how_many_remain(
    faked: Faked, error: Exception, stopped_by: Any
) -> None:
    written = [await faked.write(at=NOON + number) for number in range(3)]
    await acted(faked.plane, written[2], "retry")
    faked.retries.refusal = error
    told = await faked.bulk({"ids": written[::-1]})
    assert (told["retried"], told["remaining"], told["stoppedBy"]) == (1, 2, stopped_by)
    assert told["nextCursor"] is None


@IS_503
async def test_a_bulk_retry_that_is_stopped_at_once_begins_anew_where_it_began(faked: Faked) -> None:
    written = [await faked.write(at=NOON + number) for number in range(3)]
    faked.retries.refusal = OverLimitError(("workflows-per-hour",))
    told = await faked.bulk({"filter": {}, "cursor": written[2]})
    assert (told["remaining"], told["nextCursor"]) == (2, written[2])
    faked.retries.refusal = JournalUnavailableError("away")
    await refused(faked.plane, "/bulk-retry", 503, "journal-unavailable", json={"filter": {}})


async def test_a_bulk_retry_ends_when_its_time_is_over(faked: Faked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "BULK_SECONDS", 0.0)
    written = [await faked.write(at=NOON + number) for number in range(3)]
    told = await faked.bulk({"filter": {}})
    assert [one["id"] for one in told["results"]] == [written[2]]
    assert (told["remaining"], told["nextCursor"]) == (2, written[2])
    assert told["stoppedBy"] == {"code": "time", "violatedPolicies": [], "retryAfterSeconds": 0}


async def test_what_letters_tell_together_is_shown(faked: Faked) -> None:
    pool, now = pool_of(faked.plane), faked.plane.services.clock()
    oldest = await faked.write(at=NOON, task="pay", task_name="")
    await faked.write(at=now - 60, task="lines[4]")
    completed = await end_execution(pool, status="completed")
    await faked.write(at=now - 60, task="lines[5]", status="retried", execution_id=completed)
    told = await read(faked.plane, "/analytics")
    assert (told["bucket"], told["total"], told["complete"]) == ("hour", 2, True)
    assert told["byStatus"] == {"open": 1, "retried": 1, "discarded": 0, "archived": 0}
    assert (told["byReason"], told["byCode"]) == ({"permanent": 2}, {"upstream-status": 2})
    assert told["topWorkflows"] == [{"workflow": "order", "count": 2}]
    task = {"workflow": "order", "task": "lines[]", "taskName": "charge-card", "count": 2}
    assert told["topTasks"] == [task]
    ends = {"completed": 1, "failed": 0, "cancelled": 0, "unfinished": 0, "gone": 0}
    assert told["retried"] == {"share": 0.5, "executions": ends}
    assert told["oldestOpen"]["id"] == oldest
    assert told["oldestOpen"]["ageSeconds"] == pytest.approx(now - NOON, abs=60)
    assert sum(bucket["count"] for bucket in told["overTime"]) == 2
    assert len(told["overTime"]) in (24, 25)
    told = await read(faked.plane, "/analytics", bucket="day", to="2026-03-02T00:00:00Z")
    assert (told["from"], told["to"]) == ("2026-01-31T00:00:00Z", "2026-03-02T00:00:00Z")
    assert told["overTime"][-1] == {"from": "2026-03-01T00:00:00Z", "count": 1}
    assert told["topTasks"] == [{"workflow": "order", "task": "pay", "taskName": None, "count": 1}]


async def test_a_tenant_without_an_open_letter_has_no_oldest_one(plane: DataPlane) -> None:
    told = await read(plane, "/analytics")
    assert (told["oldestOpen"], told["retried"]["share"]) == (None, None)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"bucket": "minute"}, "bucket"),
        ({"from": "yesterday"}, "from"),
        ({"to": "tomorrow"}, "to"),
        ({"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T12:00:00Z"}, "from, to"),
        ({"from": "2020-01-01T00:00:00Z"}, "from, to"),
        ({"to": "0001-01-01T00:00:00Z"}, "from, to"),
    ],
)
async def test_a_span_that_cannot_be_counted_is_refused(
    plane: DataPlane, params: dict[str, str], named: str
) -> None:
    response = await plane.ask("GET", "/dlq/analytics", role="viewer", params=params)
    assert (response.status_code, response.json()["type"]) == (400, f"{TYPES}/invalid-parameter")
    assert response.json()["detail"].startswith(f"{named}: ")
