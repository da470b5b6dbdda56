"""Folds events into the state of an execution, in place: its owner has it alone. Equal folds are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.engine.core.activity import NO_ITEMS, Activity, Group, Loop, Phase, status_of
from tenantry.dataplane.engine.core.events import (
    CircuitOpened,
    CompensationStarted,
    ConditionEvaluated,
    FailureTolerated,
    FallbackStarted,
    ForEachCompleted,
    ForEachIteration,
    ForEachStarted,
    GroupCompleted,
    GroupStarted,
    SubworkflowStarted,
    SwitchMatched,
    TaskCompleted,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.state import ExecutionStatus, Undo
from tenantry.language.plan.model import ActionPlan, CallPlan, ForEachPlan
from tenantry.language.templates.scope import Layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import GroupPlan, StepPlan, SubworkflowPlan, SwitchPlan
    from tenantry.language.templates.scope import Scope
    from tenantry.language.values import Json


def evolve(state: ExecutionState, event: AnyEvent) -> None:
    """Folds one event."""
    _EVOLVE[type(event)](state, event)


# The execution


def _submitted(state: ExecutionState, event: WorkflowSubmitted) -> None:
    state.scope.input = event.input
    state.seed = event.seed
    state.deadline_at = state.root.deadline_at = event.deadline_at


def _workflow_started(state: ExecutionState, _event: WorkflowStarted) -> None:
    state.status = ExecutionStatus.RUNNING
    state.root.phase = Phase.RUNNING
    _open_group(state, state.root, state.plan.graph, state.scope)


def _workflow_completed(state: ExecutionState, event: WorkflowCompleted) -> None:
    state.status, state.output, state.answer = ExecutionStatus.COMPLETED, event.output, event.answer


def _workflow_failed(state: ExecutionState, event: WorkflowFailed) -> None:
    state.status, state.failure = ExecutionStatus.FAILED, event.failure


def _workflow_cancelled(state: ExecutionState, _event: WorkflowCancelled) -> None:
    state.status = ExecutionStatus.CANCELLED


def _compensation_started(state: ExecutionState, event: CompensationStarted) -> None:
    state.status, state.failure = ExecutionStatus.COMPENSATING, event.failure
    _abandon(state, state.root)
    _undo_next(state)


def _undo_next(state: ExecutionState) -> None:
    if not state.undo:
        state.compensation = None
        return
    undo = state.undo.pop()
    # What undoes is not bound by the deadline of what it undoes: its own timeouts and attempts bound it.
    activity = Activity(
        f"{undo.path}~compensate", ActionPlan(body=undo.call), undo.scope, None, deadline_at=float("inf")
    )
    state.compensation = activity
    _register(state, activity)


# Actions and their bodies


def _register(state: ExecutionState, activity: Activity) -> None:
    """Takes up an activity for which nothing is left to wait for."""
    state.activities[activity.path] = activity
    _queue(state, activity, needs_decision=activity.plan.condition is not None)


def _queue(state: ExecutionState, activity: Activity, *, needs_decision: bool) -> None:
    if needs_decision or not isinstance(activity.body, CallPlan):
        activity.phase = Phase.DUE
        state.due.append(activity)
    else:
        activity.phase = Phase.READY
        state.ready.append(activity)


def _begin(state: ExecutionState, activity: Activity, body: Any) -> None:
    """Makes a body the one to be done next."""
    activity.body, activity.prepared = body, msgspec.UNSET
    _queue(state, activity, needs_decision=False)


def _decided(state: ExecutionState, event: Any) -> Activity:
    """The activity that a decision was due about, taken out of the queue."""
    activity = state.activities[event.task]
    state.due.remove(activity)  # at the head, unless those before it are blocked
    return activity


def _condition_evaluated(state: ExecutionState, event: ConditionEvaluated) -> None:
    activity = _decided(state, event)
    activity.condition = event.result
    otherwise = activity.plan.otherwise
    if event.result:
        _begin(state, activity, activity.plan.body)
    elif otherwise is not None:
        _begin(state, activity, otherwise)
    else:
        state.due.appendleft(activity)  # it is skipped next


def _switch_matched(state: ExecutionState, event: SwitchMatched) -> None:
    activity = _decided(state, event)
    switch: SwitchPlan = activity.body
    body = switch.default if event.case is None else switch.cases[event.case][1]
    _begin(state, activity, body)


def _open_group(state: ExecutionState, activity: Activity, plan: GroupPlan, scope: Scope) -> None:
    group = Group(plan, scope, activity)
    activity.inside = group
    for member in group.members:
        if member.waiting_for == 0:
            _register(state, member)
    _note_end(state, activity, group)


def _group_started(state: ExecutionState, event: GroupStarted) -> None:
    activity = _decided(state, event)
    activity.phase = Phase.RUNNING
    if event.deadline_at < activity.deadline_at:
        activity.deadline_at = event.deadline_at
        state.timed.append(activity)
    _open_group(state, activity, activity.body, activity.scope.nested())


def _subworkflow_started(state: ExecutionState, event: SubworkflowStarted) -> None:
    activity = _decided(state, event)
    body: SubworkflowPlan = activity.body
    activity.phase = Phase.RUNNING
    activity.limit = body.plan.max_parallel
    activity.deadline_at = event.deadline_at
    state.timed.append(activity)
    scope = activity.scope.of_child(input_of(activity, body), body.plan.workflow)
    activity.prepared = msgspec.UNSET
    _open_group(state, activity, body.plan.graph, scope)


def _for_each_started(state: ExecutionState, event: ForEachStarted) -> None:
    activity = _decided(state, event)
    activity.phase = Phase.RUNNING
    loop = activity.inside = Loop(items_of(activity, activity.body))
    activity.prepared = msgspec.UNSET
    state.iterations += event.item_count
    _next_item(state, activity, loop)


def _next_item(state: ExecutionState, activity: Activity, loop: Loop) -> None:
    """Queues the loop for what comes next: another item, or its end."""
    if loop.next < len(loop.items):
        if not loop.queued and len(loop.active) < activity.body.max_parallel:
            loop.queued = True
            state.looping.append(activity)
    elif not loop.active:
        activity.phase = Phase.DUE
        state.due.append(activity)


def _for_each_iteration(state: ExecutionState, event: ForEachIteration) -> None:
    activity = state.activities[event.task]
    loop: Loop = activity.inside
    body: ForEachPlan = activity.body
    state.looping.remove(activity)
    index = event.index
    loop.queued, loop.next = False, index + 1
    scope = activity.scope.of_item(body.variable, loop.items[index], index)
    item = Activity(
        f"{activity.path}[{index}]",
        body.action,
        scope,
        activity,
        deadline_at=activity.deadline_at,
        position=index,
    )
    loop.active[index] = item
    _register(state, item)
    _next_item(state, activity, loop)


def _for_each_completed(state: ExecutionState, event: ForEachCompleted) -> None:
    activity = _decided(state, event)
    loop: Loop = activity.inside
    _complete(state, activity, loop.outputs())


def _group_completed(state: ExecutionState, event: GroupCompleted) -> None:
    activity = _decided(state, event)
    _complete(state, activity, output_of(activity))


# Attempts


def _unsafe(activity: Activity) -> int:
    call: CallPlan = activity.body
    return 0 if call.task.safe else 1


def _task_started(state: ExecutionState, event: TaskStarted) -> None:
    activity = state.activities[event.task]
    (state.ready if activity.phase is Phase.READY else state.retrying).remove(activity)
    activity.phase, activity.attempt = Phase.RUNNING, event.attempt
    activity.count_attempts(1, _unsafe(activity))


def _task_completed(state: ExecutionState, event: TaskCompleted) -> None:
    activity = state.activities.get(event.task)
    if activity is None:
        return  # what was around it failed before: the outcome comes too late
    if activity.phase is Phase.RUNNING:
        activity.count_attempts(-1, -_unsafe(activity))
    else:
        state.due.remove(activity)
    _complete(state, activity, event.output)


def _task_failed(state: ExecutionState, event: TaskFailed) -> None:
    activity = state.activities.get(event.task)
    if activity is None:
        return  # as above
    if activity.inside is not None:
        _abandon(state, activity)
    elif activity.phase is Phase.RUNNING:
        activity.count_attempts(-1, -_unsafe(activity))
    else:
        state.due.remove(activity)
    activity.phase, activity.failure = Phase.FAILED, event.failure
    state.failed.append(activity)


def _task_retried(state: ExecutionState, event: TaskRetried) -> None:
    activity = state.activities[event.task]
    state.failed.remove(activity)
    activity.phase, activity.not_before = Phase.RETRYING, event.not_before
    state.retrying.append(activity)


def _fallback_started(state: ExecutionState, event: FallbackStarted) -> None:
    activity = state.activities.pop(event.task)
    state.failed.remove(activity)
    fallback = activity.plan.fallback
    activity.path += "~fallback"
    activity.fell_back, activity.attempt, activity.failure = True, 0, None
    state.activities[activity.path] = activity
    _begin(state, activity, fallback)


def _failure_tolerated(state: ExecutionState, event: FailureTolerated) -> None:
    activity = state.activities[event.task]
    state.failed.remove(activity)
    _end(state, activity, Phase.TOLERATED, None)


def _task_skipped(state: ExecutionState, event: TaskSkipped) -> None:
    _end(state, _decided(state, event), Phase.SKIPPED, None)


def _nothing(_state: ExecutionState, _event: AnyEvent) -> None:
    """For an event that is news and changes nothing here."""


# Ends


def _complete(state: ExecutionState, activity: Activity, output: Json) -> None:
    undo = activity.plan.compensate
    _end(state, activity, Phase.COMPLETED, output)
    if undo is not None and activity.body is activity.plan.body:
        state.undo.append(Undo(activity.path, undo, _undo_scope(activity, output)))


def _undo_scope(activity: Activity, output: Json) -> Scope:
    """What a compensation reads: what its action read, and the action's own output."""
    owner = activity.owner
    if activity.step is not None or owner is None or owner.step is None:
        return activity.scope  # the output of a step is among those of its graph
    scope = activity.scope
    outputs = Layer(scope.outputs)
    outputs[owner.step.id] = output
    return msgspec.structs.replace(scope, outputs=outputs)


def _end(state: ExecutionState, activity: Activity, phase: Phase, output: Json) -> None:
    del state.activities[activity.path]
    activity.phase = phase
    owner = activity.owner
    if owner is None:
        if phase is Phase.TOLERATED:
            state.not_undone.append(activity.path.removesuffix("~compensate"))
        _undo_next(state)
    elif activity.step is not None:
        _end_step(state, owner, activity, activity.step, output)
    else:
        _end_item(state, owner, activity, output)
    activity.prepared = msgspec.UNSET


def _end_step(
    state: ExecutionState, owner: Activity, activity: Activity, step: StepPlan, output: Json
) -> None:
    group: Group = owner.inside
    group.scope.outputs[step.id] = output
    group.scope.statuses[step.id] = status_of(activity.phase)
    if isinstance(step.action.body, ForEachPlan):
        inside = activity.inside if activity.phase is Phase.COMPLETED else None
        group.scope.loops[step.id] = inside.summary() if isinstance(inside, Loop) else NO_ITEMS
    group.remaining -= 1
    for dependent in step.dependents:
        waiting = group.members[dependent]
        waiting.waiting_for -= 1
        if waiting.waiting_for == 0:
            _register(state, waiting)
    _note_end(state, owner, group)


def _note_end(state: ExecutionState, owner: Activity, group: Group) -> None:
    """A group without anything left to do is due for its end."""
    if group.remaining == 0:
        owner.phase = Phase.DUE
        state.due.append(owner)


def _end_item(state: ExecutionState, owner: Activity, activity: Activity, output: Json) -> None:
    loop: Loop = owner.inside
    del loop.active[activity.position]
    loop.results[activity.position] = (activity.phase, output, activity.failure)
    _next_item(state, owner, loop)


def _abandon(state: ExecutionState, activity: Activity) -> None:
    """Forgets everything inside an activity: it is not gone on with, and what runs there is cut off."""
    activity.count_attempts(-activity.running, -activity.unsafe)
    gone = {activity}
    stack = activity.inside.unfinished()
    activity.inside = None
    while stack:
        inner = stack.pop()
        gone.add(inner)
        inner.phase = Phase.ABANDONED
        state.activities.pop(inner.path, None)
        if inner.inside is not None:
            stack += inner.inside.unfinished()
    for queue in (state.due, state.ready, state.looping, state.retrying, state.failed, state.timed):
        kept = [one for one in queue if one not in gone]
        queue.clear()
        queue.extend(kept)


# What decisions evaluate and folds need again: a function of the state, so it is kept only to save time


def items_of(activity: Activity, body: ForEachPlan) -> Any:
    """The value of the list a loop goes through. Raises `TemplateError`."""
    if activity.prepared is msgspec.UNSET:
        activity.prepared = body.items(activity.scope)
    return activity.prepared


def input_of(activity: Activity, body: SubworkflowPlan) -> Any:
    """The input of a sub-workflow. Raises `TemplateError`."""
    if activity.prepared is msgspec.UNSET:
        activity.prepared = body.bind(activity.scope)
    return activity.prepared


def output_of(activity: Activity) -> Any:
    """The output of a group whose steps have ended. Raises `TemplateError`."""
    group: Group = activity.inside
    if activity.prepared is msgspec.UNSET:
        activity.prepared = group.plan.render(group.scope)
    return activity.prepared


_EVOLVE: Final[dict[type, Callable[[ExecutionState, Any], None]]] = {
    WorkflowSubmitted: _submitted,
    WorkflowStarted: _workflow_started,
    ConditionEvaluated: _condition_evaluated,
    SwitchMatched: _switch_matched,
    ForEachStarted: _for_each_started,
    ForEachIteration: _for_each_iteration,
    ForEachCompleted: _for_each_completed,
    GroupStarted: _group_started,
    SubworkflowStarted: _subworkflow_started,
    GroupCompleted: _group_completed,
    TaskSkipped: _task_skipped,
    TaskStarted: _task_started,
    TaskCompleted: _task_completed,
    TaskFailed: _task_failed,
    TaskRetried: _task_retried,
    FallbackStarted: _fallback_started,
    FailureTolerated: _failure_tolerated,
    CircuitOpened: _nothing,
    CompensationStarted: _compensation_started,
    WorkflowCompleted: _workflow_completed,
    WorkflowFailed: _workflow_failed,
    WorkflowCancelled: _workflow_cancelled,
}
