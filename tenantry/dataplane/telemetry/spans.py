"""Spans of an execution that ended, made of its trace. Nothing of its values is in them.

A run is a `SERVER` span under its caller's, its tasks are `INTERNAL` spans inside each other as their paths
say, and their attempts `CLIENT` spans, whose ids the upstreams were told. Attributes have the names of
OpenTelemetry's semantic conventions where these have one, and are `tenantry.*` where not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from tenantry.dataplane.engine.core.trace.tasks import around
from tenantry.dataplane.telemetry.context import parse_traceparent, span_id_of, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.resources import Resource

    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.dataplane.engine.core.trace import AttemptTrace, TaskTrace, Trace
    from tenantry.tenants.identity import TenantId

MAX_TASKS: Final = 1_000
"""Tasks of a run that are told; of what a long loop has beyond that, only the number is."""

_SCOPE: Final = InstrumentationScope("tenantry.dataplane")
_INDEX: Final = re.compile(r"\[\d+\]")
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


def spans_of(tenant: TenantId, trace: Trace, resource: Resource, left_out: int = 0) -> list[ReadableSpan]:
    """The spans of the last run of an execution, which has ended; `left_out` tasks are not in its trace."""
    return list(_Spans(tenant, trace, resource, left_out).all())


class _Spans:
    def __init__(self, tenant: TenantId, trace: Trace, resource: Resource, left_out: int) -> None:
        self._trace, self._resource, self._run = trace, resource, trace.runs[-1]
        self._trace_id = int(trace_id_of(trace.execution_id, trace.traceparent), 16)
        self._common = {"tenantry.tenant": tenant, "tenantry.execution.id": trace.execution_id}
        tasks = [task for task in trace.tasks if task.run == self._run.run]
        self._tasks, self._left_out = tasks[:MAX_TASKS], left_out + len(tasks[MAX_TASKS:])
        self._told = {task.id for task in self._tasks}

    def all(self) -> Iterator[ReadableSpan]:
        yield self._execution()
        for task in self._tasks:
            yield self._task(task)
            for attempt in task.attempts:
                yield self._attempt(task, attempt)

    def _execution(self) -> ReadableSpan:
        trace, run = self._trace, self._run
        caller = parse_traceparent(trace.traceparent)
        former = self._context(span_id_of(trace.execution_id, run.run - 1))
        return self._span(
            f"execute {trace.workflow}",
            SpanKind.SERVER,
            self._own(""),
            None if caller is None else self._context(caller.span_id, is_remote=True),
            run,
            failure=run.failure,
            events=self._happened(),
            links=[Link(former)] if run.run > 1 else [],
            attributes={
                "tenantry.workflow": trace.workflow,
                "tenantry.workflow.version": trace.version,
                "tenantry.execution.status": run.status,
                "tenantry.run": run.run,
                "tenantry.tasks_left_out": self._left_out,
            },
        )

    def _happened(self) -> list[Event]:
        """Pauses and recoveries in the run."""
        trace = self._trace
        instants = [("paused", pause.start_seconds) for pause in trace.pauses]
        instants += [("resumed", pause.end_seconds or 0.0) for pause in trace.pauses]
        instants += [("recovered", recovery.at_seconds) for recovery in trace.recoveries]
        return [
            Event(name, timestamp=self._instant(at))
            for name, at in sorted(instants, key=lambda instant: instant[1])
            if at >= self._run.start_seconds
        ]

    def _task(self, task: TaskTrace) -> ReadableSpan:
        owner = around(task.id)
        return self._span(
            _INDEX.sub("[]", task.id),
            SpanKind.INTERNAL,
            self._own(task.id),
            self._own(owner if owner in self._told else ""),
            task,
            failure=_failure(task) if task.status == "failed" else None,
            events=[self._retry(attempt) for attempt in task.attempts if _is_retried(attempt)],
            attributes={
                "tenantry.task": task.id,
                "tenantry.task.status": task.status,
                "tenantry.task.wait_seconds": task.wait_seconds,
                "tenantry.task.blocked_seconds": _blocked_seconds(task),
                "tenantry.task.cached": task.cached,
                "tenantry.task.reused": task.reused,
                "tenantry.task.tolerated": task.tolerated,
                "tenantry.task.dead_lettered": task.dead_lettered,
            },
        )

    def _retry(self, attempt: AttemptTrace) -> Event:
        attributes = {
            "tenantry.attempt": attempt.attempt,
            "tenantry.retry_delay_seconds": attempt.retry_delay_seconds or 0.0,
        }
        return Event("retry", attributes, self._instant(attempt.end_seconds or 0.0))

    def _attempt(self, task: TaskTrace, attempt: AttemptTrace) -> ReadableSpan:
        status = attempt.failure.status if attempt.failure is not None else None
        return self._span(
            f"{_INDEX.sub('[]', task.id)} attempt",
            SpanKind.INTERNAL if task.cached else SpanKind.CLIENT,
            self._own(task.id, attempt.attempt),
            self._own(task.id),
            attempt,
            failure=attempt.failure,
            attributes={
                "tenantry.task": task.id,
                "tenantry.attempt": attempt.attempt,
                "tenantry.attempt.interrupted": attempt.interrupted,
                "http.response.status_code": status or 0,
            },
        )

    def _span(
        self,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        what: Any,
        *,
        failure: Failure | None,
        attributes: dict[str, Any],
        events: list[Event] | tuple[()] = (),
        links: list[Link] | tuple[()] = (),
    ) -> ReadableSpan:
        """A span as long as what it is of; attributes that say nothing are left out, messages always."""
        code = "" if failure is None else failure.code.value
        told = {**attributes, "error.type": code}
        end_seconds = what.start_seconds if what.end_seconds is None else what.end_seconds
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            {**self._common, **{key: value for key, value in told.items() if value}},
            events,
            links,
            kind,
            status=Status(StatusCode.ERROR, code) if code else Status(),
            start_time=self._instant(what.start_seconds),
            end_time=self._instant(end_seconds),
            instrumentation_scope=_SCOPE,
        )

    def _own(self, path: str, attempt: int = 0) -> SpanContext:
        """Of the run, of a task, or of an attempt."""
        return self._context(span_id_of(self._trace.execution_id, self._run.run, path, attempt))

    def _context(self, span_id: str, *, is_remote: bool = False) -> SpanContext:
        return SpanContext(self._trace_id, int(span_id, 16), is_remote, _SAMPLED)

    def _instant(self, seconds: float) -> int:
        """In nanoseconds since 1970."""
        return round((self._trace.started_at + seconds) * 1e9)


def _is_retried(attempt: AttemptTrace) -> bool:
    return attempt.retry_delay_seconds is not None


def _failure(task: TaskTrace) -> Failure | None:
    """Of the task as a whole, or of its last attempt."""
    return task.failure or (task.attempts[-1].failure if task.attempts else None)


def _blocked_seconds(task: TaskTrace) -> float:
    return sum(
        block.end_seconds - block.start_seconds for block in task.blocked if block.end_seconds is not None
    )
