"""What became of an execution, as an HTTP answer: the same from a run in this process as from the journal."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from tenantry.dataplane.engine.core.events import (
    Answer,
    CompensationStarted,
    Failure,
    FailureCode,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowRetried,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.answers import completed_answer, json_answer
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.responses import Response

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState


class Outcome(NamedTuple):
    """How far an execution has come.

    Attributes:
        output, answer: of one that completed.
        failure: of one that failed, or is sure to.
    """

    status: ExecutionStatus
    output: Any = None
    answer: Answer | None = None
    failure: Failure | None = None


_CANCELLED = Failure(code=FailureCode.CANCELLED, message="the execution was cancelled", source=Source.CALLER)


def outcome_of(state: ExecutionState) -> Outcome:
    """The outcome of an execution in this process."""
    return Outcome(state.status, state.output, state.answer, state.failure)


def outcome_told(status: ExecutionStatus, events: Iterable[AnyEvent]) -> Outcome:
    """The outcome as the journal tells it: that of the latest run."""
    outcome = Outcome(status)
    for event in events:
        match event:
            case WorkflowCompleted():
                outcome = Outcome(ExecutionStatus.COMPLETED, event.output, event.answer)
            case CompensationStarted():
                outcome = Outcome(status, failure=event.failure)
            case WorkflowFailed():
                outcome = Outcome(ExecutionStatus.FAILED, failure=event.failure)
            case WorkflowCancelled():
                outcome = Outcome(ExecutionStatus.CANCELLED)
            case WorkflowRetried():
                outcome = Outcome(status)
    return outcome


def answer_outcome(outcome: Outcome, execution_id: str, base: str, headers: Mapping[str, str]) -> Response:
    """The answer of an execution that ended, or is sure to fail; else where to ask for it later.

    Args:
        outcome: how far it has come.
        execution_id: which one.
        base: the tenant's path.
        headers: the platform's own.

    Raises:
        RefusedError: it failed or was cancelled.
    """
    if outcome.status is ExecutionStatus.COMPLETED:
        return completed_answer(outcome.output, outcome.answer, headers)
    failure = _CANCELLED if outcome.status is ExecutionStatus.CANCELLED else outcome.failure
    if failure is None:
        return accepted_answer(outcome.status, execution_id, base, headers)
    error = errors.execution_failed(failure, execution_id)
    error.headers.update({**headers, **error.headers})
    raise error


def accepted_answer(
    status: ExecutionStatus, execution_id: str, base: str, headers: Mapping[str, str]
) -> Response:
    """202: it is durable and goes on; `Location` says where to look."""
    location = f"{base}/executions/{execution_id}"
    body = {
        "id": execution_id,
        "status": status,
        "links": {"self": location, "trace": f"{location}/trace", "events": f"{location}/events"},
    }
    return json_answer(body, status=HTTPStatus.ACCEPTED, headers={**headers, "Location": location})
