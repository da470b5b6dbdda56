"""Dead letters as they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.dead_letters.port import Refusal, RefusedRetryError
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.limits.port import LimitsUnavailableError, OverLimitError

if TYPE_CHECKING:
    from datetime import datetime

    from tenantry.dataplane.dead_letters.acting import BulkOutcome, Told
    from tenantry.dataplane.dead_letters.analytics import Analytics, Span
    from tenantry.dataplane.dead_letters.letters import DeadLetter

_TITLES: Final = {
    Refusal.NOT_OPEN: "The letter is settled",
    Refusal.BUSY: "The letter is being retried",
    Refusal.OUTCOME_UNKNOWN: "The outcome is not known",
    Refusal.TAKES_NO_INPUT: "Nothing takes an input",
    Refusal.EXECUTION_NOT_ENDED: "The execution has not ended",
    Refusal.EXECUTION_GONE: "The execution is gone",
    Refusal.TRACE_GONE: "The execution cannot be read any more",
    Refusal.TASK_UNKNOWN: "The workflow has no such task",
}


def letter_view(letter: DeadLetter) -> dict[str, Any]:
    """A letter as it is listed."""
    return {
        "id": letter.id,
        "status": letter.status,
        "executionId": letter.execution_id,
        "executionStatus": letter.execution_status,
        "workflow": letter.workflow,
        "version": letter.version,
        "task": letter.task,
        "taskName": letter.task_name or None,
        "reason": letter.reason,
        "failure": letter.failure,
        "attempts": letter.attempts,
        "createdAt": letter.created_at,
        "changedAt": letter.changed_at,
        "changedBy": letter.changed_by,
        "retriedAs": letter.retried_as,
    }


def letter_detail(letter: DeadLetter, base: str) -> dict[str, Any]:
    """A letter by itself, with where to go on."""
    links = {
        "execution": f"{base}/executions/{letter.execution_id}",
        "trace": f"{base}/executions/{letter.execution_id}/trace",
    }
    if letter.retried_as is not None:
        links["retriedAs"] = f"{base}/executions/{letter.retried_as}"
    return {**letter_view(letter), "links": links}


def refusal_of(error: RefusedRetryError) -> errors.RefusedError:
    """Why a letter cannot be acted on, as a problem."""
    if error.code is Refusal.NOT_FOUND:
        return errors.not_found("dead letter")
    return errors.conflict(error.code, _TITLES[error.code], error.message)


def bulk_view(outcome: BulkOutcome, next_cursor: str | None) -> dict[str, Any]:
    """What became of many letters."""
    retried = sum(one.letter is not None for one in outcome.told)
    return {
        "retried": retried,
        "refused": len(outcome.told) - retried,
        "remaining": len(outcome.remaining),
        "stoppedBy": _stopped_by(outcome),
        "nextCursor": next_cursor,
        "results": [_told_view(one) for one in outcome.told],
    }


def _told_view(told: Told) -> dict[str, Any]:
    if told.letter is not None:
        letter = told.letter
        again = letter.retried_as or letter.execution_id
        return {"id": told.id, "outcome": "retried", "executionId": again}
    assert told.refusal is not None  # noqa: S101  (one of both)
    return {"id": told.id, "outcome": "refused", "code": told.refusal.code, "detail": told.refusal.message}


def _stopped_by(outcome: BulkOutcome) -> dict[str, Any] | None:
    match outcome.stopped_by:
        case OverLimitError(violated=violated):
            return _stop("rate-limited", violated)
        case LimitsUnavailableError(code=code):
            return _stop(code)
        case JournalUnavailableError():
            return _stop("journal-unavailable")
        case None if outcome.remaining:
            return _stop("time")
    return None


def _stop(code: str, violated: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "code": code,
        "violatedPolicies": violated,
        "retryAfterSeconds": 0 if code == "time" else errors.RETRY_AFTER_SECONDS,
    }


def analytics_view(span: Span, told: Analytics, now: datetime) -> dict[str, Any]:
    """What the letters of a span tell together."""
    return {
        "from": span.since,
        "to": span.until,
        "bucket": span.bucket,
        "total": told.total,
        "complete": told.complete,
        "byStatus": told.by_status,
        "byReason": told.by_reason,
        "byCode": told.by_code,
        "topWorkflows": [{"workflow": name, "count": count} for name, count in told.by_workflow.items()],
        "topTasks": [
            {
                "workflow": one.workflow,
                "task": one.task,
                "taskName": one.task_name or None,
                "count": one.count,
            }
            for one in told.by_task
        ],
        "overTime": [{"from": begin, "count": count} for begin, count in told.over_time],
        "retried": {"share": told.share_retried, "executions": told.retried_ends},
        "oldestOpen": _oldest(told.oldest_open, now),
    }


def _oldest(found: tuple[str, datetime] | None, now: datetime) -> dict[str, Any] | None:
    if found is None:
        return None
    letter_id, at = found
    return {"id": letter_id, "createdAt": at, "ageSeconds": max(0.0, (now - at).total_seconds())}
