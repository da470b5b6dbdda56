"""The tree of actions in a workflow: what stands inside what. The graph, validation and bundles walk it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.documents.model import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.documents.model import Action


def inner_actions(action: Action) -> Iterator[Action]:
    """The actions that may be done in place of this one: those of its switch, and its `else`."""
    if action.switch is not None:
        yield from action.switch.cases
        if action.switch.default is not None:
            yield action.switch.default
    if isinstance(action, Step) and action.condition is not None and action.condition.else_ is not None:
        yield action.condition.else_


def all_actions(actions: Iterable[Action]) -> Iterator[Action]:
    """The actions and everything inside them, at any depth, in the order of the document."""
    for action in actions:
        yield action
        yield from all_actions(inner_actions(action))
        yield from all_actions(action.tasks or ())


def nested_steps(action: Action) -> Iterator[Step]:
    """Every step inside an action, at any depth."""
    return (inner for inner in all_actions((action,)) if isinstance(inner, Step) and inner is not action)


def task_refs(actions: Iterable[Action]) -> Iterator[str]:
    """Names of the tasks that actions use, fallbacks and compensations included, repeated as they are."""
    for action in all_actions(actions):
        if action.task_ref is not None:
            yield action.task_ref
        if isinstance(action, Step):
            if action.fallback is not None and action.fallback.task_ref is not None:
                yield action.fallback.task_ref
            if action.compensate is not None:
                yield action.compensate.task_ref


def workflow_refs(actions: Iterable[Action]) -> Iterator[str]:
    """References to the workflows that actions run, as they are written, repeated as they are."""
    return (action.workflow_ref for action in all_actions(actions) if action.workflow_ref is not None)
