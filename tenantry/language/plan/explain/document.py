"""A plan as JSON: what an outline says, in the words of the documents. Dry runs add to it what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.plan.model import (
    CallPlan,
    GroupPlan,
    HttpRequestPlan,
    SubworkflowPlan,
    SwitchPlan,
)
from tenantry.language.plan.outline import Role, outline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.plan.model import ForEachPlan, Plan
    from tenantry.language.plan.outline import Outline, Part

_DIGITS: Final = 6


def explain_json(plan: Plan) -> dict[str, Any]:
    """A plan as a JSON object.

    `workflow`, `version`, `deadlineSeconds` and `worstCaseSeconds`, with `atLeast` when it may take longer
    because nobody knows how many items a loop has, and one round of them is counted; `groups` of ids that
    may run together and `order`, both of the workflow's own steps; `criticalPath`, those of them that make
    the worst case; `edges`, each `{from, to}`: what a step waits for; and `nodes`, from the outside in. A
    node has

    - `id`, `parent` (the id of the node around it, or null) and `role`: `step`, or `case`, `default`, `else`,
      `fallback` or `compensate` of its parent;
    - `kind` and, by kind: `task` with its name as `task`, its `type`, `timeoutSeconds` and `maxAttempts`;
      `workflow` with `workflow`, `version`, and whether its steps follow as `opened`; `switch` with `switch`,
      the value as it is written; `tasks`; `value` with `value`;
    - `forEach` (`items`, `itemVar`, `maxParallel`, `maxItems`, `onItemFailure`) when it is a loop;
    - `condition` as it is written, or null, and `filtersItems` when it is asked of every item;
    - of a step `group`, `dependencies` and `optional`; of a case `match`;
    - `startSeconds` (null where that has no place on the time axis), `worstCaseSeconds`, `atLeast` and
      `critical`.
    """
    drawn = outline(plan)
    return {**frame(drawn), "nodes": [node for part in drawn.parts for node in _nodes(part, None)]}


def frame(outlined: Outline) -> dict[str, Any]:
    """All of a plan's JSON but its nodes."""
    plan = outlined.plan
    return {
        "workflow": plan.workflow,
        "version": plan.version,
        "deadlineSeconds": plan.deadline_seconds,
        "worstCaseSeconds": round(outlined.seconds, _DIGITS),
        "atLeast": outlined.at_least,
        "groups": [list(group) for group in plan.graph.groups],
        "order": [step for group in plan.graph.groups for step in group],
        "criticalPath": [part.id for part in critical_steps(outlined)],
        "edges": [{"from": before, "to": part.id} for part in outlined.walk() for before in part.waits_for],
    }


def describe(part: Part, parent: str | None) -> dict[str, Any]:
    """A part as a node."""
    node: dict[str, Any] = {"id": part.id, "parent": parent, "role": part.role.value, **_kind(part)}
    if part.loop is not None:
        node["forEach"] = _loop(part.loop)
    node["condition"] = part.condition_text or None
    if part.filters:
        node["filtersItems"] = True
    if part.role is Role.STEP:
        node |= {"group": part.group, "dependencies": list(part.waits_for), "optional": part.optional}
    if part.role is Role.CASE:
        node["match"] = part.match
    start = part.start_seconds
    node["startSeconds"] = None if start is None else round(start, _DIGITS)
    return node | {
        "worstCaseSeconds": round(part.seconds, _DIGITS),
        "atLeast": part.at_least,
        "critical": part.critical,
    }


def critical_steps(outlined: Outline) -> Iterable[Part]:
    """The workflow's own steps on its longest path, in their order."""
    steps = (part for part in outlined.parts if part.critical)
    return sorted(steps, key=lambda part: part.group or 0)


def _nodes(part: Part, parent: str | None) -> Iterable[dict[str, Any]]:
    yield describe(part, parent)
    for inner in part.parts:
        yield from _nodes(inner, part.id)


def _kind(part: Part) -> dict[str, Any]:
    body = part.body
    match body:
        case CallPlan():
            return {"kind": "task", **_call(body)}
        case SubworkflowPlan(plan=plan):
            opened = any(inner.role is Role.STEP for inner in part.parts)
            return {
                "kind": "workflow",
                "workflow": plan.workflow,
                "version": plan.version,
                "opened": opened,
            }
        case SwitchPlan(text=value):
            return {"kind": "switch", "switch": value}
        case GroupPlan():
            return {"kind": "tasks"}
        case _:
            return {"kind": "value", "value": body.value}


def _call(call: CallPlan) -> dict[str, Any]:
    return {
        "task": call.task.name,
        "type": "http" if isinstance(call.task.action, HttpRequestPlan) else "transform",
        "timeoutSeconds": call.timeout_seconds,
        "maxAttempts": call.retry.max_attempts,
    }


def _loop(loop: ForEachPlan) -> dict[str, Any]:
    return {
        "items": loop.text,
        "itemVar": loop.variable,
        "maxParallel": loop.max_parallel,
        "maxItems": loop.max_items,
        "onItemFailure": "continue" if loop.tolerant else "fail",
    }
