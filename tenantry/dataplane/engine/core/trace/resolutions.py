"""What the templates of an execution's tasks came to: found again by folding its events, nothing is stored.

A template reads what ended before it was evaluated, so folding up to that moment gives it the same value as
then. Secrets, which are nowhere in the events, are masked on the way in.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tenantry.dataplane.engine.core.events import (
    ConditionEvaluated,
    ForEachStarted,
    GroupStarted,
    SubworkflowStarted,
    SwitchMatched,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
    WorkflowRetried,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.trace.model import Resolution, Templates
from tenantry.dataplane.engine.core.trace.shortening import shorten
from tenantry.language.plan.model import CallPlan, SubworkflowPlan, SwitchPlan, ValuePlan
from tenantry.language.plan.resolving import MASK
from tenantry.language.templates.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.dataplane.engine.core.activity import Activity
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.templates.scope import Evaluator
    from tenantry.language.values import Json


class TaskKey(NamedTuple):
    """A task of an execution: the run, counted from 1, and the path."""

    run: int
    path: str


def resolutions(
    events: Iterable[AnyEvent], state: ExecutionState, wanted: Iterable[TaskKey]
) -> dict[TaskKey, Templates]:
    """The templates of the wanted tasks.

    Args:
        events: all of the execution, in order.
        state: a new one of the execution's own plan; the events are folded into it.
        wanted: tasks that its trace tells of.
    """
    finder = Resolutions(state, wanted)
    finder.add(events)
    return finder.found


class Resolutions:
    """Templates being found: events go in in their order, in portions, and need not be kept.

    Attributes:
        found: what is known by now, by task.
    """

    def __init__(self, state: ExecutionState, wanted: Iterable[TaskKey]) -> None:
        self._state = state
        self._pending = set(wanted)
        self.found: dict[TaskKey, Templates] = {key: Templates() for key in self._pending}
        self._mask()

    @property
    def complete(self) -> bool:
        """Whether no later event can tell more."""
        return not self._pending

    def add(self, events: Iterable[AnyEvent]) -> None:
        """Folds the events that come next."""
        for event in events:
            if self.complete:
                return
            if type(event) in _TELLING:
                self._look(event)
            evolve(self._state, event)
            if isinstance(event, WorkflowRetried):
                self._mask()  # it begins with a new scope

    def _mask(self) -> None:
        """Whatever secret is asked for, there is one, and it is the mask."""
        self._state.scope.secrets = defaultdict(lambda: MASK)

    def _look(self, event: Any) -> None:
        key = TaskKey(self._state.run, event.task)
        activity = self._state.activities.get(event.task)
        if key in self._pending and activity is not None:
            _look_at(self._state, activity, event, self.found[key])
            if type(event) not in _MORE_FOLLOWS:
                self._pending.remove(key)


def _look_at(state: ExecutionState, activity: Activity, event: Any, templates: Templates) -> None:
    """Notes what an event tells, before it is folded."""
    body = activity.body
    match event:
        case ConditionEvaluated():
            templates.condition = _told(activity.plan.condition_text, event.result)
        case ForEachStarted():
            templates.items = _told(body.text)
            templates.items.count = event.item_count
        case TaskStarted() if event.task in state.inputs:
            templates.input = _told(body.input, state.inputs[event.task])
            templates.input.given = True
        case TaskFailed():
            _look_at_failure(activity, templates)
        case SwitchMatched() | SubworkflowStarted() | TaskStarted() | TaskCompleted(reused=False):
            _look_at_body(activity, body, templates)


def _look_at_failure(activity: Activity, templates: Templates) -> None:
    """Something could not be begun: perhaps because of a template."""
    plan = activity.plan
    if plan.condition is not None and activity.condition is None and not activity.fell_back:
        templates.condition = _evaluated(plan.condition_text, plan.condition, activity)
    else:
        _look_at_body(activity, activity.body, templates)


def _look_at_body(activity: Activity, body: Any, templates: Templates) -> None:
    match body:
        case CallPlan() | SubworkflowPlan():
            templates.input = _evaluated(body.input, body.bind, activity)
        case ValuePlan():
            templates.value = _evaluated(body.value, body.evaluate, activity)
        case SwitchPlan():
            templates.switch = _evaluated(body.text, body.value, activity)
        case _:  # a loop: nested tasks have no templates of their own, and always begin
            templates.items = _evaluated(body.text, body.items, activity)


def _evaluated(written: Json, evaluate: Evaluator, activity: Activity) -> Resolution:
    try:
        return _told(written, evaluate(activity.scope))
    except TemplateError as error:
        found = _told(written)
        found.unresolved = str(error)
        return found


def _told(written: Json, resolved: Json | msgspec.UnsetType = msgspec.UNSET) -> Resolution:
    shown, cut = shorten(written)
    if resolved is msgspec.UNSET:
        return Resolution(shown, cut=cut)
    value, value_cut = shorten(resolved)
    return Resolution(shown, value, cut=cut or value_cut)


_MORE_FOLLOWS: Final[frozenset[type]] = frozenset((ConditionEvaluated, SwitchMatched))
_TELLING: Final = _MORE_FOLLOWS | {
    ForEachStarted,
    GroupStarted,
    SubworkflowStarted,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
}
"""Events of which a task has one, but for those that more of its templates follow: then nothing is left."""
