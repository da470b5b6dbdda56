"""Dry runs: what a plan would do with an input, as far as it can be known without calling anything. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.plan.explain.document import describe, frame
from tenantry.language.plan.model import (
    CallPlan,
    HttpRequestPlan,
    SubworkflowPlan,
    SwitchPlan,
    ValuePlan,
)
from tenantry.language.plan.outline import Role, outline
from tenantry.language.plan.resolving import Budget, Resolver, is_known, plain
from tenantry.language.templates import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.plan.model import ForEachPlan, Plan
    from tenantry.language.plan.outline import Part
    from tenantry.language.values import Json

FIRST_ITEMS: Final = 5
"""Items of a list that are shown."""


def preview(plan: Plan, value: Json, *, tenant: str) -> dict[str, Any]:
    """What an execution of the plan would do.

    Args:
        plan: the compiled workflow.
        value: the input, already valid.
        tenant: name of the tenant.

    Returns:
        A JSON object: that of `explain_json`, whose nodes say in addition, as far as it is known,

        - `runs`: true, false, or null when it is not known: whether this is done, once what is around it is;
        - of a task and a workflow `input`; of an HTTP task `request` (`method`, `url`, `headers`, `query`,
          `body`); of a switch, and of a value, `value`;
        - in `forEach`: `itemCount`, or null; and `firstItems`, the first few as `{index, item}`, with `runs`
          where a condition filters them. What is inside a loop is shown for its first item.

        What cannot be known yet is shown as the template it is written as, and secrets as `***`.
    """
    outlined = outline(plan)
    scope = Scope(input=value, workflow_name=plan.workflow, tenant_name=tenant)
    resolver = Resolver(scope, Budget())
    nodes = [
        node
        for part in outlined.parts
        for node in _Previewed(part, resolver).nodes(None, runs=_runs(part, resolver))
    ]
    return {**frame(outlined), "nodes": plain(nodes)}


class _Previewed:
    """A part with what is known of it."""

    def __init__(self, part: Part, resolver: Resolver) -> None:
        self._part, self._around = part, resolver
        self._items = None if part.loop is None else _items(part.loop, resolver)
        self._inside = resolver if part.loop is None else resolver.of_item(part.loop.variable, self._items)
        self._shown = dict(_body(part, self._inside))

    def nodes(self, parent: str | None, *, runs: bool | None) -> Iterator[dict[str, Any]]:
        """Its node and those of what is inside."""
        part = self._part
        node = {**describe(part, parent), "runs": runs, **self._shown}
        if part.loop is not None:
            node["forEach"] = {**node["forEach"], **self._loop(part.loop)}
        yield node
        chosen = self._chosen()
        for inner in part.parts:
            resolver = self._resolver_of(inner)
            within = chosen.get(inner.id) if inner.role is not Role.STEP else _runs(inner, resolver)
            yield from _Previewed(inner, resolver).nodes(part.id, runs=within)

    def _loop(self, loop: ForEachPlan) -> dict[str, Any]:
        items = self._items
        if items is None:
            return {"itemCount": None, "firstItems": []}
        first = [{"index": index, "item": item} for index, item in enumerate(items[:FIRST_ITEMS])]
        if self._part.filters:
            for index, shown in enumerate(first):
                inside = self._around.of_item(loop.variable, items, index)
                shown["runs"] = inside.holds(self._part.condition_text)
        return {"itemCount": len(items), "firstItems": first}

    def _resolver_of(self, inner: Part) -> Resolver:
        part = self._part
        if inner.role is Role.STEP and isinstance(part.body, SubworkflowPlan):
            return self._inside.of_child(self._shown["input"], part.body.plan.workflow)
        if inner.role is Role.ELSE and not part.filters:
            return self._around
        return self._inside

    def _chosen(self) -> dict[str, bool | None]:
        """By id, which branches are taken; nothing of those that depend on more than values."""
        part = self._part
        chosen: dict[str, bool | None] = {}
        resolver = self._inside if part.filters else self._around
        for inner in part.parts:
            if inner.role is Role.ELSE:
                holds = resolver.holds(part.condition_text)
                chosen[inner.id] = None if holds is None else not holds
        if isinstance(part.body, SwitchPlan) and is_known(self._shown["value"]):
            ways = [inner for inner in part.parts if inner.role in {Role.CASE, Role.DEFAULT}]
            fits = (
                way for way in ways if way.role is Role.DEFAULT or _equal(self._shown["value"], way.match)
            )
            first = next(fits, None)
            chosen |= {way.id: way is first for way in ways}
        return chosen


def _runs(step: Part, resolver: Resolver) -> bool | None:
    """Whether a step is done; the filter of its items says nothing of the step itself."""
    if step.filters or not step.condition_text:
        return True
    return resolver.holds(step.condition_text)


def _items(loop: ForEachPlan, resolver: Resolver) -> list[Json] | None:
    items = resolver.resolve(loop.text)
    return items if isinstance(items, list) else None


def _body(part: Part, resolver: Resolver) -> Iterator[tuple[str, Any]]:
    match part.body:
        case CallPlan(input=given, task=task):
            resolved = resolver.resolve(given)
            yield "input", resolved
            if isinstance(task.action, HttpRequestPlan) and task.action.source is not None:
                yield "request", resolver.request(task.action.source, resolved)
        case SubworkflowPlan(input=given):
            yield "input", resolver.resolve(given)
        case SwitchPlan(text=text) | ValuePlan(value=text):
            yield "value", resolver.resolve(text)


def _equal(left: Json, right: Json) -> bool:
    # In Python True == 1.
    return left == right and isinstance(left, bool) == isinstance(right, bool)
