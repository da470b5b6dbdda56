"""Traces and events over REST: page by page, with what templates came to, and with nobody kept waiting."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.core.trace import TraceBuilder
from tenantry.dataplane.engine.core.trace.resolutions import Resolutions
from tenantry.dataplane.gateway import timeline
from tenantry.dataplane.telemetry.context import parse_traceparent, span_id_of
from tests.support.upstream import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.support.dataplane import DataPlane
    from tests.support.upstream import Peer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def heard() -> list[bytes]:
    """What the upstream was asked, head by head."""
    return []


@pytest.fixture
async def upstream(heard: list[bytes]) -> AsyncIterator[str]:
    async def script(peer: Peer) -> None:
        while True:
            heard.append(await peer.request())
            await peer.answer(b'{"id": 7}', headers="Content-Type: application/json\r\n")

    async with serve(script) as server:
        yield server.url


@pytest.fixture
def documents(upstream: str) -> str:
    return f"""
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: same}}
spec: {{type: transform, value: "{{{{input}}}}"}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: ask}}
spec: {{type: http, request: {{method: GET, url: "{upstream}/things/{{{{input.id}}}}"}}}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: flow}}
spec:
  tasks:
    - {{id: first, taskRef: ask, input: {{id: "{{{{input.id}}}}"}}}}
    - id: each
      forEach: {{items: "{{{{input.items}}}}", itemVar: one}}
      taskRef: same
      input: {{one: "{{{{forEach.one}}}}", of: "{{{{tasks.first.output.id}}}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: secretive}}
spec:
  tasks:
    - {{id: hidden, taskRef: same, input: {{key: "Bearer {{{{secrets.KEY}}}}"}}, optional: true}}
"""


async def execution_of(plane: DataPlane, workflow: str = "flow", value: Any = None, **options: Any) -> str:
    body = {"id": 4, "items": [1, 2, 3]} if value is None else value
    response = await plane.execute(workflow, body, **options)
    assert response.status_code == 200, response.text
    return response.headers["Execution-Id"]


async def read(plane: DataPlane, execution: str, view: str) -> Any:
    response = await plane.ask("GET", f"/executions/{execution}/{view}", role="viewer")
    assert response.status_code == 200, response.text
    return response.json()


async def test_the_trace_tells_who_waited_for_whom_and_what_took_the_time(plane: DataPlane) -> None:
    execution = await execution_of(plane)
    trace = await read(plane, execution, "trace")
    tasks = {task["id"]: task for task in trace["tasks"]}
    assert (trace["status"], trace["workflow"], trace["taskCount"]) == ("completed", "flow", 5)
    assert (trace["actor"], [run["status"] for run in trace["runs"]]) == ("acme-caller", ["completed"])
    assert trace["criticalPath"][:2] == ["first", "each"]
    assert tasks["each"]["waitedFor"] == ["first"]
    assert tasks["each"]["startSeconds"] >= tasks["first"]["endSeconds"]
    assert trace["traceId"] == execution.replace("-", "")
    assert "templates" not in tasks["first"]


async def test_the_caller_s_trace_goes_on_upstream_and_is_named_in_ours(
    plane: DataPlane, heard: list[bytes]
) -> None:
    execution = await execution_of(plane, headers={"traceparent": CALLERS, "tracestate": "vendor=1"})
    trace = await read(plane, execution, "trace")
    assert (trace["traceId"], trace["traceparent"]) == (TRACE, CALLERS)
    (head,) = heard
    assert b"tracestate" not in head.lower()
    (sent,) = [line for line in head.decode().split("\r\n") if line.lower().startswith("traceparent:")]
    context = parse_traceparent(sent.partition(":")[2].strip())
    assert context is not None
    assert (context.trace_id, context.span_id) == (TRACE, span_id_of(execution, 1, "first", 1))


@pytest.mark.parametrize("sent", ["", "nonsense", f"ff-{TRACE}-00f067aa0ba902b7-01", f"{CALLERS}\u00e9"])
async def test_a_trace_context_that_cannot_be_read_is_none(plane: DataPlane, sent: str) -> None:
    execution = await execution_of(plane, headers={"traceparent": sent.encode()})
    assert (await read(plane, execution, "trace"))["traceId"] == execution.replace("-", "")


async def test_pages_of_a_trace_lead_through_all_its_tasks(plane: DataPlane) -> None:
    execution = await execution_of(plane)
    whole = [task["id"] for task in (await read(plane, execution, "trace"))["tasks"]]
    found: list[list[str]] = []
    after: int | None = 0
    while after is not None:
        page = await read(plane, execution, f"trace?limit=2&after={after}")
        found.append([task["id"] for task in page["tasks"]])
        assert page["taskCount"] == len(whole)
        after = page.get("nextAfter")
    assert found == [whole[0:2], whole[2:4], whole[4:5]]


async def test_templates_are_shown_before_and_after(plane: DataPlane) -> None:
    execution = await execution_of(plane)
    tasks = {
        task["id"]: task["templates"]
        for task in (await read(plane, execution, "trace?templates=true"))["tasks"]
    }
    assert tasks["first"] == {"input": {"written": {"id": "{{input.id}}"}, "resolved": {"id": 4}}}
    assert tasks["each"] == {"items": {"written": "{{input.items}}", "count": 3}}
    assert tasks["each[1]"]["input"] == {
        "written": {"one": "{{forEach.one}}", "of": "{{tasks.first.output.id}}"},
        "resolved": {"one": 2, "of": 7},
    }


async def test_a_page_of_a_trace_shows_the_templates_of_its_own_tasks(plane: DataPlane) -> None:
    execution = await execution_of(plane)
    page = await read(plane, execution, "trace?templates=true&limit=1&after=1")
    assert [(task["id"], list(task["templates"])) for task in page["tasks"]] == [("each", ["items"])]


async def test_secrets_in_templates_are_masked(plane: DataPlane) -> None:
    execution = await execution_of(plane, "secretive", {})
    (task,) = (await read(plane, execution, "trace?templates=true"))["tasks"]
    assert task["templates"]["input"]["resolved"] == {"key": "Bearer ***"}


async def test_each_event_says_what_it_is_of_and_who_caused_it(plane: DataPlane) -> None:
    execution = await execution_of(plane)
    answer = await read(plane, execution, "events")
    events = answer["events"]
    assert (answer["executionId"], answer["nextAfter"]) == (execution, None)
    first, second = events[:2]
    assert (first["id"], first["sequence"]) == (f"{execution}/1", 1)
    assert (first["executionId"], first["tenant"]) == (execution, "acme")
    assert (first["type"], first["actor"]) == ("WorkflowSubmitted", "acme-caller")
    assert first["data"]["input"] == {"id": 4, "items": [1, 2, 3]}
    assert not {"type", "at", "actor"} & first["data"].keys()
    assert datetime.fromisoformat(first["timestamp"]).utcoffset() is not None
    assert first["timestamp"].endswith("Z")
    assert (second["type"], second["actor"], second["data"]) == ("WorkflowValidated", "engine", {})
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert (events[-1]["type"], events[-1]["data"]) == ("WorkflowCompleted", {"output": None})


@pytest.mark.parametrize("limit", [1, 4, 7])
async def test_pages_of_events_lead_through_all_of_them_over_all_segments(
    plane: DataPlane, limit: int
) -> None:
    execution = await execution_of(plane)
    await split_segments(plane, execution, 3)
    whole = (await read(plane, execution, "events"))["events"]
    assert [event["sequence"] for event in whole] == list(range(1, len(whole) + 1))
    found: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = await read(plane, execution, f"events?limit={limit}&after={after}")
        assert len(page["events"]) <= limit
        found += page["events"]
        after = page["nextAfter"]
    assert found == whole
    beyond = await read(plane, execution, f"events?after={len(whole)}")
    assert (beyond["events"], beyond["nextAfter"]) == ([], None)


async def split_segments(plane: DataPlane, execution: str, events: int) -> None:
    """Stores an execution's journal in segments of so few events, in the same order."""
    pool = database(plane)
    await pool.execute(
        """
        WITH old AS (DELETE FROM journal WHERE execution_id = $1 RETURNING *),
        single AS (
            SELECT tenant, execution_id, first_sequence + place::integer - 1 AS sequence, event
            FROM old, json_array_elements(events) WITH ORDINALITY AS element (event, place)
        )
        INSERT INTO journal (tenant, execution_id, first_sequence, events)
        SELECT tenant, execution_id, min(sequence), json_agg(event ORDER BY sequence)
        FROM single GROUP BY tenant, execution_id, (sequence - 1) / $2
        """,
        execution,
        events,
    )


def database(plane: DataPlane) -> asyncpg.Pool[asyncpg.Record]:
    return plane.services.history._pool


async def test_a_journal_of_many_segments_is_read_in_portions(
    plane: DataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = await execution_of(plane)
    before = await read(plane, execution, "trace?templates=true")
    await split_segments(plane, execution, 1)
    monkeypatch.setattr("tenantry.dataplane.journal.history._PORTION", 2)
    assert await read(plane, execution, "trace?templates=true") == before
    page = await read(plane, execution, "events?after=5&limit=3")
    assert [event["sequence"] for event in page["events"]] == [6, 7, 8]


async def test_a_page_of_events_is_bounded_in_bytes_and_never_empty(
    plane: DataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MAX_PAGE_BYTES", 1)
    execution = await execution_of(plane)
    page = await read(plane, execution, "events")
    assert ([event["sequence"] for event in page["events"]], page["nextAfter"]) == ([1], 1)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=10001",
        "limit=",
        "limit=-1",
        "limit=%C2%B2",
        f"limit={'9' * 5000}",
        "after=-1",
        "after=x",
        "after=1000000001",
        f"after={'9' * 5000}",
    ],
)
@pytest.mark.parametrize("view", ["trace", "events"])
async def test_a_page_that_cannot_be_had_is_a_400_that_names_the_parameter(
    plane: DataPlane, view: str, query: str
) -> None:
    execution = await execution_of(plane)
    response = await plane.ask("GET", f"/executions/{execution}/{view}?{query}")
    assert response.status_code == 400
    assert response.json()["detail"].startswith(f"{query.partition('=')[0]}: a whole number from")


@pytest.mark.parametrize("query", ["templates=yes", "templates=", "templates=true&limit=1001"])
async def test_templates_of_so_many_tasks_are_not_shown_at_once(plane: DataPlane, query: str) -> None:
    execution = await execution_of(plane)
    response = await plane.ask("GET", f"/executions/{execution}/trace?{query}")
    assert (response.status_code, response.json()["title"]) == (400, "Invalid query parameter")


@pytest.mark.parametrize("view", ["trace", "events", "trace?templates=true"])
async def test_an_execution_whose_events_were_deleted_says_so(plane: DataPlane, view: str) -> None:
    execution = await execution_of(plane)
    await database(plane).execute("DELETE FROM journal WHERE execution_id = $1", execution)
    response = await plane.ask("GET", f"/executions/{execution}/{view}")
    assert (response.status_code, response.json()["title"]) == (409, "Trace gone")


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM plan_sources",
        "UPDATE executions SET plan = (SELECT plan FROM executions WHERE workflow = 'secretive')",
    ],
)
async def test_templates_without_the_plan_are_gone_and_the_trace_is_not(
    plane: DataPlane, damage: str
) -> None:
    await execution_of(plane, "secretive", {})
    execution = await execution_of(plane)
    await database(plane).execute(damage)
    response = await plane.ask("GET", f"/executions/{execution}/trace?templates=true")
    assert (response.status_code, response.json()["title"]) == (409, "Trace gone")
    assert (await read(plane, execution, "trace"))["status"] == "completed"


async def test_what_may_be_long_is_read_and_told_beside_the_event_loop(
    plane: DataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = await execution_of(plane)
    threads: list[threading.Thread] = []

    def watch(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            threads.append(threading.current_thread())
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, watched)

    for owner, name in (
        (timeline, "decoded"),
        (timeline, "numbered"),
        (timeline, "_trace_answer"),
        (TraceBuilder, "add"),
        (TraceBuilder, "finish"),
        (Resolutions, "add"),
    ):
        watch(owner, name)
    await read(plane, execution, "trace?templates=true")
    await read(plane, execution, "events")
    assert len(threads) == 7
    assert threading.main_thread() not in threads


async def test_no_more_than_two_traces_are_made_at_once(
    plane: DataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = await execution_of(plane)
    lock, gate = threading.Lock(), threading.Event()
    making, most = 0, 0
    original = TraceBuilder.finish

    def finish(builder: TraceBuilder) -> Any:
        nonlocal making, most
        with lock:
            making += 1
            most = max(most, making)
            if making == timeline.MAX_TRACES_AT_ONCE:
                gate.set()
        assert gate.wait(10)
        found = original(builder)
        with lock:
            making -= 1
        return found

    monkeypatch.setattr(TraceBuilder, "finish", finish)
    await asyncio.gather(*(read(plane, execution, "trace") for _ in range(6)))
    assert most == timeline.MAX_TRACES_AT_ONCE
