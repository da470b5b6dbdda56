"""How activities are taken up and how they end: what the folds of bodies and attempts are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenantry.dataplane.engine.core.activity import NO_ITEMS, Activity, Group, Loop, Phase, status_of
from tenantry.dataplane.engine.core.state import Undo
from tenantry.language.plan.model import ActionPlan, CallPlan, ForEachPlan
from tenantry.language.templates.scope import Layer

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import GroupPlan, StepPlan
    from tenantry.language.templates.scope import Scope
    from tenantry.language.values import Json


def register(state: ExecutionState, activity: Activity) -> None:
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


def begin_body(state: ExecutionState, activity: Activity, body: Any) -> None:
    """Makes a body the one to be done next."""
    activity.body, activity.prepared = body, msgspec.UNSET
    _queue(state, activity, needs_decision=False)


def take_due(state: ExecutionState, event: Any) -> Activity:
    """The activity that a decision was due about, taken out of the queue."""
    activity = state.activities[event.task]
    state.due.remove(activity)  # at the head, unless those before it are blocked
    return activity


def open_group(state: ExecutionState, activity: Activity, plan: GroupPlan, scope: Scope) -> None:
    """Begins a graph: its steps are members of the activity, in this scope."""
    group = Group(plan, scope, activity)
    activity.inside = group
    for member in group.members:
        if member.waiting_for == 0:
            register(state, member)
    _note_end(state, activity, group)


def next_item(state: ExecutionState, activity: Activity, loop: Loop) -> None:
    """Queues the loop for what comes next: another item, or its end."""
    if loop.next < len(loop.items):
        if not loop.queued and len(loop.active) < activity.body.max_parallel:
            loop.queued = True
            state.looping.append(activity)
    elif not loop.active:
        activity.phase = Phase.DUE
        state.due.append(activity)


def complete(state: ExecutionState, activity: Activity, output: Json) -> None:
    """Ends an activity well, and remembers what would undo it."""
    undo = activity.plan.compensate
    end(state, activity, Phase.COMPLETED, output)
    done_itself = activity.condition is not False and not activity.fell_back
    if undo is not None and done_itself:
        state.undo.append(Undo(activity.path, undo, _undo_scope(activity, output)))


def _undo_scope(activity: Activity, output: Json) -> Scope:
    """What a compensation reads: what its action read, and the action's own output."""
    owner = activity.owner
    if activity.step is not None or owner is None or owner.step is None:
        return activity.scope  # the output of a step is among those of its graph
    scope = activity.scope
    outputs = Layer.over(scope.outputs)
    outputs[owner.step.id] = output
    return msgspec.structs.replace(scope, outputs=outputs)


def end(state: ExecutionState, activity: Activity, phase: Phase, output: Json) -> None:
    """Ends an activity and tells what is around it."""
    del state.activities[activity.path]
    if activity in state.timed:
        state.timed.remove(activity)
    activity.phase = phase
    owner = activity.owner
    if owner is None:
        _end_undo(state, activity.path.removesuffix("~compensate"), undone=phase is Phase.COMPLETED)
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
            register(state, waiting)
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
    next_item(state, owner, loop)


def _end_undo(state: ExecutionState, path: str, *, undone: bool) -> None:
    """What is undone will be done again if the execution is retried."""
    if undone:
        state.done = {done: output for done, output in state.done.items() if not is_part(done, path)}
    else:
        state.not_undone.append(path)
    undo_next(state)


def is_part(path: str, whole: str) -> bool:
    """Whether a path names a thing, its fallback, or something inside it."""
    return path.startswith(whole) and path[len(whole) : len(whole) + 1] in ("", "/", "[", "~")


def postpone(state: ExecutionState, seconds: float) -> None:
    """Moves everything that waits for an instant: nobody ran the execution for so long.

    Instants are those of whoever ran it then, and become those of whoever goes on: where that one's clock is
    behind, everything moves back, so that what was due in a moment is.
    """
    state.deadline_at += seconds
    for activity in state.retrying:
        activity.not_before += seconds
    stack = [state.root]
    while stack:
        activity = stack.pop()
        activity.deadline_at += seconds
        if activity.inside is not None:
            stack += activity.inside.unfinished()


def abandon(state: ExecutionState, activity: Activity) -> None:
    """Forgets everything inside an activity: it is not gone on with, and what runs there is cut off."""
    activity.count_attempts(-activity.running, -activity.unsafe)
    gone = {activity}
    stack = activity.inside.unfinished()
    activity.inside = None
    while stack:
        inner = stack.pop()
        gone.add(inner)
        if inner.phase is not Phase.FAILED:
            inner.phase = Phase.ABANDONED
        state.activities.pop(inner.path, None)
        if inner.inside is not None:
            stack += inner.inside.unfinished()
    for queue in (state.due, state.ready, state.looping, state.retrying, state.failed, state.timed):
        kept = [one for one in queue if one not in gone]
        queue.clear()
        queue.extend(kept)


def undo_next(state: ExecutionState) -> None:
    """Takes up the compensation of what was done last, if anything is left."""
    if not state.undo:
        state.compensation = None
        return
    undo = state.undo.pop()
    # What undoes is not bound by the deadline of what it undoes: its own timeouts and attempts bound it.
    activity = Activity(
        f"{undo.path}~compensate", ActionPlan(body=undo.call), undo.scope, None, deadline_at=float("inf")
    )
    state.compensation = activity
    register(state, activity)
