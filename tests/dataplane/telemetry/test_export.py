"""Spans on their way to a collector, or to one that is not there: nobody waits, what is lost is counted."""

from __future__ import annotations

import logging
import random
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tenantry.dataplane.telemetry.context import is_recorded, span_id_of, trace_id_of
from tenantry.dataplane.telemetry.export import Pace, SpanExport
from tenantry.dataplane.telemetry.lightening import MAX_EVENTS
from tenantry.dataplane.telemetry.opening import open_spans
from tenantry.tenants.identity import TenantId
from tests.support.histories import BEGIN, completed, done, started, submitted
from tests.support.otlp import Collector, attributes_of, run_collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from tenantry.dataplane.engine.core.events import AnyEvent

ACME = TenantId("acme")
EXECUTION = "019ca945-0a00-7316-9d6e-83367b976cd1"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"{CALLERS[:-1]}0"
ENDED: list[AnyEvent] = [*BEGIN, started("a", 0), completed("a", 1), done(1)]
AT_ONCE = Pace(batch_spans=len(ENDED))


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with run_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


class Exporter(SpanExporter):
    """Takes spans while `gate` is open; `broken` is what it raises instead."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.asked = threading.Event()
        self.broken: Exception | None = None
        self.closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        assert self.gate.wait(20)
        self.batches.append(len(spans))
        if self.broken is not None:
            raise self.broken
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.closed = True
        self.gate.set()


def exporting(exporter: SpanExporter | None = None, pace: Pace | None = AT_ONCE) -> SpanExport:
    export = SpanExport("eu-1", exporter, pace)
    export.start()
    return export


def test_a_collector_hears_of_an_execution_as_spans(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=abc")
    export = exporting()
    export.ended(ACME, EXECUTION, ENDED)
    spans = {span.name: span for span in collector.spans(3)}
    export.stop(20)
    run, attempt = spans["execute w"], spans["a attempt"]
    assert run.trace_id.hex() == trace_id_of(EXECUTION)
    assert attempt.span_id.hex() == span_id_of(EXECUTION, 1, "a", 1)
    assert attempt.parent_span_id == spans["a"].span_id
    assert spans["a"].parent_span_id == run.span_id
    assert attributes_of(run)["tenantry.tenant"] == "acme"
    assert (collector.paths, collector.headers[0]["api-key"]) == (["/v1/traces"], "abc")
    assert collector.headers[0]["content-type"] == "application/x-protobuf"
    assert (export.dropped_executions, export.dropped_spans) == (0, 0)


def test_who_tells_is_named_by_default_and_as_the_standard_variables_say(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = exporting()
    first.ended(ACME, EXECUTION, ENDED)
    collector.spans(3)
    first.stop(20)
    assert collector.resource()["service.name"] == "tenantry-data-plane"
    assert collector.resource()["service.instance.id"] == "eu-1"
    collector.requests.clear()
    monkeypatch.setenv("OTEL_SERVICE_NAME", "orders")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    second = exporting()
    second.ended(ACME, EXECUTION, ENDED)
    collector.spans(3)
    second.stop(20)
    assert collector.resource()["service.name"] == "orders"
    assert collector.resource()["deployment.environment"] == "test"
    assert collector.resource()["service.instance.id"] == "eu-1"


def test_what_waits_at_a_stop_is_told_first(collector: Collector) -> None:
    export = exporting(pace=Pace(delay_seconds=3600))
    export.ended(ACME, EXECUTION, ENDED)
    export.stop(20)
    assert len(collector.spans(3)) == 3
    export.ended(ACME, EXECUTION, ENDED)
    assert export.dropped_executions == 1


def test_few_spans_are_kept_back_for_a_while_and_many_are_told_at_once_in_batches() -> None:
    exporter = Exporter()
    exporter.gate.set()
    export = exporting(exporter, Pace(batch_spans=10, delay_seconds=3600))
    for _ in range(8):
        export.ended(ACME, EXECUTION, ENDED)
    export.stop(20)
    assert sum(exporter.batches) == 24
    assert max(exporter.batches) <= 10
    assert exporter.closed


def test_few_spans_are_told_after_the_delay(collector: Collector) -> None:
    export = exporting(pace=Pace(delay_seconds=0.001))
    export.ended(ACME, EXECUTION, ENDED)
    assert len(collector.spans(3)) == 3
    export.stop(20)


def test_a_full_queue_takes_nothing_more_and_counts_what_it_refused(caplog: pytest.LogCaptureFixture) -> None:
    exporter = Exporter()
    export = exporting(exporter, Pace(queue_spans=12, batch_spans=1))
    export.ended(ACME, EXECUTION, ENDED)
    assert exporter.asked.wait(20)
    for _ in range(10):
        export.ended(ACME, EXECUTION, ENDED)
    assert export.dropped_executions == 7
    with caplog.at_level(logging.WARNING, "tenantry"):
        exporter.gate.set()
        export.stop(20)
    assert sum(exporter.batches) == 4 * 3
    assert "7 executions found the queue full" in caplog.text


@pytest.mark.filterwarnings("ignore")
def test_a_collector_that_is_not_there_costs_nothing_but_the_spans(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with run_collector() as gone:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    export = exporting()
    for _ in range(3):
        export.ended(ACME, EXECUTION, ENDED)
    export.stop(20)
    assert export.dropped_spans == 9
    assert "9 spans were not taken" in caplog.text


def test_what_a_collector_refuses_is_counted(collector: Collector) -> None:
    collector.status = 400
    export = exporting()
    export.ended(ACME, EXECUTION, ENDED)
    collector.spans(3)
    export.stop(20)
    assert export.dropped_spans == 3


def test_a_stop_does_not_wait_for_a_collector_that_hangs() -> None:
    exporter = Exporter()
    export = exporting(exporter)
    export.ended(ACME, EXECUTION, ENDED)
    assert exporter.asked.wait(20)
    export.stop(0)
    assert exporter.closed


def test_an_exporter_that_breaks_loses_its_batch_and_no_other() -> None:
    exporter = Exporter()
    exporter.gate.set()
    exporter.broken = RuntimeError("no")
    export = exporting(exporter)
    export.ended(ACME, EXECUTION, ENDED)
    export.stop(20)
    assert (exporter.batches, export.dropped_spans) == ([3], 3)


def test_an_execution_that_cannot_be_told_silences_no_other(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    export = exporting(pace=Pace(batch_spans=100))
    export.ended(ACME, "not an id", ENDED)
    export.ended(ACME, EXECUTION, ENDED)
    export.stop(20)
    assert len(collector.spans(3)) == 3
    assert "the spans of execution not an id cannot be made" in caplog.text


def test_of_a_very_long_execution_the_whole_is_told_and_how_many_tasks_it_had(collector: Collector) -> None:
    many = [started(f"s{number}", 0) for number in range(MAX_EVENTS)]
    export = exporting()
    export.ended(ACME, EXECUTION, [*BEGIN, *many, done(1)])
    (span,) = collector.spans(1)
    export.stop(20)
    assert attributes_of(span)["tenantry.tasks_left_out"] == MAX_EVENTS


def test_values_do_not_wait_in_the_queue() -> None:
    exporter = Exporter()
    export = SpanExport("eu-1", exporter, AT_ONCE)
    secret: Any = {"card": "4242"}
    events: list[AnyEvent] = [submitted(input=secret, inputs=secret, reused=secret)]
    export.ended(ACME, EXECUTION, [*events, started("a", 0), completed("a", 1, output=secret), done(1)])
    assert "4242" not in repr(export._queue)


def sampled_by(monkeypatch: pytest.MonkeyPatch, sampler: str, argument: str = "") -> SpanExport:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    return SpanExport("eu-1", Exporter(), AT_ONCE)


@pytest.mark.parametrize(
    ("sampler", "sent", "recorded"),
    [
        ("parentbased_always_on", "", ""),
        ("parentbased_always_on", CALLERS, CALLERS),
        ("parentbased_always_on", UNSAMPLED, UNSAMPLED),
        ("always_on", UNSAMPLED, CALLERS),
        ("always_off", CALLERS, UNSAMPLED),
        ("always_off", "", f"00-{trace_id_of(EXECUTION)}-0000000000000000-00"),
        ("parentbased_always_off", CALLERS, CALLERS),
    ],
)
def test_whether_an_execution_is_told_is_decided_when_it_begins(
    monkeypatch: pytest.MonkeyPatch, sampler: str, sent: str, recorded: str
) -> None:
    assert sampled_by(monkeypatch, sampler).begun(EXECUTION, sent) == recorded


def test_a_ratio_holds_for_executions_whose_ids_are_of_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    export = sampled_by(monkeypatch, "parentbased_traceidratio", "0.25")
    chance = random.Random(7)  # noqa: S311  (the same every time)
    prefix = uuid.UUID(EXECUTION).int >> 62 << 62
    ids = [str(uuid.UUID(int=prefix | chance.getrandbits(62))) for _ in range(1000)]
    told = sum(is_recorded(export.begun(execution, "")) for execution in ids)
    assert 200 < told < 300


def test_an_execution_that_is_not_to_be_told_is_not_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    export = sampled_by(monkeypatch, "always_off")
    events: list[AnyEvent] = [submitted(traceparent=export.begun(EXECUTION, "")), done(1)]
    export.ended(ACME, EXECUTION, events)
    assert not export._queue


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100", 100), ("", 2048), ("many", 2048), ("-1", 2048), ("0", 2048), ("9" * 50, 2048)],
)
def test_the_size_of_the_queue_is_what_the_standard_variable_says(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: int
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", text)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "250")
    assert Pace.from_environment() == Pace(queue_spans=expected, delay_seconds=0.25)


async def test_the_sink_is_open_only_where_somebody_listens(collector: Collector) -> None:
    async with open_spans("eu-1", exported=False) as nothing:
        assert nothing is None
    async with open_spans("eu-1", exported=True) as sink:
        assert sink is not None
        sink.ended(ACME, EXECUTION, ENDED)
    assert len(collector.spans(3)) == 3
