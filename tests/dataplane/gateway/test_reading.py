"""What a tenant can read: definitions, dry runs, executions page by page, traces, events, costs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.dataplane import served_bundle
from tests.support.tenants import token_for

if TYPE_CHECKING:
    import asyncpg

    from tests.support.dataplane import DataPlane

NOBODY = "019ca945-0a00-7316-9d6e-83367b976cd1"


async def read(plane: DataPlane, path: str, **options: Any) -> Any:
    response = await plane.ask("GET", path, role="viewer", **options)
    assert response.status_code == 200, response.text
    return response.json()


async def test_workflows_are_listed_by_name_with_what_they_take(plane: DataPlane) -> None:
    workflows = (await read(plane, "/workflows"))["workflows"]
    names = [workflow["name"] for workflow in workflows]
    assert names == sorted(names)
    (welcome,) = (workflow for workflow in workflows if workflow["name"] == "welcome")
    assert (welcome["version"], welcome["description"]) == (1, "Greets a user by name")
    assert welcome["input"]["required"] == ["userId"]


async def test_tasks_are_listed_by_name_with_their_type(plane: DataPlane) -> None:
    tasks = (await read(plane, "/tasks"))["tasks"]
    assert {task["name"]: task["type"] for task in tasks}["greet"] == "transform"
    assert len(tasks[0]["digest"]) == 64


@pytest.mark.parametrize(
    ("path", "kind"), [("/workflows/welcome", "Workflow"), ("/tasks/greet", "WorkflowTask")]
)
async def test_a_definition_is_given_as_it_was_applied(plane: DataPlane, path: str, kind: str) -> None:
    answer = await read(plane, path)
    assert answer["definition"]["kind"] == kind
    assert answer["definition"]["metadata"]["name"] == answer["name"]


@pytest.mark.parametrize(
    "path",
    [
        "/workflows/absent",
        "/workflows/greet",
        "/tasks/welcome",
        f"/executions/{NOBODY}",
        f"/executions/{NOBODY}/trace",
        f"/executions/{NOBODY}/events",
        "/executions/not-an-id",
        "/executions/%00",
        "/workflows/a%00b/executions",
    ],
)
async def test_what_there_is_not_is_a_404(plane: DataPlane, path: str) -> None:
    response = await plane.ask("GET", path)
    assert (response.status_code, response.json()["title"]) == (404, "Not found")


async def test_an_execution_is_told_with_input_output_times_and_cost(plane: DataPlane) -> None:
    answer = await plane.execute("welcome", {"userId": 1})
    execution = await read(plane, f"/executions/{answer.headers['Execution-Id']}")
    assert (execution["workflow"], execution["version"], execution["status"]) == ("welcome", 1, "completed")
    assert (execution["input"], execution["output"]) == ({"userId": 1}, answer.json())
    assert (execution["failure"], execution["failureCode"]) == (None, None)
    assert (execution["taskAttempts"], execution["startedAt"] < execution["endedAt"]) == (2, True)
    assert execution["durationSeconds"] > 0
    assert execution["cost"] == {"amount": "0.0012000000", "currency": "EUR"}
    for link in execution["links"].values():
        assert (await plane.client.get(link, headers=bearer("viewer"))).status_code == 200


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_for('acme', role)}"}


async def test_a_failed_execution_is_told_with_its_failure(plane: DataPlane) -> None:
    answer = await plane.execute("unlucky", {"fail": 410})
    execution = await read(plane, f"/executions/{answer.headers['Execution-Id']}")
    assert (execution["status"], execution["failureCode"]) == ("failed", "upstream-status")
    assert (execution["failure"]["task"], execution["failure"]["status"]) == ("call", 410)


async def test_a_running_execution_is_shown_as_far_as_it_is(plane: DataPlane) -> None:
    waiting = asyncio.create_task(plane.execute("unlucky", {"hang": True}))
    execution = None
    while execution is None:
        page = await read(plane, "/workflows/unlucky/executions")
        execution = page["executions"][0] if page["executions"] else None
    detail = await read(plane, f"/executions/{execution['id']}")
    assert (detail["status"], detail["endedAt"], detail["cost"]) == ("running", None, None)
    trace = await read(plane, f"/executions/{execution['id']}/trace")
    assert trace["tasks"][0]["status"] == "running"
    theirs = await plane.ask("POST", f"/executions/{execution['id']}/cancel", tenant="globex")
    assert theirs.status_code == 404
    assert (await read(plane, f"/executions/{execution['id']}"))["status"] == "running"
    await plane.ask("POST", f"/executions/{execution['id']}/cancel")
    await waiting


async def test_pages_lead_from_the_newest_to_the_oldest(plane: DataPlane) -> None:
    ids = [(await plane.execute("welcome", {"userId": 1})).headers["Execution-Id"] for _ in range(5)]
    found: list[str] = []
    query = "limit=2"
    while query:
        page = await read(plane, f"/workflows/welcome/executions?{query}")
        found += [execution["id"] for execution in page["executions"]]
        query = f"limit=2&cursor={page['nextCursor']}" if page["nextCursor"] else ""
    assert found == sorted(ids, reverse=True)


async def test_executions_are_filtered(plane: DataPlane) -> None:
    good = (await plane.execute("welcome", {"userId": 1})).headers["Execution-Id"]
    bad = (await plane.execute("welcome", {"userId": 99})).headers["Execution-Id"]
    for query, expected in (
        ("status=failed", {bad}),
        ("status=completed", {good}),
        ("status=cancelled", set()),
        ("label=team=growth", {good, bad}),
        ("label=team=other", set()),
        ("from=2020-01-01T00:00:00Z&to=2120-01-01T00:00:00Z", {good, bad}),
        ("to=2020-01-01T00:00:00%2B01:00", set()),
    ):
        page = await read(plane, f"/workflows/welcome/executions?{query}")
        assert {execution["id"] for execution in page["executions"]} == expected, query
        assert page["nextCursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=%C2%B2",
        f"limit={'9' * 5000}",
        "status=done",
        "cursor=",
        "cursor=abc",
        "cursor=%00",
        "from=yesterday",
        "from=2026-01-31T12:00:00",
        "from=2026-01-31T12:00:00+01:00",
        "to=0001-01-01T00:00:00%2B14:00",
        "to=99999-01-01T00:00:00Z",
        "label=team",
        "label=a%00=b",
    ],
)
async def test_a_parameter_that_cannot_be_read_is_a_400_that_names_it(plane: DataPlane, query: str) -> None:
    response = await plane.ask("GET", f"/workflows/welcome/executions?{query}")
    assert (response.status_code, response.json()["title"]) == (400, "Invalid query parameter")
    assert response.json()["detail"].startswith(f"{query.partition('=')[0]}: ")


@pytest.mark.parametrize("cursor", [f"{{{NOBODY}}}", f"urn:uuid:{NOBODY}", NOBODY.replace("-", "")])
async def test_an_id_has_one_spelling(plane: DataPlane, cursor: str) -> None:
    page = await plane.ask("GET", f"/workflows/welcome/executions?cursor={cursor}")
    assert page.status_code == 400
    assert (await plane.ask("GET", f"/executions/{cursor}")).status_code == 404
    upper = f"/workflows/welcome/executions?cursor={NOBODY.upper()}"
    assert (await read(plane, upper))["executions"] == []


async def test_a_dry_run_shows_what_would_happen_and_does_nothing(plane: DataPlane, documents: str) -> None:
    spec = {"rateLimit": {"requestsPerSecond": 0.01, "burstSize": 1}}
    await plane.services.registry.install(served_bundle(revision=2, documents=documents, spec=spec))
    for _ in range(3):
        assert (await plane.ask("POST", "/workflows/welcome/test", json={"userId": 7})).status_code == 200
    plan = (await plane.ask("POST", "/workflows/welcome/test", json={"userId": 7})).json()
    assert (plan["workflow"], plan["version"], plan["groups"]) == ("welcome", 1, [["user"], ["words"]])
    assert plan["edges"] == [{"from": "user", "to": "words"}]
    assert plan["nodes"][0]["request"]["url"].endswith("/users/7")
    assert plan["estimate"] == {"basedOnExecutions": 0, "durationSeconds": None, "cost": None}
    assert (await read(plane, "/workflows/welcome/executions"))["executions"] == []


async def test_a_dry_run_estimates_from_what_was_and_masks_credentials(plane: DataPlane) -> None:
    await plane.execute("buy", {"orderId": 5001})
    plan = (await plane.ask("POST", "/workflows/buy/test", json={"orderId": 5001})).json()
    assert plan["estimate"]["basedOnExecutions"] == 1
    assert plan["estimate"]["durationSeconds"] > 0
    assert plan["estimate"]["cost"] == {"amount": "0.0011000000", "currency": "EUR"}
    assert plan["nodes"][0]["request"]["headers"] == {"Authorization": "***"}


@pytest.mark.parametrize(
    ("content", "status"), [(b"{", 400), (b'{"userId": "one"}', 422), (b" " * 1_100_000, 413)]
)
async def test_a_dry_run_judges_its_input_like_an_execution(
    plane: DataPlane, content: bytes, status: int
) -> None:
    assert (await plane.ask("POST", "/workflows/welcome/test", content=content)).status_code == status


async def test_the_execution_that_was_answered_is_in_the_database_with_its_usage_exactly_once(
    plane: DataPlane,
) -> None:
    answer = await plane.execute("welcome", {"userId": 1})
    pool: asyncpg.Pool[asyncpg.Record] = plane.services.history._pool
    execution = answer.headers["Execution-Id"]
    assert await pool.fetchval("SELECT status FROM executions WHERE id = $1", execution) == "completed"
    assert await pool.fetchval("SELECT count(*) FROM events WHERE execution_id = $1", execution) == 8
    assert await pool.fetchval("SELECT count(*) FROM usage_outbox WHERE id = $1", execution) == 1


async def test_an_effect_happens_once_and_only_after_the_submission_is_durable(
    plane: DataPlane, testapi: str
) -> None:
    response = await plane.execute("buy", {"orderId": 5002})
    assert response.status_code == 200
    payment = response.json()["payment"]
    async with httpx.AsyncClient(base_url=testapi) as shop:
        effects = (await shop.get("/journal", params={"path": "/payments"})).json()["entries"]
    # The journal of the test API is the session's: others were refused, and made nothing.
    made = [entry["resource"]["id"] for entry in effects if entry["resource"]]
    assert made.count(payment) == 1
