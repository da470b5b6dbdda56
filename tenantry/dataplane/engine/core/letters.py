"""Dead letters: which failures somebody has to look at, decided once for each. Pure.

A failed execution whose fault is not its caller's has one. What a fallback makes up for has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.events import DeadLettered, DeadLetterReason, Failure, FailureCode
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
    """The letter of a call in flight inside `around` that is not safe, and is about to be cut off."""
    if not around.unsafe:
        return None
    for activity in calls_in_flight(state):
        if activity.path in state.lettered or not activity.is_within({around}):
            continue
        task = activity.body.task
        if not task.safe:
            return DeadLettered(
                at=now,
                task=activity.path,
                reason=DeadLetterReason.OUTCOME_UNKNOWN,
                failure=_cut_off(activity),
                attempts=activity.attempt,
                task_name=task.name,
            )
    return None


def calls_in_flight(state: ExecutionState) -> Iterator[Activity]:
    """The calls whose attempts have begun and not ended."""
    for activity in state.activities.values():
        if activity.phase is Phase.RUNNING and type(activity.body) is CallPlan:
            yield activity


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
