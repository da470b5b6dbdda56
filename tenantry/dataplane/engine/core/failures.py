"""What becomes of failures: retried, made up for by a fallback, tolerated, or passed on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from tenantry.dataplane.engine.core.events import (
    Failure,
    FailureCode,
    FailureTolerated,
    FallbackStarted,
    TaskFailed,
    TaskRetried,
)
from tenantry.dataplane.engine.core.letters import letter_of, letter_of_cut_off, may_have_taken_effect
from tenantry.language.plan.model import CallPlan, ForEachPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.engine.core.activity import Activity
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState


MAX_RECOVERIES: Final = 10
"""So often an attempt that its executor did not survive is made again: it may be what kills executors."""

MAX_RETRY_AFTER_SECONDS: Final = 60.0
"""So much of an upstream's `Retry-After` is heeded while something is undone."""


class Judgement(NamedTuple):
    """What is to be done about the failures there are.

    Attributes:
        event: the next thing to happen.
        failure: what the whole execution fails with.
        stopping: what is failing and waits only for calls that may not be abandoned; nothing starts in there.
    """

    event: AnyEvent | None
    failure: Failure | None
    stopping: set[Activity]


def judge_failures(state: ExecutionState, now: float) -> Judgement:
    """Deals with the first failure that something can be done about."""
    stopping: set[Activity] = set()
    for activity in state.failed:
        failure, owner = activity.failure, activity.owner
        assert failure is not None  # noqa: S101  (that is why it is here)
        if event := _resolve(state, activity, failure, now):
            return Judgement(event, None, stopping)
        assert owner is not None  # noqa: S101  (a compensation's failure is tolerated)
        if owner.unsafe:
            # A call in flight may be taking effect: its outcome is awaited, whatever else failed.
            stopping.add(owner)
        elif letter := letter_of_cut_off(state, owner, now):
            return Judgement(letter, None, stopping)
        elif owner.is_root:
            return Judgement(None, failure, stopping)
        else:
            failed = TaskFailed(at=now, task=owner.path, attempt=0, failure=failure)
            return Judgement(failed, None, stopping)
    return Judgement(None, None, stopping)


def deadline_failure(state: ExecutionState, activity: Activity) -> Failure:
    """The failure of an activity that did not end in time. What is cut off by it has its letters."""
    path = activity.path
    unfinished = [inner.path for inner in _unfinished_leaves(activity)]
    return Failure(
        code=FailureCode.DEADLINE,
        message=f"the deadline passed before {_listed(unfinished)} ended",
        task=path or (unfinished[0] if unfinished else ""),
        outcome_unknown=may_have_taken_effect(state, path),
    )


def _resolve(state: ExecutionState, activity: Activity, failure: Failure, now: float) -> AnyEvent | None:
    """What happens instead of passing the failure on."""
    path = activity.path
    retry_at = _retry_at(state, activity, failure, now)
    if retry_at is not None:
        return TaskRetried(at=now, task=path, attempt=activity.attempt + 1, not_before=retry_at)
    # What may have taken effect is not done a second time by other means.
    unknown = failure.outcome_unknown or may_have_taken_effect(state, path)
    if activity.plan.fallback is not None and not activity.fell_back and not unknown:
        return FallbackStarted(at=now, task=path)
    if _is_tolerated(activity):
        return letter_of(state, failure, now) or FailureTolerated(at=now, task=path)
    return None


def _is_tolerated(activity: Activity) -> bool:
    step, owner = activity.step, activity.owner
    if owner is None or step is not None:
        return owner is None or (step is not None and step.optional)
    return isinstance(owner.body, ForEachPlan) and owner.body.tolerant


def _retry_at(state: ExecutionState, activity: Activity, failure: Failure, now: float) -> float | None:
    call, attempt = activity.body, activity.attempt
    if not isinstance(call, CallPlan) or attempt == 0:
        return None
    if failure.code is FailureCode.INTERRUPTED:
        return now if state.recoveries <= MAX_RECOVERIES else None
    counted = attempt - activity.interrupted
    if failure.retry_on not in call.retry.retry_on or counted >= call.retry.max_attempts:
        return None
    if failure.outcome_unknown and not call.task.repeatable:
        return None
    fraction = crc32(f"{state.seed}/{activity.path}/{attempt}".encode()) / 2**32
    asked_for = failure.retry_after_seconds
    if activity.owner is None:  # a compensation: no deadline bounds what the upstream may ask for
        asked_for = min(asked_for, MAX_RETRY_AFTER_SECONDS)
    not_before = now + max(call.retry.delay_seconds(counted, fraction), asked_for)
    # A retry that cannot begin before the deadline is not waited for: the caller hears of the cause now.
    return not_before if not_before < activity.deadline_at else None


def _unfinished_leaves(activity: Activity) -> Iterator[Activity]:
    """What has not ended inside an activity and has nothing inside itself, in the order of the plan."""
    if activity.inside is None:
        yield activity
    else:
        for inner in activity.inside.unfinished():
            yield from _unfinished_leaves(inner)


_SHOWN = 10


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more
