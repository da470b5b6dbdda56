"""An execution as spans: who is inside whom, under which ids, and nothing of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind, StatusCode

from tenantry.dataplane.engine.core.events import (
    DeadLettered,
    DeadLetterReason,
    Failure,
    FailureCode,
    FailureTolerated,
    ForEachCompleted,
    ForEachStarted,
    TaskSkipped,
    WorkflowPaused,
    WorkflowRecovered,
    WorkflowResumed,
    WorkflowRetried,
    WorkflowStarted,
)
from tenantry.dataplane.engine.core.trace import trace
from tenantry.dataplane.telemetry.context import parse_traceparent, span_id_of, traceparent_of
from tenantry.dataplane.telemetry.spans import MAX_TASKS, spans_of
from tenantry.tenants.identity import TenantId
from tests.support.histories import (
    BEGIN,
    START,
    broken,
    completed,
    done,
    failed,
    retried,
    scheduled,
    started,
    submitted,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

    from tenantry.dataplane.engine.core.events import AnyEvent

EXECUTION = "019ca945-0a00-7316-9d6e-83367b976cd1"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS = f"00-{TRACE}-00f067aa0ba902b7-01"
RESOURCE = Resource({})
REFUSED = Failure(code=FailureCode.UPSTREAM_STATUS, message="503: card 4242", status=503, task="a")


def spans(*events: AnyEvent, left_out: int = 0) -> dict[str, ReadableSpan]:
    """The spans by name; of several with one name, numbered."""
    found: dict[str, ReadableSpan] = {}
    for span in spans_of(TenantId("acme"), trace(EXECUTION, events), RESOURCE, left_out):
        name = span.name
        while name in found:
            name += "'"
        found[name] = span
    return found


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def is_inside(inner: ReadableSpan, outer: ReadableSpan) -> bool:
    return inner.parent is not None and inner.parent.span_id == context_of(outer).span_id


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_run_is_under_its_caller_and_its_tasks_and_attempts_are_under_it() -> None:
    found = spans(submitted(traceparent=CALLERS), *BEGIN[1:], started("a", 1), completed("a", 2), done(2.5))
    assert list(found) == ["execute w", "a", "a attempt"]
    run, task, attempt = found.values()
    assert [span.kind for span in (run, task, attempt)] == [
        SpanKind.SERVER,
        SpanKind.INTERNAL,
        SpanKind.CLIENT,
    ]
    assert run.parent is not None
    assert (f"{run.parent.span_id:016x}", run.parent.is_remote) == ("00f067aa0ba902b7", True)
    assert is_inside(task, run)
    assert is_inside(attempt, task)
    assert {f"{context_of(span).trace_id:032x}" for span in (run, task, attempt)} == {TRACE}
    assert (run.start_time, run.end_time) == (START * 1e9, (START + 2.5) * 1e9)
    assert (attempt.start_time, attempt.end_time) == ((START + 1) * 1e9, (START + 2) * 1e9)
    assert {span.status.status_code for span in (run, task, attempt)} == {StatusCode.UNSET}


def test_a_run_without_a_caller_s_context_is_the_root_of_its_own_trace() -> None:
    run = spans(*BEGIN, done(1))["execute w"]
    assert run.parent is None
    assert f"{context_of(run).trace_id:032x}" == EXECUTION.replace("-", "")
    assert f"{context_of(run).span_id:016x}" == span_id_of(EXECUTION, 1)


def test_an_attempt_has_the_id_its_upstream_was_told() -> None:
    events: list[AnyEvent] = [
        started("a", 0),
        failed("a", 1),
        retried("a", 1),
        started("a", 2, 2),
        completed("a", 3, 2),
    ]
    found = spans(submitted(traceparent=CALLERS), *BEGIN[1:], *events, done(3))
    for number, name in ((1, "a attempt"), (2, "a attempt'")):
        told = parse_traceparent(traceparent_of(EXECUTION, CALLERS, 1, "a", number))
        assert told is not None
        assert f"{context_of(found[name]).span_id:016x}" == told.span_id


def test_what_it_is_of_is_told() -> None:
    found = spans(
        *BEGIN,
        started("b", 0),
        completed("b", 1),
        scheduled("a", 1),
        started("a", 3),
        completed("a", 4),
        done(4),
    )
    common = {"tenantry.tenant": "acme", "tenantry.execution.id": EXECUTION}
    assert attributes(found["execute w"]) == {
        **common,
        "tenantry.workflow": "w",
        "tenantry.workflow.version": 3,
        "tenantry.execution.status": "completed",
        "tenantry.run": 1,
    }
    assert attributes(found["a"]) == {
        **common,
        "tenantry.task": "a",
        "tenantry.task.status": "completed",
        "tenantry.task.wait_seconds": 3.0,
        "tenantry.task.blocked_seconds": 2.0,
    }
    assert attributes(found["a attempt"]) == {**common, "tenantry.task": "a", "tenantry.attempt": 1}


def test_a_failure_is_told_by_its_code_and_nothing_it_says() -> None:
    letter = DeadLettered(at=START + 1, task="a", reason=DeadLetterReason.PERMANENT, failure=REFUSED)
    found = spans(*BEGIN, started("a", 0), failed("a", 1, 1, REFUSED), letter, broken(1, REFUSED))
    for span in found.values():
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "upstream-status")
        assert attributes(span)["error.type"] == "upstream-status"
        assert "4242" not in span.to_json()
    assert attributes(found["a attempt"])["http.response.status_code"] == 503
    assert attributes(found["a"])["tenantry.task.dead_lettered"] == "permanent"
    assert attributes(found["execute w"])["tenantry.execution.status"] == "failed"


def test_a_failure_before_any_attempt_and_one_that_was_forgiven_are_told() -> None:
    unresolved = Failure(code=FailureCode.UNRESOLVED, message="no x", task="a")
    found = spans(*BEGIN, failed("a", 1, 0, unresolved), FailureTolerated(at=START + 1, task="a"), done(1))
    assert found["a"].status.description == "unresolved"
    assert attributes(found["a"])["tenantry.task.tolerated"] is True
    assert found["execute w"].status.status_code is StatusCode.UNSET


def test_values_are_in_no_span() -> None:
    found = spans(
        submitted(input={"card": "4242"}),
        *BEGIN[1:],
        started("a", 0),
        completed("a", 1, output={"card": "4242"}),
        TaskSkipped(at=START + 1, task="b", reason="condition is false: 4242"),
        done(1),
    )
    assert all("4242" not in span.to_json() for span in found.values())


def test_items_share_a_name_and_are_inside_their_loop() -> None:
    found = spans(
        *BEGIN,
        ForEachStarted(at=START, task="lines", item_count=2),
        started("lines[0]", 0),
        started("lines[1]", 0),
        completed("lines[0]", 1),
        completed("lines[1]", 1),
        ForEachCompleted(at=START + 1, task="lines", success_count=2, failure_count=0),
        done(1),
    )
    assert list(found) == ["execute w", "lines", "lines[]", "lines[] attempt", "lines[]'", "lines[] attempt'"]
    assert is_inside(found["lines[]"], found["lines"])
    assert is_inside(found["lines[]'"], found["lines"])
    assert attributes(found["lines[]'"])["tenantry.task"] == "lines[1]"


def test_an_output_of_another_call_was_no_request() -> None:
    found = spans(*BEGIN, started("a", 0), completed("a", 1, cached=True), done(1))
    assert found["a attempt"].kind is SpanKind.INTERNAL
    assert attributes(found["a"])["tenantry.task.cached"] is True


def test_retries_pauses_and_recoveries_are_events() -> None:
    found = spans(
        *BEGIN,
        started("a", 0),
        failed("a", 1),
        retried("a", 1, not_before=1.5),
        WorkflowPaused(at=START + 1, actor="ops"),
        WorkflowRecovered(at=START + 2, executor="two"),
        WorkflowResumed(at=START + 3, actor="ops"),
        started("a", 3, 2),
        completed("a", 4, 2),
        done(4),
    )
    happened = found["execute w"].events
    assert [(event.name, event.timestamp / 1e9 - START) for event in happened] == [
        ("paused", 1.0),
        ("recovered", 2.0),
        ("resumed", 3.0),
    ]
    (retry,) = found["a"].events
    assert (retry.name, retry.timestamp / 1e9 - START) == ("retry", 1.0)
    assert dict(retry.attributes or {}) == {"tenantry.attempt": 1, "tenantry.retry_delay_seconds": 0.5}


def test_an_attempt_that_its_executor_did_not_survive_says_so() -> None:
    gone = Failure(code=FailureCode.INTERRUPTED, message="", task="a")
    recovered = WorkflowRecovered(at=START + 2, executor="two")
    found = spans(*BEGIN, started("a", 0), recovered, failed("a", 2, failure=gone), broken(2, gone))
    assert attributes(found["a attempt"])["tenantry.attempt.interrupted"] is True


def test_a_retried_execution_tells_its_last_run_and_names_the_one_before() -> None:
    found = spans(
        *BEGIN,
        WorkflowPaused(at=START, actor="ops"),
        WorkflowResumed(at=START + 1, actor="ops"),
        started("a", 1),
        failed("a", 2),
        broken(2),
        WorkflowRetried(at=START + 9, actor="ops", deadline_at=START + 40),
        WorkflowStarted(at=START + 9),
        started("a", 9),
        completed("a", 10),
        done(10),
    )
    assert list(found) == ["execute w", "a", "a attempt"]
    run = found["execute w"]
    (link,) = run.links
    assert f"{link.context.span_id:016x}" == span_id_of(EXECUTION, 1)
    assert f"{context_of(run).span_id:016x}" == span_id_of(EXECUTION, 2)
    assert (run.start_time, list(run.events)) == ((START + 9) * 1e9, [])
    assert attributes(run)["tenantry.run"] == 2


@pytest.mark.parametrize("left_out", [0, 7])
def test_of_very_many_tasks_some_are_told_and_the_rest_counted(left_out: int) -> None:
    events = [started(f"s{number}", 0) for number in range(MAX_TASKS + 5)]
    found = spans_of(TenantId("acme"), trace(EXECUTION, [*BEGIN, *events, done(1)]), RESOURCE, left_out)
    assert len(found) == 1 + 2 * MAX_TASKS
    assert attributes(found[0])["tenantry.tasks_left_out"] == 5 + left_out


def test_a_task_whose_loop_is_not_told_is_inside_the_run() -> None:
    found = spans(*BEGIN, started("lines[0]", 0), completed("lines[0]", 1), done(1))
    assert is_inside(found["lines[]"], found["execute w"])
