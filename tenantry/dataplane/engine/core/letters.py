"""Dead letters: which failures somebody has to look at, decided once for each. Pure.

A failed execution whose fault is not its caller's has one. What a fallback makes up for has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.events import DeadLettered, DeadLetterReason, Failure, FailureCode
from tenantry.dataplane.engine.core.lifecycle import is_part
from tenantry.language.plan.model import CallPlan
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.engine.core.activity import Activity
    from tenantry.dataplane.engine.core.state import ExecutionState

MAX_LETTERS: Final = 100
"""Of one run of an execution: a loop over thousands of items may fail in every one of them."""

_WORTH_ANOTHER_TRY: Final = frozenset(
    {FailureCode.CIRCUIT_OPEN, FailureCode.INTERRUPTED, FailureCode.JOURNAL_UNAVAILABLE}
)


def letter_of(state: ExecutionState, failure: Failure, now: float) -> DeadLettered | None:
    """The letter of a failure that nothing makes up for, unless it has one."""
    path = failure.task
    if failure.source is Source.CALLER or path in state.lettered or len(state.lettered) >= MAX_LETTERS:
        return None
    attempts, task_name = state.tried.get(path, (0, ""))
    return DeadLettered(
        at=now,
        task=path,
        reason=_reason(failure),
        failure=failure,
        attempts=attempts,
        task_name=task_name,
    )


def letter_of_cut_off(state: ExecutionState, around: Activity, now: float) -> DeadLettered | None:
    """The letter of a call that may have taken effect, inside of something that is about to be given up.

    Such a call is in flight; or has failed, and would perhaps have been repeated.
    """
    if not (around.unsafe or state.failed or state.retrying):
        return None
    for activity in state.activities.values():
        failure = _unknown_outcome(activity)
        if failure is not None and activity.path not in state.lettered and activity.is_within({around}):
            return DeadLettered(
                at=now,
                task=activity.path,
                reason=DeadLetterReason.OUTCOME_UNKNOWN,
                failure=failure,
                attempts=activity.attempt,
                task_name=activity.body.task.name,
            )
    return None


def may_have_taken_effect(state: ExecutionState, path: str) -> bool:
    """Whether something, or the whole execution, holds a call that has a letter for its unknown outcome."""
    return any(
        reason is DeadLetterReason.OUTCOME_UNKNOWN and (not path or is_part(lettered, path))
        for lettered, reason in state.lettered.items()
    )


def calls_in_flight(state: ExecutionState) -> Iterator[Activity]:
    """The calls whose attempts have begun and not ended."""
    for activity in state.activities.values():
        if activity.phase is Phase.RUNNING and type(activity.body) is CallPlan:
            yield activity


def _unknown_outcome(activity: Activity) -> Failure | None:
    if type(activity.body) is not CallPlan:
        return None
    if activity.phase is Phase.RUNNING:
        return None if activity.body.task.safe else _cut_off(activity)
    failure = activity.failure
    is_unknown = failure is not None and failure.outcome_unknown
    return failure if is_unknown and activity.phase in (Phase.FAILED, Phase.RETRYING) else None


def _cut_off(activity: Activity) -> Failure:
    return Failure(
        code=FailureCode.OUTCOME_UNKNOWN,
        message=f"{activity.path} was cut off in its attempt {activity.attempt}: it may have taken effect",
        source=Source.PLATFORM,
        task=activity.path,
        outcome_unknown=True,
    )


def _reason(failure: Failure) -> DeadLetterReason:
    if failure.code is FailureCode.DEADLINE:
        return DeadLetterReason.DEADLINE
    if failure.outcome_unknown:
        return DeadLetterReason.OUTCOME_UNKNOWN
    if failure.retry_on is not None or failure.code in _WORTH_ANOTHER_TRY:
        return DeadLetterReason.RETRIES_EXHAUSTED
    return DeadLetterReason.PERMANENT
