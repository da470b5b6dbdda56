"""Which fields of a task or workflow another one uses, so that a change can be told by what it breaks."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from tenantry.language.documents.model import Action, Step
from tenantry.language.graph.actions import all_actions
from tenantry.language.templates.parser import references
from tenantry.language.validation.changes import ChangeKind, Side
from tenantry.language.validation.demands import ITEM
from tenantry.language.validation.library import workflow_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tenantry.language.documents.model import Compensation, Fallback, Workflow
    from tenantry.language.validation.changes import Change
    from tenantry.language.values import Json

    Call: TypeAlias = Action | Fallback | Compensation
    Called: TypeAlias = Callable[[Call], bool]

FieldUse: TypeAlias = tuple[Side, tuple[str, ...]]
"""A field that is given or read, with everything in it; of no names, all of them may be."""


def fields_used(workflow: Workflow, spec: Json, called: Called) -> frozenset[FieldUse]:
    """The fields a workflow gives to a task or workflow that it uses, and those it reads of it.

    Args:
        workflow: a valid one.
        spec: its spec as written.
        called: which of its actions, fallbacks and compensations it is about.
    """
    actions = [*all_actions(workflow.spec.tasks)]
    calls = chain.from_iterable(map(_calls, actions))
    given = {(Side.INPUT, field) for call in calls if called(call) for field in _leaves(call.input)}
    steps = {action.id: action for action in actions if isinstance(action, Step)}
    read = {
        (Side.OUTPUT, _field(steps[str(reference.path[0])], reference.path, called))
        for _, reference in references(spec)
        if reference.root == "tasks" and _holds(steps[str(reference.path[0])], called)
    }
    return frozenset(given | read)


def calls_task(name: str) -> Called:
    """Says of a call whether it is of that task."""
    return lambda call: call.task_ref == name


def calls_workflow(key: str, home: str | None) -> Called:
    """Says of a call in a workflow of the namespace `home` whether it is of what `Library` calls `key`."""
    return lambda call: (
        isinstance(call, Action)
        and call.workflow_ref is not None
        and workflow_key(call.workflow_ref, home) == key
    )


def concerns(change: Change, uses: Iterable[FieldUse]) -> bool:
    """Whether a change is about one of the fields, or about something around or inside one."""
    # A field that must be given now concerns whoever gives anything beside it.
    field = change.field[:-1] if change.kind is ChangeKind.REQUIRED else change.field
    return any(
        side is change.kind.side and all(a == b for a, b in zip(path, field, strict=False))
        for side, path in uses
    )


def _calls(action: Action) -> Iterator[Call]:
    """The action itself, and what stands in for it or undoes it."""
    yield action
    if isinstance(action, Step):
        yield from (call for call in (action.fallback, action.compensate) if call is not None)


def _holds(step: Step, called: Called) -> bool:
    return any(map(called, chain.from_iterable(map(_calls, all_actions((step,))))))


def _field(step: Step, path: tuple[str | int, ...], called: Called) -> tuple[str, ...]:
    """What a path reads of what was called; all of it where loops, switches and nested tasks lie between."""
    if step.for_each is not None or not called(step):
        return ()
    return tuple(ITEM if isinstance(name, int) else name for name in path[2:])


def _leaves(value: Json) -> Iterator[tuple[str, ...]]:
    """The fields that are written out, down to where they are no objects or lists any more."""
    if isinstance(value, dict) and value:
        for name, child in value.items():
            yield from ((name, *field) for field in _leaves(child))
    elif isinstance(value, list) and value:
        for child in value:
            yield from ((ITEM, *field) for field in _leaves(child))
    else:
        yield ()
