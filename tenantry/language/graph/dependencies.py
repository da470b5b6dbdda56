"""What a step waits for: what its `dependsOn` names, and every task outside it that its templates read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.graph.actions import inner_actions, nested_steps
from tenantry.language.templates.conditions import parse_condition
from tenantry.language.templates.parser import references
from tenantry.language.templates.roots import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.documents.model import Action, ForEach, Step
    from tenantry.language.templates.conditions import Condition
    from tenantry.language.templates.model import Reference
    from tenantry.language.values import Json


def dependencies(step: Step) -> tuple[str, ...]:
    """Ids of the steps a valid step waits for, each once, in the order they are named.

    What stands inside a step, in its cases and nested tasks, is waited for by the step as a whole. Its
    compensation runs after it has ended, and waits for nothing.

    Raises:
        TemplateSyntaxError: one of its conditions is none.
    """
    found = dict.fromkeys((*step.depends_on, *tasks_read(reads(step))))
    for nested in nested_steps(step):
        found.pop(nested.id, None)
    return tuple(found)


def tasks_read(references: Iterable[Reference]) -> Iterator[str]:
    """Ids of the tasks that references read."""
    return (str(reference.path[0]) for reference in references if reference.root == "tasks")


def reads_item(condition: Condition, loop: ForEach) -> bool:
    """Whether a condition on a step asks about the item of the step's own loop: then it filters the items."""
    return any(
        reference.root == "forEach" and reference.path[0] in {loop.item_var, INDEX}
        for reference in condition.references
    )


def reads(step: Step) -> Iterator[Reference]:
    """Every reference of a step to its surroundings or to what is inside it, but for its compensation's."""
    if step.condition is not None:
        yield from parse_condition(step.condition.if_).references
    if step.fallback is not None:
        yield from _references(step.fallback.input, step.fallback.value)
    yield from _action_reads(step)


def _action_reads(action: Action) -> Iterator[Reference]:
    yield from _references(action.input, action.output)
    if action.for_each is not None:
        yield from _references(action.for_each.items)
    if action.switch is not None:
        yield from _references(action.switch.value)
    for step in action.tasks or ():
        yield from reads(step)
    for inner in inner_actions(action):
        yield from _action_reads(inner)


def _references(*values: Json) -> Iterator[Reference]:
    return (reference for value in values for _, reference in references(value))
