"""Decisions: what happens next, from what has happened. Pure: no clock, no I/O, no randomness.

A decision *is* the event to record; the driver carries out what recorded events imply: make the attempt
(`TaskStarted`), look again later (`TaskRetried`), abandon what still runs (an end).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    ConditionEvaluated,
    Failure,
    FailureCode,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus, StepStatus, evolve
from tenantry.language.templates.errors import TemplateError
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import StepPlan


def advance(state: ExecutionState, event: AnyEvent | None, now: float) -> list[AnyEvent]:
    """Folds the event (or just the passing of time) and every decision that follows from it.

    Returns:
        All events folded, in order, the given one first.
    """
    events: list[AnyEvent] = []
    if event is not None:
        evolve(state, event)
        events.append(event)
    while decided := decide(state, now):
        for decision in decided:
            evolve(state, decision)
        events += decided
    return events


def decide(state: ExecutionState, now: float) -> list[AnyEvent]:
    """What is due now. Empty when only an event from outside, or time, can move the execution."""
    if state.ended:
        return []
    if state.status is ExecutionStatus.SUBMITTED:
        return [WorkflowStarted(at=now)]
    if state.remaining == 0:
        return [_complete(state, now)]
    if now >= state.deadline_at:
        return [WorkflowFailed(at=now, failure=_deadline_failure(state))]
    return _decide_steps(state, now)


def _decide_steps(state: ExecutionState, now: float) -> list[AnyEvent]:
    failure, retries = _judge_failures(state, now)
    if failure is not None:
        # An unsafe call in flight may be taking effect: its outcome is awaited, whatever else failed.
        return [] if state.running_unsafe else [WorkflowFailed(at=now, failure=failure)]
    return retries + _start_steps(state, now)


def wake_at(state: ExecutionState) -> float:
    """When to look again if nothing happens: the deadline, or an earlier retry."""
    return min(
        [state.deadline_at]
        + [
            step.not_before
            for step in map(state.steps.__getitem__, state.open)
            if step.status is StepStatus.RETRYING
        ]
    )


def _deadline_failure(state: ExecutionState) -> Failure:
    unfinished = [
        plan.id
        for plan, step in zip(state.plan.steps, state.steps, strict=True)
        if step.status not in (StepStatus.COMPLETED, StepStatus.SKIPPED)
    ]
    return Failure(
        code=FailureCode.DEADLINE,
        message=f"the deadline passed before {', '.join(unfinished)} ended",
        task=unfinished[0] if unfinished else "",
        outcome_unknown=state.running_unsafe > 0,
    )


def _complete(state: ExecutionState, now: float) -> WorkflowCompleted | WorkflowFailed:
    try:
        return WorkflowCompleted(at=now, output=state.plan.render_output(state.scope))
    except TemplateError as error:
        return WorkflowFailed(
            at=now, failure=_unresolved(error, task="", what="the output", source=Source.UPSTREAM)
        )


def _judge_failures(state: ExecutionState, now: float) -> tuple[Failure | None, list[AnyEvent]]:
    """The first failure that no retry cures, and the retries of those that one does."""
    retries: list[AnyEvent] = []
    for index in state.open:
        step = state.steps[index]
        if step.status is StepStatus.FAILED and step.failure is not None:
            not_before = _retry_at(state, index, step.failure, now)
            if not_before is None:
                return step.failure, []
            retries.append(
                TaskRetried(
                    at=now, task=state.plan.steps[index].id, attempt=step.attempt + 1, not_before=not_before
                )
            )
    return None, retries


def _retry_at(state: ExecutionState, index: int, failure: Failure, now: float) -> float | None:
    plan, attempt = state.plan.steps[index], state.steps[index].attempt
    if failure.retry_on not in plan.retry.retry_on or attempt >= plan.retry.max_attempts:
        return None
    if failure.outcome_unknown and not plan.task.safe:
        return None
    fraction = crc32(f"{state.seed}/{plan.id}/{attempt}".encode()) / 2**32
    not_before = now + max(plan.retry.delay_seconds(attempt, fraction), failure.retry_after_seconds)
    # A retry that cannot begin before the deadline is not waited for: the caller hears of the cause now.
    return not_before if not_before < state.deadline_at else None


def _start_steps(state: ExecutionState, now: float) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    capacity = state.plan.max_parallel - state.running
    for index in state.open:
        step = state.steps[index]
        if step.status is StepStatus.FAILED or (step.status is StepStatus.RETRYING and step.not_before > now):
            continue
        if capacity == 0:
            break
        capacity -= 1
        _start_step(state, index, now, events)
    return events


def _start_step(state: ExecutionState, index: int, now: float, events: list[AnyEvent]) -> None:
    plan, step = state.plan.steps[index], state.steps[index]
    if plan.condition is not None and step.condition is None:
        try:
            holds = plan.condition(state.scope)
        except TemplateError as error:
            source = source_of_values(plan)
            failure = _unresolved(error, task=plan.id, what="the condition", source=source)
            events.append(TaskFailed(at=now, task=plan.id, attempt=0, failure=failure))
            return
        events.append(ConditionEvaluated(at=now, task=plan.id, result=holds))
        if not holds:
            events.append(
                TaskSkipped(at=now, task=plan.id, reason=f"condition is false: {plan.condition_text}")
            )
            return
    attempt = step.attempt + 1
    waited_for = tuple(state.plan.steps[i].id for i in plan.dependencies) if attempt == 1 else ()
    events.append(TaskStarted(at=now, task=plan.id, attempt=attempt, waited_for=waited_for))


def source_of_values(step: StepPlan) -> Source:
    """Whose values a step reads: the caller's, unless results of other steps may be among them."""
    return Source.UPSTREAM if step.dependencies else Source.CALLER


def _unresolved(error: TemplateError, *, task: str, what: str, source: Source) -> Failure:
    return Failure(
        code=FailureCode.UNRESOLVED,
        message=f"{what} cannot be resolved: {error}",
        source=source,
        task=task,
    )
