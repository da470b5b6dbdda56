"""The workflows a workflow runs: whether they are there, whether they end, and what they give."""

from __future__ import annotations

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
    from tenantry.language.validation.memory import Result


class Subworkflows:
    """The workflows that one workflow runs.

    Attributes:
        can_run: none of them is wrong, nor any below, as far as they have been looked at.
    """

    def __init__(self, workflow: Workflow, library: Library, infer: Callable[[Workflow], Result]) -> None:
        """Nothing is looked at yet.

        Args:
            workflow: the one being judged.
            library: where the others are.
            infer: follows a workflow.
        """
        self._name = workflow.name
        self._home = workflow.metadata.namespace
        self._library = library
        self._infer = infer
        self._own = _refers_to(workflow)
        self._back = self._ways_back()
        self.can_run = True

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
        self.can_run = False
        return None

    def output_of(self, reference: str) -> Any:
        """The schema of what a workflow gives that `find` has found."""
        key = workflow_key(reference, self._home)
        results = self._library.memory.results
        if key not in results:
            results[key] = self._infer(self._library.workflows[key])
        self.can_run &= results[key].can_run
        return results[key].schema

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
        if key == self._name:
            return self._own
        known = self._library.memory.references
        if key not in known:
            workflow = self._library.workflows.get(key)
            known[key] = () if workflow is None else _refers_to(workflow)
        return known[key]

    def _cycle(self, key: str) -> tuple[str, ...]:
        """A cycle that running a workflow here leads into, back to this one if there is such a one."""
        if key in self._back:
            cycle = [self._name, key]
            while cycle[-1] != self._name:
                cycle.append(self._back[cycle[-1]])
            return tuple(cycle)
        known = self._library.memory.cycles
        if key not in known:
            cycles = Graph.of(self._reached(key)).cycles()
            known[key] = cycles[0][::-1] if cycles else ()  # a graph draws what runs first first
        return known[key]

    def _reached(self, *keys: str) -> dict[str, tuple[str, ...]]:
        """What some workflows run, at any depth: each with what it refers to."""
        reached: dict[str, tuple[str, ...]] = {}
        waiting = list(keys)
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached[name] = self._refers(name)
                waiting += reached[name]
        return reached

    def _ways_back(self) -> dict[str, str]:
        """Each workflow that leads back to this one, with what it runs on the shortest way."""
        users: dict[str, list[str]] = {}
        for name, references in self._reached(*self._own).items():
            for reference in references:
                users.setdefault(reference, []).append(name)
        back: dict[str, str] = {}
        level = [self._name]
        while level:
            found = {user: name for name in level for user in users.get(name, ()) if user not in back}
            back |= found
            level = list(found)
        return back

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
