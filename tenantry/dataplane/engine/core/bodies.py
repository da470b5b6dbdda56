"""Folds of what an activity consists of: its condition, and switches, groups, sub-workflows and loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tenantry.dataplane.engine.core.activity import Activity, Group, Loop, Phase
from tenantry.dataplane.engine.core.lifecycle import (
    begin_body,
    complete,
    next_item,
    open_group,
    register,
    take_due,
)

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import (
        ConditionEvaluated,
        ForEachCompleted,
        ForEachIteration,
        ForEachStarted,
        GroupCompleted,
        GroupStarted,
        SubworkflowStarted,
        SwitchMatched,
    )
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import ForEachPlan, SubworkflowPlan, SwitchPlan


def condition_evaluated(state: ExecutionState, event: ConditionEvaluated) -> None:
    """The body is chosen, or the activity is about to be skipped."""
    activity = take_due(state, event)
    activity.condition = event.result
    otherwise = activity.plan.otherwise
    if event.result:
        begin_body(state, activity, activity.plan.body)
    elif otherwise is not None:
        begin_body(state, activity, otherwise)
    else:
        state.due.appendleft(activity)  # it is skipped next


def switch_matched(state: ExecutionState, event: SwitchMatched) -> None:
    """The chosen case is the body now."""
    activity = take_due(state, event)
    switch: SwitchPlan = activity.body
    body = switch.default if event.case is None else switch.cases[event.case][1]
    begin_body(state, activity, body)


def group_started(state: ExecutionState, event: GroupStarted) -> None:
    """The nested tasks that wait for nothing are taken up."""
    activity = take_due(state, event)
    activity.phase = Phase.RUNNING
    if event.deadline_at < activity.deadline_at:
        activity.deadline_at = event.deadline_at
        state.timed.append(activity)
    open_group(state, activity, activity.body, activity.scope.nested())


def subworkflow_started(state: ExecutionState, event: SubworkflowStarted) -> None:
    """The other workflow begins, in a scope of its own."""
    activity = take_due(state, event)
    body: SubworkflowPlan = activity.body
    activity.phase = Phase.RUNNING
    activity.limit = body.plan.max_parallel
    activity.deadline_at = event.deadline_at
    state.timed.append(activity)
    scope = activity.scope.of_child(input_of(activity, body), body.plan.workflow)
    activity.prepared = msgspec.UNSET
    open_group(state, activity, body.plan.graph, scope)


def for_each_started(state: ExecutionState, event: ForEachStarted) -> None:
    """The list is known."""
    activity = take_due(state, event)
    activity.phase = Phase.RUNNING
    loop = activity.inside = Loop(items_of(activity, activity.body))
    activity.prepared = msgspec.UNSET
    state.iterations += event.item_count
    next_item(state, activity, loop)


def for_each_iteration(state: ExecutionState, event: ForEachIteration) -> None:
    """One more item is taken up."""
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
    register(state, item)
    next_item(state, activity, loop)


def for_each_completed(state: ExecutionState, event: ForEachCompleted) -> None:
    """The loop gives its outputs."""
    activity = take_due(state, event)
    loop: Loop = activity.inside
    complete(state, activity, loop.outputs())


def group_completed(state: ExecutionState, event: GroupCompleted) -> None:
    """The group gives its output."""
    activity = take_due(state, event)
    complete(state, activity, output_of(activity))


# What a decision evaluates and its fold needs again follows from the state: it is kept only to save time.


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
