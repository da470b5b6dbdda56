"""The workflows a workflow runs: whether they are there, whether they end, and what they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenantry.language.codes import Code
from tenantry.language.graph.actions import workflow_refs
from tenantry.language.graph.graph import Graph, draw
from tenantry.language.validation.library import MAX_WORKFLOW_DEPTH, workflow_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.model import Workflow
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.library import Library


@dataclass(slots=True)
class Below:
    """What has been found out about the workflows below one, at any depth.

    Attributes:
        outputs: schemas of what they give, by their names in the library.
        can_run: none of them is wrong, as far as they have been looked at.
    """

    outputs: dict[str, Any] = field(default_factory=dict)
    can_run: bool = True


class Subworkflows:
    """The workflows that one workflow runs."""

    def __init__(
        self, workflow: Workflow, library: Library, below: Below, infer_output: Callable[[Workflow], Any]
    ) -> None:
        """Nothing is looked at yet.

        Args:
            workflow: the one being judged.
            library: where the others are.
            below: takes what is found out.
            infer_output: finds out what a workflow gives.
        """
        self._name = workflow.name
        self._home = workflow.metadata.namespace
        self._library = library
        self._infer_output = infer_output
        self._below = below
        self._references: dict[str, tuple[str, ...]] = {workflow.name: _refers_to(workflow)}

    def find(self, reference: str, pointer: str, report: Report) -> Workflow | None:
        """The workflow that a `workflowRef` means; when it is not there, or may not be run, that is told."""
        key = workflow_key(reference, self._home)
        child = self._library.workflows.get(key)
        if cycle := self._cycle(key):
            message = f"{cycle[0]} would run itself: {draw(cycle)}"
            report.add(Code.WORKFLOW_CYCLE, message, pointer, suggestion="take out one of these references")
        elif child is None:
            self._tell_unknown(key, pointer, report)
        elif path := self._too_deep(key):
            message = f"there are more than {MAX_WORKFLOW_DEPTH} levels of workflows below: {draw(path)}"
            hint = "run the innermost workflows directly"
            report.add(Code.WORKFLOW_DEPTH, message, pointer, suggestion=hint)
        else:
            return child
        self._below.can_run = False
        return None

    def output_of(self, reference: str) -> Any:
        """The schema of what a workflow gives that `find` has found."""
        key = workflow_key(reference, self._home)
        outputs = self._below.outputs
        if key not in outputs:
            outputs[key] = self._infer_output(self._library.workflows[key])
        return outputs[key]

    def _tell_unknown(self, key: str, pointer: str, report: Report) -> None:
        name, _, selector = key.partition("@")
        known = {self._name, *self._library.workflows}
        if selector and (name in known or any(other.startswith(f"{name}@") for other in known)):
            selectors = sorted(other.partition("@")[2] for other in known if other.startswith(f"{name}@"))
            report.add(
                Code.UNKNOWN_VERSION,
                f'the workflow "{name}" has no version, label or hash "{selector}"',
                pointer,
                meant=(selector, selectors),
            )
        else:
            names = sorted({other.partition("@")[0] for other in known} - {self._name})
            report.add(Code.UNKNOWN_WORKFLOW, f'there is no workflow "{name}"', pointer, meant=(name, names))

    def _refers(self, key: str) -> tuple[str, ...]:
        if key not in self._references:
            workflow = self._library.workflows.get(key)
            self._references[key] = () if workflow is None else _refers_to(workflow)
        return self._references[key]

    def _cycle(self, key: str) -> tuple[str, ...]:
        """A cycle that running a workflow here leads into, back to this one if there is such a one."""
        below: dict[str, tuple[str, ...]] = {self._name: (key,)}
        waiting = [key]
        while waiting:
            name = waiting.pop()
            if name not in below:
                below[name] = self._refers(name)
                waiting += below[name]
        cycles = Graph.of(below).cycles()
        return cycles[0][::-1] if cycles else ()  # a graph draws what runs first first, the other way around

    def _too_deep(self, key: str) -> tuple[str, ...]:
        """The way down from a workflow to one that is too deep."""
        level: dict[str, tuple[str, ...]] = {key: (key,)}
        for _ in range(MAX_WORKFLOW_DEPTH):
            level = {below: (*path, below) for name, path in level.items() for below in self._refers(name)}
        return next(iter(level.values()), ())


def _refers_to(workflow: Workflow) -> tuple[str, ...]:
    """What the library calls the workflows that a workflow runs."""
    home = workflow.metadata.namespace
    return tuple(
        dict.fromkeys(workflow_key(reference, home) for reference in workflow_refs(workflow.spec.tasks))
    )
