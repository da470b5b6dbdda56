"""How many items a loop can have, as far as documents say: the deadline and the work budget count with it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.graph.actions import inner_actions
from tenantry.language.schemas.checking import check
from tenantry.language.schemas.lookup import Found, lookup
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.parser import parse_template
from tenantry.language.templates.roots import PARENT, ROOT
from tenantry.language.validation.readable import output_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.documents.model import Action, ForEach, Step, Workflow
    from tenantry.language.templates.model import Reference
    from tenantry.language.validation.library import Library

    Loops = tuple[ForEach, ...]

_NOTHING: Final[dict[str, Any]] = {}
_MAX_HOPS: Final = 20
"""Lists made of lists that are looked through: wrong documents may make them of each other."""


class ItemCounts:
    """The most items of the loops of one workflow."""

    def __init__(self, workflow: Workflow, library: Library) -> None:
        self._spec = workflow.spec
        self._tasks = library.tasks

    def most(self, loop: ForEach, around: Loops, hops: int = 0) -> int | None:
        """The most items a loop can have.

        Args:
            loop: of the workflow.
            around: the loops it stands in, outermost first.
            hops: how many lists were looked through on the way here.

        Returns:
            `None` when neither `maxItems` nor the list itself nor its schema says so.
        """
        written = loop.max_items if "max_items" in loop.model_fields_set else None
        bounds = [bound for bound in (written, self._length(loop, around, hops)) if bound is not None]
        return min(bounds, default=None)

    def _length(self, loop: ForEach, around: Loops, hops: int) -> int | None:
        """What is known of the list by itself."""
        if isinstance(loop.items, list):
            return len(loop.items)
        reference = _whole(loop.items)
        if reference is None or hops >= _MAX_HOPS:
            return None
        known = self._length_of(reference, around, hops + 1)
        if isinstance(reference.default, list) and known is not None:
            return max(known, len(reference.default))
        return known

    def _length_of(self, reference: Reference, around: Loops, hops: int) -> int | None:
        if reference.root == "tasks" and (loops := self._loops_behind(reference)) is not None:
            *outer, own = loops
            return self.most(own, tuple(outer), hops)
        most = self._schema_of(reference, around).get("maxItems")
        return None if most is None else int(most)

    def _loops_behind(self, reference: Reference) -> Loops | None:
        """The loops around a step and its own, when the reference reads the outputs of its items."""
        step, around = self._steps.get(str(reference.path[0]), (None, ()))
        if step is None or step.for_each is None or reference.path[1:] not in _OUTPUTS:
            return None
        gives_list = step.condition is None or step.condition.else_ is None
        return (*around, step.for_each) if gives_list else None

    def _schema_of(self, reference: Reference, around: Loops) -> dict[str, Any]:
        """What is known of a value; nothing, mostly."""
        if reference.root == "input":
            return _follow(self._input, reference.path)
        if reference.root == "forEach":
            return self._item_schema(reference, around)
        if reference.root == "tasks" and reference.path[1] == "output":
            step, _ = self._steps.get(str(reference.path[0]), (None, ()))
            if step is not None and _is_plain(step) and (task := self._tasks.get(step.task_ref or "")):
                return _follow(output_schema(task), reference.path[2:])
        return _NOTHING

    def _item_schema(self, reference: Reference, around: Loops) -> dict[str, Any]:
        path, loops = reference.path, around
        if path[0] == ROOT:
            path, loops = path[1:], around[:1]
        while path[0] == PARENT:
            path, loops = path[1:], loops[:-1]
        for depth in range(len(loops) - 1, -1, -1):
            if loops[depth].item_var == path[0]:
                source = _whole(loops[depth].items)
                if source is None:
                    break
                schema = self._schema_of(source, loops[:depth])
                return _follow(schema.get("items", _NOTHING), path[1:])
        return _NOTHING

    @cached_property
    def _steps(self) -> dict[str, tuple[Step, Loops]]:
        """Every step by id, with the loops around it."""
        found: dict[str, tuple[Step, Loops]] = {}
        for step, around in _steps_in(self._spec.tasks, ()):
            found.setdefault(step.id, (step, around))
        return found

    @cached_property
    def _input(self) -> Any:
        return _NOTHING if check(self._spec.input) else self._spec.input


_OUTPUTS: Final = (("output",), ("forEach", "outputs"))


def _whole(items: Any) -> Reference | None:
    """The one reference that the list comes from."""
    try:
        return parse_template(items).whole if isinstance(items, str) else None
    except TemplateSyntaxError:
        return None


def _is_plain(step: Step) -> bool:
    """Whether the output of a step, if there is one, is always that of its task."""
    has_else = step.condition is not None and step.condition.else_ is not None
    return step.for_each is None and step.fallback is None and not has_else


def _follow(schema: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
    found = lookup(schema, path)
    return found.schema if isinstance(found, Found) and isinstance(found.schema, dict) else _NOTHING


def _steps_in(steps: Iterable[Step], around: Loops) -> Iterator[tuple[Step, Loops]]:
    for step in steps:
        yield step, around
        yield from _steps_inside(step, around)


def _steps_inside(action: Action, around: Loops) -> Iterator[tuple[Step, Loops]]:
    inside = around if action.for_each is None else (*around, action.for_each)
    yield from _steps_in(action.tasks or (), inside)
    for inner in inner_actions(action):
        yield from _steps_inside(inner, inside)
