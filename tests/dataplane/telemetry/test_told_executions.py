"""Executions of a whole data plane, as a collector hears of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.telemetry.context import parse_traceparent
from tests.support.dataplane import run_data_plane, served_bundle
from tests.support.otlp import Collector, attributes_of, run_collector
from tests.support.upstream import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from tests.support.dataplane import DataPlane
    from tests.support.upstream import Peer

    Start = Callable[[], AbstractAsyncContextManager[DataPlane]]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with run_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
        yield collector


class Thing:
    """An upstream: `statuses` are what it answers next, and what it answers last goes on; 0 is never."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses = [200]
        self.heard: list[str] = []
        self.asked = asyncio.Event()

    async def answer(self, peer: Peer) -> None:
        while True:
            head = (await peer.request()).decode()
            self.heard += [line for line in head.split("\r\n") if line.lower().startswith("traceparent:")]
            self.asked.set()
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            if status == 0:
                return await peer.closed()
            await peer.answer(
                b'{"ok": true}', status=f"{status} Said", headers="Content-Type: application/json\r\n"
            )


@pytest.fixture
async def thing() -> AsyncIterator[Thing]:
    thing = Thing()
    async with serve(thing.answer) as server:
        thing.url = server.url
        yield thing


@pytest.fixture
def start(make_database: Callable[[], str], tmp_path: Path, thing: Thing, collector: Collector) -> Start:
    assert collector.url
    documents = f"""
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: ask}}
spec: {{type: http, request: {{method: GET, url: "{thing.url}/"}}}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: flow}}
spec: {{tasks: [{{id: a, taskRef: ask}}], output: "{{{{tasks.a.output}}}}"}}
"""
    url = make_database()
    return lambda: run_data_plane(url, tmp_path, served_bundle(documents=documents), exports_spans=True)


def by_name(spans: list[Span]) -> dict[str, Span]:
    return {span.name: span for span in spans}


async def heard_by(collector: Collector, least: int) -> list[Span]:
    return await asyncio.to_thread(collector.spans, least)


async def test_an_execution_is_told_under_its_caller_s_span(
    start: Start, thing: Thing, collector: Collector
) -> None:
    async with start() as plane:
        answer = await plane.execute("flow", headers={"traceparent": CALLERS})
        spans = by_name(await heard_by(collector, 3))
    run, attempt = spans["execute flow"], spans["a attempt"]
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == (TRACE, "00f067aa0ba902b7")
    told = parse_traceparent(thing.heard[0].partition(":")[2].strip())
    assert told is not None
    assert attempt.span_id.hex() == told.span_id
    assert attributes_of(run)["tenantry.execution.id"] == answer.headers["Execution-Id"]


async def test_a_retry_is_told_as_a_run_of_its_own(start: Start, thing: Thing, collector: Collector) -> None:
    thing.statuses = [410, 200]
    async with start() as plane:
        execution = (await plane.execute("flow")).headers["Execution-Id"]
        (first,) = [span for span in await heard_by(collector, 3) if span.name == "execute flow"]
        assert (await plane.ask("POST", f"/executions/{execution}/retry")).status_code in {200, 202}
        _, second = [span for span in await heard_by(collector, 6) if span.name == "execute flow"]
    assert attributes_of(first)["error.type"] == "upstream-status"
    assert attributes_of(second)["tenantry.execution.status"] == "completed"
    assert second.links[0].span_id == first.span_id


async def test_what_another_executor_takes_over_is_told_whole(
    start: Start, thing: Thing, collector: Collector
) -> None:
    thing.statuses = [0, 200]
    async with start() as plane:
        answer = await plane.execute("flow", headers={"Prefer": "respond-async"})
        assert answer.status_code == 202
        async with asyncio.timeout(20):
            await thing.asked.wait()
    async with start():
        spans = await heard_by(collector, 4)
    attempts = [span for span in spans if span.name == "a attempt"]
    assert [attributes_of(attempt).get("tenantry.attempt.interrupted") for attempt in attempts] == [
        True,
        None,
    ]
    (run,) = [span for span in spans if span.name == "execute flow"]
    assert [event.name for event in run.events] == ["recovered"]


async def test_a_sampler_that_wants_none_is_obeyed_and_upstreams_are_told(
    start: Start, thing: Thing, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    async with start() as plane:
        assert (await plane.execute("flow")).status_code == 200
    assert thing.heard[0].endswith("-00")
    assert collector.requests == []


async def test_a_collector_that_is_gone_is_nobody_else_s_trouble(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_collector() as gone:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    async with start() as plane:
        answers: list[Any] = [await plane.execute("flow") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
