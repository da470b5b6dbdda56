"""Retention over REST: what is kept, by which policy, what cleanups did, one made by hand."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.dataplane import DataPlane, run_data_plane, served_bundle
from tests.support.kept import DAY, Clock, Shelf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import asyncpg

DOCUMENTS = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: echo}
spec: {type: transform, value: "{{input}}"}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: fail}
spec: {type: http, request: {url: "http://127.0.0.1:1/"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: plain}
spec: {tasks: [{id: echo, taskRef: echo, input: "{{input}}"}], output: "{{tasks.echo.output}}"}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: broken}
spec: {tasks: [{id: fail, taskRef: fail}]}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: audited, namespace: shop}
spec:
  retention: {executionHistory: 90d, taskTraces: 60d}
  tasks: [{id: echo, taskRef: echo}]
"""
SPEC = {"dataRetention": {"taskTraces": "3d", "cleanupSchedule": "30 4 * * 1"}}


@pytest.fixture
async def plane(url: str, tmp_path: Path) -> AsyncIterator[DataPlane]:
    bundles = [
        served_bundle("acme", documents=DOCUMENTS, spec=SPEC),
        served_bundle("globex", documents=DOCUMENTS),
    ]
    async with run_data_plane(url, tmp_path, *bundles) as plane:
        yield plane


@pytest.fixture
def shelf(plane: DataPlane, database: asyncpg.Connection) -> Shelf:
    return Shelf(database, Clock(plane.services.clock()))


async def ask(plane: DataPlane, path: str, method: str = "GET", role: str = "tenant-admin") -> Any:
    response = await plane.ask(method, f"/retention/{path}", role=role)
    assert response.status_code == 200, response.text
    return response.json()


async def test_policies_say_how_long_what_is_kept_and_who_said_so(plane: DataPlane) -> None:
    found = await ask(plane, "policies", role="viewer")
    assert found["general"] == {
        "executionHistory": {"seconds": 30 * DAY, "from": "system"},
        "taskTraces": {"seconds": 3 * DAY, "from": "tenant"},
        "apiLogs": {"seconds": 7 * DAY, "from": "system"},
    }
    by_name = {one.pop("workflow"): one for one in found["workflows"]}
    assert by_name.keys() == {"plain", "broken", "shop/audited"}
    assert by_name["plain"]["executionHistory"] == {"seconds": 30 * DAY, "from": "system"}
    assert by_name["shop/audited"] == {
        "executionHistory": {"seconds": 90 * DAY, "from": "workflow"},
        "taskTraces": {"seconds": 3 * DAY, "from": "tenant"},
    }
    assert (found["graceSeconds"], found["cleanupSchedule"]) == (DAY, "30 4 * * 1")


async def test_status_tells_what_is_kept_and_what_is_hidden(plane: DataPlane, shelf: Shelf) -> None:
    hidden, untraced, kept = [await shelf.put(days=days, trace_bytes=50) for days in (40, 5, 1)]
    await shelf.call_back(kept, days=1)
    await shelf.call_back(untraced, days=None)
    await shelf.put(days=1, tenant="globex")
    await ask(plane, "cleanup", "POST")
    found = await ask(plane, "status")
    history, traces, logs = (found["kept"][name] for name in ("executionHistory", "taskTraces", "apiLogs"))
    assert (history["count"], history["softDeleted"]) == (2, 1)
    assert history["bytes"] > 0
    assert (traces["count"], traces["bytes"], traces["softDeleted"]) == (1, 50, 2)
    assert (logs["count"], logs["softDeleted"]) == (2, 0)
    began_at = shelf.clock() - 5 * DAY - 60
    assert datetime.fromisoformat(history["oldest"]).timestamp() == pytest.approx(began_at)
    assert hidden not in await shelf.shown()


async def test_status_says_when_the_last_cleanup_was_and_the_next_will_be(plane: DataPlane) -> None:
    before = await ask(plane, "status")
    assert (before["lastRun"], before["cleanupSchedule"]) == (None, "30 4 * * 1")
    assert before["kept"]["executionHistory"] == {"count": 0, "bytes": 0, "oldest": None, "softDeleted": 0}
    following = datetime.fromisoformat(before["nextRun"])
    assert (following.weekday(), following.hour, following.minute) == (0, 4, 30)
    assert following.timestamp() > plane.services.clock()
    done = await ask(plane, "cleanup", "POST")
    await ask(plane, "cleanup?dryRun=true", "POST")
    assert (await ask(plane, "status"))["lastRun"] == done


async def test_a_cleanup_by_hand_answers_what_it_did_and_a_dry_run_what_it_would(
    plane: DataPlane, shelf: Shelf
) -> None:
    execution = await shelf.put(days=40)
    promised = await ask(plane, "cleanup?dryRun=true", "POST")
    assert (promised["dryRun"], promised["actor"]) == (True, "acme-tenant-admin")
    assert promised["counts"]["executionHistory"] == {"softDeleted": 1, "restored": 0, "removed": 0}
    assert await shelf.shown() == {execution}
    done = await ask(plane, "cleanup?dryRun=false", "POST")
    assert done["counts"] == promised["counts"]
    assert await shelf.shown() == set()


async def test_the_log_is_paged_from_the_latest_on(plane: DataPlane) -> None:
    runs = [(await ask(plane, "cleanup", "POST"))["id"] for _ in range(3)]
    first = await ask(plane, "logs?limit=2")
    second = await ask(plane, f"logs?limit=2&cursor={first['nextCursor']}")
    assert [entry["id"] for entry in first["logs"] + second["logs"]] == runs[::-1]
    assert second["nextCursor"] is None


@pytest.mark.parametrize(
    ("method", "path", "parameter"),
    [
        ("GET", "logs?limit=0", "limit"),
        ("GET", "logs?limit=many", "limit"),
        ("GET", "logs?cursor=1", "cursor"),
        ("POST", "cleanup?dryRun=perhaps", "dryRun"),
    ],
)
async def test_a_parameter_that_cannot_be_read_is_named(
    plane: DataPlane, method: str, path: str, parameter: str
) -> None:
    response = await plane.ask(method, f"/retention/{path}", role="tenant-admin")
    assert (response.status_code, response.json()["title"]) == (400, "Invalid query parameter")
    assert response.json()["detail"].startswith(f"{parameter}:")


async def test_who_asks_while_a_cleanup_runs_is_told_so(
    plane: DataPlane, database: asyncpg.Connection
) -> None:
    await database.execute("SELECT pg_advisory_lock(hashtextextended('tenantry cleanup acme', 0))")
    response = await plane.ask("POST", "/retention/cleanup", role="tenant-admin")
    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (409, "cleanup-running")


async def test_a_cleanup_that_takes_longer_than_an_answer_may_goes_on(
    plane: DataPlane, shelf: Shelf, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenantry.dataplane.gateway.retention.PATIENCE_SECONDS", 0.0)
    await shelf.put(days=40)
    async with database.transaction():
        await database.execute("LOCK TABLE executions IN ACCESS EXCLUSIVE MODE")
        response = await plane.ask("POST", "/retention/cleanup", role="tenant-admin")
        assert (response.status_code, response.json()["status"]) == (202, "running")
    log = response.json()["links"]["log"].partition("/retention/")[2]
    while not (found := await ask(plane, log))["logs"]:
        pass
    assert found["logs"][0]["counts"]["executionHistory"]["softDeleted"] == 1


async def test_a_cleanup_that_fails_is_said_without_its_details(
    plane: DataPlane, shelf: Shelf, database: asyncpg.Connection
) -> None:
    await shelf.put(days=40)
    await database.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'the secret of acme'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON executions FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    response = await plane.ask("POST", "/retention/cleanup", role="tenant-admin")
    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (503, "cleanup-failed")
    (entry,) = (await ask(plane, "logs"))["logs"]
    assert entry["error"] == "RaiseError"
    assert "secret" not in response.text


async def hide(database: asyncpg.Connection, execution: str, column: str) -> None:
    await database.execute(f"UPDATE executions SET {column} = now() WHERE id = $1::uuid", execution)  # noqa: S608


async def test_an_execution_that_is_hidden_is_nowhere_to_be_seen(
    plane: DataPlane, database: asyncpg.Connection
) -> None:
    execution = (await plane.execute("plain", {"n": 1})).headers["Execution-Id"]
    kept = (await plane.execute("plain", {"n": 2})).headers["Execution-Id"]
    await hide(database, execution, "deleted_at")
    for path in ("", "/trace", "/events", "/state", "/callback"):
        response = await plane.ask("GET", f"/executions/{execution}{path}")
        assert response.status_code == 404, (path, response.text)
    for path, body in (("cancel", None), ("retry", {}), ("fork", {"task": "echo"})):
        response = await plane.ask("POST", f"/executions/{execution}/{path}", json=body)
        assert response.status_code == 404, (path, response.text)
    page = (await plane.ask("GET", "/workflows/plain/executions")).json()
    assert [one["id"] for one in page["executions"]] == [kept]
    estimate = (await plane.ask("POST", "/workflows/plain/test", json={})).json()["estimate"]
    assert estimate["basedOnExecutions"] == 1


async def test_an_execution_whose_trace_is_hidden_says_so(
    plane: DataPlane, database: asyncpg.Connection
) -> None:
    execution = (await plane.execute("broken")).json()["executionId"]
    before = (await plane.ask("GET", f"/executions/{execution}")).json()
    assert before["traceDeleted"] is False
    await hide(database, execution, "trace_deleted_at")
    found = (await plane.ask("GET", f"/executions/{execution}")).json()
    assert (found["status"], found["traceDeleted"]) == ("failed", True)
    assert (found["input"], found["output"], found["failure"]) == (None, None, None)
    for method, path in (
        ("GET", "trace"),
        ("GET", "events"),
        ("GET", "events?after=1"),
        ("GET", "state"),
        ("POST", "retry"),
        ("POST", "fork"),
    ):
        body = {"task": "fail"} if path == "fork" else {}
        response = await plane.ask(method, f"/executions/{execution}/{path}", json=body)
        assert response.status_code == 409, (path, response.text)
        assert response.json()["type"].rpartition("/")[2] == "trace-gone"


@pytest.mark.parametrize("column", ["trace_deleted_at", "deleted_at"])
async def test_a_request_whose_answer_is_not_kept_any_more_is_told_so_at_once(
    plane: DataPlane, database: asyncpg.Connection, column: str
) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await plane.execute("plain", {"n": 1}, headers=headers)
    assert first.status_code == 200
    execution = first.headers["Execution-Id"]
    await hide(database, execution, column)
    again = await plane.execute("plain", {"n": 1}, headers=headers)
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "trace-gone")
    assert again.json()["executionId"] == execution
