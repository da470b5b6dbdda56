"""Decisions about one activity: what it begins with, and how what has gone on inside it ends. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.engine.core.activity import Loop, Phase
from tenantry.dataplane.engine.core.bodies import input_of, items_of, output_of
from tenantry.dataplane.engine.core.events import (
    Answer,
    AnyEvent,
    ConditionEvaluated,
    Failure,
    FailureCode,
    FallbackStarted,
    ForEachCompleted,
    ForEachStarted,
    GroupCompleted,
    GroupStarted,
    SubworkflowStarted,
    SwitchMatched,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    WorkflowCompleted,
)
from tenantry.dataplane.engine.core.mismatch import find_mismatch
from tenantry.dataplane.engine.core.state import MAX_ITERATIONS
from tenantry.language.plan.model import (
    ForEachPlan,
    GroupPlan,
    SubworkflowPlan,
    SwitchPlan,
    ValuePlan,
)
from tenantry.language.templates.errors import TemplateError
from tenantry.language.values import type_name
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.activity import Activity
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import ResponsePlan
    from tenantry.language.templates.scope import Scope
    from tenantry.language.values import Json


class _RefusedError(Exception):
    """What an activity should begin with cannot be."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def begin(state: ExecutionState, activity: Activity, now: float) -> AnyEvent:
    """The decision that is due about an activity."""
    plan = activity.plan
    try:
        if activity.inside is not None:
            return _finish(activity, now)
        if _is_undecided(activity):
            return ConditionEvaluated(at=now, task=activity.path, result=plan.condition(activity.scope))  # type: ignore[misc]  # it is undecided, so there is one
        if activity.condition is False and plan.otherwise is None and not activity.fell_back:
            reason = f"condition is false: {plan.condition_text}"
            return TaskSkipped(at=now, task=activity.path, reason=reason)
        if activity.fallback_path in state.reused and not activity.fell_back:
            return FallbackStarted(at=now, task=activity.path)
        return _BEGIN[type(activity.body)](state, activity, activity.body, now)
    except TemplateError as error:
        failure = unresolved(error, activity, _what(activity))
    except _RefusedError as error:
        source = source_of_values(activity)
        failure = Failure(code=error.code, message=error.message, source=source, task=activity.path)
    return TaskFailed(at=now, task=activity.path, attempt=0, failure=failure)


def _is_undecided(activity: Activity) -> bool:
    return activity.plan.condition is not None and activity.condition is None and not activity.fell_back


def _what(activity: Activity) -> str:
    """What about an activity is being evaluated."""
    if activity.inside is not None:
        return "the output"
    return "the condition" if _is_undecided(activity) else _WHAT[type(activity.body)]


def complete(state: ExecutionState, now: float) -> WorkflowCompleted | Failure:
    """The end of an execution whose steps have ended, or what it fails with all the same."""
    try:
        output = output_of(state.root)
    except TemplateError as error:
        return unresolved(error, state.root, "the output")
    response = state.plan.response
    try:
        answer = None if response is None else _answer(response, state.scope)
    except TemplateError as error:
        return unresolved(error, state.root, "the response")
    return WorkflowCompleted(at=now, output=output, answer=answer)


def unresolved(error: TemplateError, activity: Activity, what: str) -> Failure:
    """The failure of a template without a value."""
    return Failure(
        code=FailureCode.UNRESOLVED,
        message=f"{what} cannot be resolved: {error}",
        source=source_of_values(activity),
        task=activity.path,
    )


def source_of_values(activity: Activity) -> Source:
    """Whose values an activity reads: the caller's, unless results of others may be among them."""
    owner, step = activity.owner, activity.step
    first = owner is not None and owner.is_root and step is not None and not step.dependencies
    return Source.CALLER if first else Source.UPSTREAM


def _finish(activity: Activity, now: float) -> AnyEvent:
    if not isinstance(activity.inside, Loop):
        output_of(activity)  # evaluated here, where it may fail; the fold takes it from there
        return GroupCompleted(at=now, task=activity.path)
    return ForEachCompleted(
        at=now,
        task=activity.path,
        success_count=activity.inside.count(Phase.COMPLETED),
        failure_count=activity.inside.count(Phase.TOLERATED),
    )


def _take_value(_state: ExecutionState, activity: Activity, body: ValuePlan, now: float) -> AnyEvent:
    return TaskCompleted(at=now, task=activity.path, attempt=0, output=body.evaluate(activity.scope))


def _begin_switch(_state: ExecutionState, activity: Activity, body: SwitchPlan, now: float) -> AnyEvent:
    value = body.value(activity.scope)
    for index, (literal, _) in enumerate(body.cases):
        if _equal(value, literal):
            return SwitchMatched(at=now, task=activity.path, case=index)
    if body.default is None:
        found = f"a {type_name(value)}" if isinstance(value, dict | list) else _shown(value)
        message = f"no case of {activity.path} matches {found}, and there is no default"
        raise _RefusedError(FailureCode.NO_CASE, message)
    return SwitchMatched(at=now, task=activity.path, case=None)


def _begin_loop(state: ExecutionState, activity: Activity, body: ForEachPlan, now: float) -> AnyEvent:
    items = items_of(activity, body)
    if not isinstance(items, list):
        message = f"forEach of {activity.path} needs a list, and this is {type_name(items)}"
        raise _RefusedError(FailureCode.UNRESOLVED, message)
    count = len(items)
    if count > body.max_items:
        message = f"forEach of {activity.path} takes at most {body.max_items} items, and these are {count}"
        raise _RefusedError(FailureCode.TOO_MANY_ITEMS, message)
    if state.iterations + count > MAX_ITERATIONS:
        message = f"an execution goes through at most {MAX_ITERATIONS} items, and {activity.path} is too many"
        raise _RefusedError(FailureCode.TOO_MANY_ITEMS, message)
    waited_for = activity.waited_for()
    return ForEachStarted(at=now, task=activity.path, item_count=count, waited_for=waited_for)


def _begin_group(_state: ExecutionState, activity: Activity, body: GroupPlan, now: float) -> AnyEvent:
    deadline_at = _deadline(activity, body.timeout_seconds, now)
    waited_for = activity.waited_for()
    return GroupStarted(at=now, task=activity.path, deadline_at=deadline_at, waited_for=waited_for)


def _begin_workflow(
    _state: ExecutionState, activity: Activity, body: SubworkflowPlan, now: float
) -> AnyEvent:
    value, child = input_of(activity, body), body.plan
    mismatch = find_mismatch(
        child.input_validator,
        value,
        what=f"the input of workflow {child.workflow}",
        code=FailureCode.INPUT_MISMATCH,
        source=source_of_values(activity),
        task=activity.path,
    )
    if mismatch is not None:
        return TaskFailed(at=now, task=activity.path, attempt=0, failure=mismatch)
    deadline_at = min(_deadline(activity, body.timeout_seconds, now), now + child.deadline_seconds)
    return SubworkflowStarted(
        at=now,
        task=activity.path,
        workflow=child.workflow,
        version=child.version,
        digest=child.digest,
        deadline_at=deadline_at,
        waited_for=activity.waited_for(),
    )


def _deadline(activity: Activity, timeout_seconds: float | None, now: float) -> float:
    return (
        activity.deadline_at if timeout_seconds is None else min(activity.deadline_at, now + timeout_seconds)
    )


def _equal(value: Json, literal: Json) -> bool:
    """Whether two JSON values are equal: Python takes `true` for 1, JSON does not."""
    return value == literal and isinstance(value, bool) == isinstance(literal, bool)


def _shown(value: Json) -> str:
    text = msgspec.json.encode(value).decode()
    most = 80
    return text if len(text) <= most else text[:most] + "..."


def _answer(response: ResponsePlan, scope: Scope) -> Answer:
    status = response.status(scope)
    if not isinstance(status, int) or isinstance(status, bool) or status not in _STATUSES:
        raise TemplateError("status", "a response's status is a whole number from 200 to 599")
    content_type = None if response.content_type is None else response.content_type(scope)
    body: Any = msgspec.UNSET if response.body is None else response.body(scope)
    if not response.is_json and not isinstance(body, str):
        raise TemplateError("body", f"a response of type {content_type} needs a text as its body")
    return Answer(
        status=status,
        headers={name: value(scope) for name, value in response.headers},
        content_type=content_type or "application/json",
        body=body,
        is_json=response.is_json,
    )


_STATUSES: Final = range(200, 600)
_WHAT: Final[dict[type, str]] = {
    ValuePlan: "the fallback",
    SwitchPlan: "the value of the switch",
    ForEachPlan: "the items",
    GroupPlan: "the tasks",
    SubworkflowPlan: "the input",
}
_BEGIN: Final[dict[type, Callable[[ExecutionState, Activity, Any, float], AnyEvent]]] = {
    ValuePlan: _take_value,
    SwitchPlan: _begin_switch,
    ForEachPlan: _begin_loop,
    GroupPlan: _begin_group,
    SubworkflowPlan: _begin_workflow,
}
