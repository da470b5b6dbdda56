"""What a step waits for: what its `dependsOn` names, and every task its templates read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.templates.conditions import parse_condition
from tenantry.language.templates.parser import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.documents.model import Step
    from tenantry.language.templates.model import Reference


def dependencies(step: Step) -> tuple[str, ...]:
    """Ids of the steps a valid step waits for, each once, in the order they are named.

    Raises:
        TemplateSyntaxError: its condition is none.
    """
    found = [*step.depends_on, *tasks_read(reference for _, reference in references(step.input))]
    if step.condition is not None:
        found += tasks_read(parse_condition(step.condition.if_).references)
    return tuple(dict.fromkeys(found))


def tasks_read(references: Iterable[Reference]) -> Iterator[str]:
    """Ids of the tasks that references read."""
    return (str(reference.path[0]) for reference in references if reference.root == "tasks")
