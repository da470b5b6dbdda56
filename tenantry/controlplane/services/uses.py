"""What uses what: the tasks and workflows a definition refers to, and who is concerned by a change. Pure.

A use is written `Kind/name`, and for a workflow in a chosen version `Workflow/name@selector`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tenantry.language.graph.actions import task_refs, workflow_refs
from tenantry.language.validation.library import workflow_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenantry.language.documents.model import Workflow

WORKFLOW: Final = "Workflow"
TASK: Final = "WorkflowTask"


def uses_of(workflow: Workflow) -> list[str]:
    """Everything the workflow refers to, once, sorted."""
    home, steps = workflow.metadata.namespace, workflow.spec.tasks
    tasks = {f"{TASK}/{name}" for name in task_refs(steps)}
    workflows = {f"{WORKFLOW}/{workflow_key(reference, home)}" for reference in workflow_refs(steps)}
    return sorted(tasks | workflows)


def pins_of(uses: Iterable[str]) -> set[str]:
    """The references among the uses that choose a version, such as `billing/invoice@v2`."""
    return {use.removeprefix(f"{WORKFLOW}/") for use in uses if "@" in use}


def used_by(start: Iterable[str], uses: Mapping[str, Iterable[str]]) -> set[str]:
    """Everything that these use, at any distance.

    Args:
        start: as uses are written.
        uses: what each one uses, by what it is called itself when it is used.
    """
    reached: set[str] = set()
    pending = list(start)
    while pending:
        fresh = set(uses.get(pending.pop(), ())) - reached
        reached |= fresh
        pending += fresh
    return reached


def users_of(start: Iterable[str], uses: Mapping[str, Iterable[str]]) -> set[str]:
    """Everything that uses one of these, at any distance; the arguments are those of `used_by`."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    for user, used in uses.items():
        for one in used:
            users[one].append(user)
    return used_by(start, users)
