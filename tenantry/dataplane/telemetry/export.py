"""Tells a collector what executions did: OTLP over HTTP, by a thread of its own, from a bounded queue.

The request path only puts an ended execution into the queue. Whether its spans are told is decided when it
begins, by the sampler of the standard variables, so that its upstreams hear of the same decision.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from tenantry.dataplane.engine.core.trace import trace
from tenantry.dataplane.telemetry.context import (
    is_recorded,
    parse_traceparent,
    trace_id_of,
    unrecorded_traceparent,
)
from tenantry.dataplane.telemetry.lightening import lighten
from tenantry.dataplane.telemetry.spans import spans_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.tenants.identity import TenantId

_LOG = logging.getLogger(__name__)
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,7}")
_RANDOM_BITS: Final = 56
"""Of a trace id, the last ones, that are random in every kind of id (W3C Trace Context Level 2, 3.2.2.3)."""


class Pace(NamedTuple):
    """How much waits, and for how long. An event counts for a span: there are about as many.

    Attributes:
        queue_spans: nothing more is taken while so many wait.
        batch_spans: told in one request.
        delay_seconds: for which fewer than that are kept back.
    """

    queue_spans: int = 2048
    batch_spans: int = 512
    delay_seconds: float = 5.0

    @classmethod
    def from_environment(cls) -> Pace:
        """As `OTEL_BSP_*` say; what is no number there is ignored, as OpenTelemetry asks for."""
        return cls(
            queue_spans=_number("OTEL_BSP_MAX_QUEUE_SIZE", cls._field_defaults["queue_spans"]),
            batch_spans=_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", cls._field_defaults["batch_spans"]),
            delay_seconds=_number("OTEL_BSP_SCHEDULE_DELAY", 5000) / 1000,
        )


class _Ended(NamedTuple):
    tenant: TenantId
    execution_id: str
    events: list[AnyEvent]
    left_out: int


class SpanExport:
    """The `SpanSink` that exports.

    Args:
        name: of the data plane.
        exporter: where spans go; by default OTLP, as the standard variables say.
        pace: by default as they say.

    Attributes:
        dropped_executions: that came while the queue was full.
        dropped_spans: that the collector did not take.
    """

    def __init__(self, name: str, exporter: SpanExporter | None = None, pace: Pace | None = None) -> None:
        self._resource = _resource(name)
        self._sampler = TracerProvider(resource=self._resource, shutdown_on_exit=False).sampler
        self._exporter = exporter or OTLPSpanExporter()
        self._pace = pace or Pace.from_environment()
        self._queue: deque[_Ended] = deque()
        self._waiting = 0
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="spans", daemon=True)
        self.dropped_executions = self.dropped_spans = 0
        self._dropped_told = 0

    def start(self) -> None:
        """Begins to export."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Exports what waits, at most so long. It waits: not for an event loop."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(seconds)
        self._exporter.shutdown()

    def begun(self, execution_id: str, traceparent: str) -> str:
        """The trace context to record: with whether its spans are told."""
        trace_id = int(trace_id_of(execution_id, traceparent), 16)
        # The SDK's sampler by ratio reads the last 64 bits, the first of which are no chance in a UUID.
        random = (trace_id & ((1 << _RANDOM_BITS) - 1)) << (64 - _RANDOM_BITS)
        decision = self._sampler.should_sample(_parent(traceparent), random, "execute").decision
        if decision is not Decision.RECORD_AND_SAMPLE:
            return unrecorded_traceparent(execution_id, traceparent)
        return f"{traceparent[:53]}01" if traceparent else ""

    def ended(self, tenant: TenantId, execution_id: str, events: list[AnyEvent]) -> None:
        """Queues an execution, unless it is not recorded or there is no room."""
        if not is_recorded(events[0].traceparent):  # type: ignore[union-attr]  # the submission is the first
            return
        if self._waiting >= self._pace.queue_spans or self._stopping:
            self.dropped_executions += 1
            return
        light, left_out = lighten(events)
        with self._changed:
            self._queue.append(_Ended(tenant, execution_id, light, left_out))
            self._waiting += len(light)
            self._changed.notify()

    def _work(self) -> None:
        while batch := self._take():
            spans: list[ReadableSpan] = []
            for ended in batch:
                spans += self._spans(ended)
            size = self._pace.batch_spans
            for start in range(0, len(spans), size):
                self._send(spans[start : start + size])
            self._tell_drops()

    def _take(self) -> list[_Ended]:
        """Waits for a batch; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping)
            self._changed.wait_for(
                lambda: self._waiting >= self._pace.batch_spans or self._stopping, self._pace.delay_seconds
            )
            batch: list[_Ended] = []
            count = 0
            while self._queue and count < self._pace.batch_spans:
                batch.append(self._queue.popleft())
                count += len(batch[-1].events)
            self._waiting -= count
        return batch

    def _spans(self, ended: _Ended) -> list[ReadableSpan]:
        try:
            found = trace(ended.execution_id, ended.events)
            return spans_of(ended.tenant, found, self._resource, left_out=ended.left_out)
        except Exception:  # noqa: BLE001  (one that cannot be told must not silence the others)
            _LOG.exception("the spans of execution %s cannot be made", ended.execution_id)
            return []

    def _send(self, spans: list[ReadableSpan]) -> None:
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001  (as above)
            _LOG.exception("spans cannot be exported")
            result = SpanExportResult.FAILURE
        if result is not SpanExportResult.SUCCESS:
            self.dropped_spans += len(spans)

    def _tell_drops(self) -> None:
        dropped = self.dropped_executions + self.dropped_spans
        if dropped > self._dropped_told:
            self._dropped_told = dropped
            _LOG.warning(
                "traces are incomplete: %d executions found the queue full, %d spans were not taken",
                self.dropped_executions,
                self.dropped_spans,
            )


def _parent(traceparent: str) -> Context | None:
    context = parse_traceparent(traceparent)
    if context is None:
        return None
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    remote = SpanContext(
        int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=flags
    )
    return set_span_in_context(NonRecordingSpan(remote))


def _resource(name: str) -> Resource:
    """Who tells, as the standard variables say, or by our names."""
    ours = Resource({SERVICE_NAME: "tenantry-data-plane", SERVICE_INSTANCE_ID: name})
    return Resource.create().merge(ours).merge(OTELResourceDetector().detect())


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable, "").strip()
    return int(text) if _WHOLE.fullmatch(text) else default
