"""The library: everything of its tenant that a workflow may refer to. Whoever validates fills it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tenantry.language.documents.words import parse_workflow_reference
from tenantry.language.validation.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenantry.language.documents.model import Workflow, WorkflowTask

MAX_LOOP_DEPTH: Final = 3
"""Loops inside loops, unless a tenant may do with more or less."""


MAX_WORKFLOW_DEPTH: Final = 5
"""Levels of workflows below a workflow."""


def _always(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """What a workflow may find in its tenant. Only valid documents stand in it.

    Attributes:
        tasks: every task, by name.
        workflows: by name within the tenant, and by `name@selector` for the selectors in use.
        is_allowed: whether the tenant may use a task of this name.
        secret_sources: the sources of secrets the tenant has a provider for.
        max_loop_depth: loops inside loops.
        memory: what judging its workflows has found out; it is no part of what a library is.
    """

    tasks: Mapping[str, WorkflowTask] = field(default_factory=dict)
    workflows: Mapping[str, Workflow] = field(default_factory=dict)
    is_allowed: Callable[[str], bool] = _always
    secret_sources: frozenset[str] = frozenset()
    max_loop_depth: int = MAX_LOOP_DEPTH
    memory: Memory = field(default_factory=Memory, init=False, compare=False, repr=False)

    def workflow(self, reference: str, home: str | None) -> Workflow | None:
        """The workflow that a valid `workflowRef` means in a workflow of the namespace `home`."""
        return self.workflows.get(workflow_key(reference, home))


def workflow_key(reference: str, home: str | None) -> str:
    """What `Library.workflows` calls the workflow that a `workflowRef` means: `namespace/name@selector`."""
    named = parse_workflow_reference(reference)
    return named.key(home) + (f"@{named.selector}" if named.selector else "")
