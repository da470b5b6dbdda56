"""What of an execution's events is kept for its spans: when what happened, and none of the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.engine.core.events import (
    CompensationStarted,
    TaskCompleted,
    TaskStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowRecovered,
    WorkflowResumed,
    WorkflowRetried,
    WorkflowStarted,
    WorkflowSubmitted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.events import AnyEvent

MAX_EVENTS: Final = 20_000
"""Of an execution with more events only the whole is told, and how many tasks it had."""

_replace: Final = msgspec.structs.replace
_LIGHT: Final[dict[type, Callable[[Any], Any]]] = {
    WorkflowSubmitted: lambda event: _replace(event, input=None, inputs={}, reused={}),
    WorkflowRetried: lambda event: _replace(event, inputs={}),
    WorkflowCompleted: lambda event: _replace(event, output=None, answer=None),
    TaskCompleted: lambda event: _replace(event, output=None),
}
_OF_THE_WHOLE: Final = frozenset(
    (
        CompensationStarted,
        WorkflowCancelled,
        WorkflowCompleted,
        WorkflowFailed,
        WorkflowPaused,
        WorkflowRecovered,
        WorkflowResumed,
        WorkflowRetried,
        WorkflowStarted,
        WorkflowSubmitted,
    )
)


def lighten(events: list[AnyEvent]) -> tuple[list[AnyEvent], int]:
    """The events without values, and how many tasks are not among them."""
    left_out = 0
    if len(events) > MAX_EVENTS:
        left_out = sum(type(event) is TaskStarted and event.attempt == 1 for event in events)
        events = [event for event in events if type(event) in _OF_THE_WHOLE]
    return [_LIGHT[type(event)](event) if type(event) in _LIGHT else event for event in events], left_out
