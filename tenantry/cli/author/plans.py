"""Plans of workflows that are in files: compiled with everything they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.graph.actions import task_refs, workflow_refs
from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.validation.library import workflow_key

if TYPE_CHECKING:
    from tenantry.language.documents.model import Workflow
    from tenantry.language.plan.model import Plan
    from tenantry.language.validation import Library


class Plans:
    """Compiles workflows of a library in which validation finds no error; each of them once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._plans: dict[str, Plan] = {}

    def plan(self, workflow: Workflow) -> Plan:
        """The plan of a workflow; its version is 0, because nothing has stored it."""
        if workflow.name not in self._plans:
            self._plans[workflow.name] = self._compile(workflow)
        return self._plans[workflow.name]

    def _compile(self, workflow: Workflow) -> Plan:
        steps, library = workflow.spec.tasks, self._library
        tasks = {name: compile_task(library.tasks[name], "") for name in set(task_refs(steps))}
        home = workflow.metadata.namespace
        children = {
            reference: self.plan(library.workflows[workflow_key(reference, home)])
            for reference in workflow_refs(steps)
        }
        return compile_workflow(workflow, tasks, children, version=0, digest="")
