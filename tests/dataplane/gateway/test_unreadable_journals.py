"""A journal that cannot be read, damaged or of a later version: a problem that says so, never a 500."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.support.dataplane import run_data_plane, served_bundle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx

    from tests.support.dataplane import DataPlane

DOCUMENTS = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: echo}
spec: {type: transform, value: "{{input}}"}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: plain}
spec: {tasks: [{id: echo, taskRef: echo, input: "{{input}}"}], output: "{{tasks.echo.output}}"}
"""
DAMAGED = {
    "no list": '{"type": "WorkflowStarted", "at": 1.0}',
    "no object": "[1]",
    "no type": '[{"at": 1.0}]',
    "no instant": '[{"type": "WorkflowStarted"}]',
    "an instant that is none": '[{"type": "WorkflowStarted", "at": "noon"}]',
}
OF_A_LATER_VERSION = '[{"type": "WorkflowTeleported", "at": 1772366400.0, "to": "elsewhere"}]'
VIEWS = ("trace", "trace?templates=true", "events", "state")


@pytest.fixture
async def url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
async def plane(url: str, tmp_path: Path) -> AsyncIterator[DataPlane]:
    async with run_data_plane(url, tmp_path, served_bundle(documents=DOCUMENTS)) as plane:
        yield plane


@pytest.fixture
async def database(plane: DataPlane, url: str) -> AsyncIterator[asyncpg.Connection]:
    del plane  # only that its tables are there
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


def refused(response: httpx.Response, execution: str) -> bool:
    problem: dict[str, Any] = response.json()
    told = response.status_code, problem.get("type", "").rpartition("/")[2], problem.get("executionId")
    return told == (409, "trace-gone", execution)


async def rewrite(database: asyncpg.Connection, events: str) -> None:
    await database.execute("UPDATE journal SET events = $1::json", events)


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
async def test_a_damaged_journal_is_a_409_wherever_it_is_read(
    plane: DataPlane, database: asyncpg.Connection, damage: str
) -> None:
    headers = {"Idempotency-Key": "k"}
    execution = (await plane.execute("plain", {"n": 1}, headers=headers)).headers["Execution-Id"]
    await rewrite(database, damage)
    for view in VIEWS:
        response = await plane.ask("GET", f"/executions/{execution}/{view}")
        assert refused(response, execution), (view, response.text)
    assert refused(await plane.ask("GET", f"/executions/{execution}"), execution)
    assert refused(await plane.execute("plain", {"n": 1}, headers=headers), execution)


async def test_events_of_a_later_version_are_shown_and_nothing_is_made_of_them(
    plane: DataPlane, database: asyncpg.Connection
) -> None:
    execution = (await plane.execute("plain", {"n": 1})).headers["Execution-Id"]
    await rewrite(database, OF_A_LATER_VERSION)
    for view in ("", "/trace", "/trace?templates=true", "/state"):
        response = await plane.ask("GET", f"/executions/{execution}{view}")
        assert refused(response, execution), (view, response.text)
    (event,) = (await plane.ask("GET", f"/executions/{execution}/events")).json()["events"]
    assert (event["type"], event["data"]) == ("WorkflowTeleported", {"to": "elsewhere"})
    page = (await plane.ask("GET", "/workflows/plain/executions")).json()
    assert [one["id"] for one in page["executions"]] == [execution]
