"""What the templates at a place may read, and what is known of it there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.templates.roots import INDEX, PARENT, ROOT
from tenantry.language.validation.facts import both
from tenantry.language.validation.kinds import nullable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.language.documents.model import WorkflowTask
    from tenantry.language.validation.facts import Facts

_RESPONSE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "body": UNTYPED,
    },
    "required": ["status", "headers", "body"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is known of a step's output before it runs.

    Attributes:
        schema: of the output, when the step completes.
        skippable: its condition may skip it, and then the output is null.
        optional: it may fail and the workflow goes on, and then the output is null.
        results: schema of `forEach`, for a step with a loop.
    """

    schema: Any
    skippable: bool = False
    optional: bool = False
    results: Any = None

    @property
    def statuses(self) -> tuple[str, ...]:
        """How the step may have ended when others read it."""
        ended = (("completed", True), ("skipped", self.skippable), ("failed", self.optional))
        return tuple(status for status, is_possible in ended if is_possible)

    @property
    def whole(self) -> Any:
        """Schema of the output, however the step ended."""
        return nullable(self.schema) if self.skippable or self.optional else self.schema


class Loop(NamedTuple):
    """A loop around a place: what its item is called, and the item's schema."""

    name: str
    item: Any


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a workflow, as its templates find them.

    Attributes:
        graphs: the graph each step stands in, by the step's id.
        outputs: what the steps give, by id; what is not there yet is not known.
    """

    graphs: Mapping[str, str] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """What templates at a place may read.

    Attributes:
        roots: the first names of paths that lead somewhere.
        input: schema of `input`.
        workflow: schema of `workflow.name`.
        steps: all steps of the workflow.
        graphs: the graphs whose steps can be read here.
        loops: the loops around, outermost first.
        facts: what the conditions around say.
    """

    roots: frozenset[str]
    input: Any = field(default_factory=lambda: UNTYPED)
    workflow: Any = field(default_factory=lambda: {"type": "string"})
    steps: Steps = field(default_factory=Steps)
    graphs: frozenset[str] = frozenset()
    loops: tuple[Loop, ...] = ()
    facts: Facts = field(default_factory=dict)

    def knowing(self, facts: Facts) -> Readable:
        """The same where more is known."""
        return replace(self, facts=both(self.facts, facts)) if facts else self

    def inside(self, graph: str) -> Readable:
        """What can be read among the steps of a graph nested here."""
        return replace(self, graphs=self.graphs | {graph})

    def of_item(self, loop: Loop) -> Readable:
        """What can be read for each item of a loop; what was known of other items by those names is not."""
        taken = {loop.name, INDEX, PARENT, ROOT}
        facts = {
            path: fact for path, fact in self.facts.items() if path[0] != "forEach" or path[1] not in taken
        }
        return replace(self, loops=(*self.loops, loop), facts=facts)


def output_schema(task: WorkflowTask) -> Any:
    """What a task says about its output; an HTTP task that gives the whole response need not say it."""
    if task.spec.output_schema is not None:
        return task.spec.output_schema
    return _RESPONSE if task.spec.type == "http" and task.spec.output == "response" else UNTYPED
