"""The tree of a workflow's steps: where each stands, what is around it, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from tenantry.language.documents.model import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.documents.model import Action
    from tenantry.language.templates.model import Reference
    from tenantry.language.validation.texts import Texts

Because: TypeAlias = tuple[str, int | None]
"""What makes one step wait for another: a JSON pointer, and an offset when it is a template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A step in its place.

    Attributes:
        step: the step.
        pointer: of the step in the document.
        graph: pointer of the list of steps it stands in: they are one graph.
        around: the steps it is nested in, outermost first.
        waits: ids of the steps that it, or what is inside it, names or reads, each with the first place.
    """

    step: Step
    pointer: str
    graph: str
    around: tuple[Node, ...] = ()
    waits: dict[str, Because] = field(default_factory=dict)


class Tree:
    """All steps of a workflow.

    Attributes:
        nodes: in the order of the document.
        graphs: the steps of each graph, by its pointer.
        by_id: of two steps with one id, the first.
    """

    def __init__(self, steps: tuple[Step, ...], texts: Texts) -> None:
        self.nodes: list[Node] = []
        self.graphs: dict[str, list[Node]] = {}
        self.by_id: dict[str, Node] = {}
        self._texts = texts
        self._add(steps, "/spec/tasks", ())

    def _add(self, steps: tuple[Step, ...], graph: str, around: tuple[Node, ...]) -> None:
        self.graphs[graph] = []
        for index, step in enumerate(steps):
            node = Node(step=step, pointer=f"{graph}/{index}", graph=graph, around=around)
            self.nodes.append(node)
            self.graphs[graph].append(node)
            self.by_id.setdefault(step.id, node)
            for position, other in enumerate(step.depends_on):
                node.waits.setdefault(other, (f"{node.pointer}/dependsOn/{position}", None))
            for pointer, action in actions_in(step, node.pointer):
                self._note(node, self._reads(action, pointer))
                if action.tasks is not None:
                    self._add(action.tasks, f"{pointer}/tasks", (*around, node))

    def waited_for(self, node: Node) -> frozenset[str]:
        """Ids of the steps that have ended when a step begins, as far as it can read them."""
        found: set[str] = set()
        around = {other.step.id for other in node.around}
        waiting = [node, *node.around]
        while waiting:
            for name in waiting.pop().waits.keys() - found - around:
                other = self.by_id.get(name)
                if other is not None:
                    found.add(name)
                    waiting.append(other)
        return frozenset(found)

    def _reads(self, action: Action, pointer: str) -> Iterator[tuple[str, Reference]]:
        texts = self._texts
        yield from texts.references(action.input, f"{pointer}/input")
        yield from texts.references(action.output, f"{pointer}/output")
        if action.for_each is not None:
            yield from texts.references(action.for_each.items, f"{pointer}/forEach/items")
        if action.switch is not None:
            yield from texts.references(action.switch.value, f"{pointer}/switch/value")
        if isinstance(action, Step):
            if action.condition is not None:
                yield from texts.condition_references(action.condition.if_, f"{pointer}/condition/if")
            if action.fallback is not None:
                yield from texts.references(action.fallback.input, f"{pointer}/fallback/input")
                yield from texts.references(action.fallback.value, f"{pointer}/fallback/value")

    @staticmethod
    def _note(node: Node, references: Iterator[tuple[str, Reference]]) -> None:
        """A step reads what is inside it as well, in its `output`; that is nothing it waits for."""
        for pointer, reference in references:
            if reference.root == "tasks":
                because = (pointer, reference.offset)
                for reader in (node, *node.around):
                    reader.waits.setdefault(str(reference.path[0]), because)


def actions_in(action: Action, pointer: str) -> Iterator[tuple[str, Action]]:
    """The action, and those that may be done in its place, each with its JSON pointer."""
    yield pointer, action
    for place, inner in _alternatives(action, pointer):
        yield from actions_in(inner, place)


def _alternatives(action: Action, pointer: str) -> Iterator[tuple[str, Action]]:
    if action.switch is not None:
        for index, case in enumerate(action.switch.cases):
            yield f"{pointer}/switch/cases/{index}", case
        if action.switch.default is not None:
            yield f"{pointer}/switch/default", action.switch.default
    if isinstance(action, Step) and action.condition is not None and action.condition.else_ is not None:
        yield f"{pointer}/condition/else", action.condition.else_
