"""The workflows that are gone through: three tasks each, small enough for every interleaving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.plan.model import ActionPlan, RetryPolicy
from tests.support.plans import call, group, keyed, transform, unsafe, workflow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tenantry.language.plan.model import BodyPlan, CallPlan, Plan, TaskPlan

TWICE: Final = RetryPolicy(max_attempts=2, initial_delay_seconds=0.0, jitter=False)
DEADLINE_SECONDS: Final = 30.0


def _call(task: TaskPlan) -> CallPlan:
    return call(task, bind=lambda _scope: None, retry=TWICE)


def _plan(
    edges: Mapping[str, Sequence[str]],
    actions: Mapping[str, ActionPlan | BodyPlan],
    optional: Collection[str] = (),
    most: int = 16,
) -> Plan:
    graph = group(edges, actions, optional=optional)
    return workflow(graph, deadline_seconds=DEADLINE_SECONDS, max_parallel=most)


_SAFE, _UNSAFE, _KEYED = _call(transform()), _call(unsafe()), _call(keyed())

SHAPES: Final[Mapping[str, Plan]] = {
    "chain": _plan({"a": [], "b": ["a"], "c": ["b"]}, {"a": _SAFE, "b": _UNSAFE, "c": _KEYED}),
    "fan-out": _plan({"a": [], "b": ["a"], "c": ["a"]}, {"a": _SAFE, "b": _UNSAFE, "c": _KEYED}),
    "fan-in": _plan({"a": [], "b": [], "c": ["a", "b"]}, {"a": _UNSAFE, "b": _SAFE, "c": _UNSAFE}),
    "optional": _plan({"a": [], "b": [], "c": ["b"]}, {"a": _KEYED, "b": _UNSAFE, "c": _SAFE}, ["b"]),
    "undone": _plan(
        {"a": [], "b": ["a"], "c": ["b"]},
        {"a": ActionPlan(body=_KEYED, compensate=_UNSAFE), "b": _UNSAFE, "c": _SAFE},
    ),
    "stood in for": _plan(
        {"a": [], "b": [], "c": ["a"]},
        {"a": ActionPlan(body=_UNSAFE, fallback=_KEYED), "b": _UNSAFE, "c": _SAFE},
        most=1,
    ),
}
"""By name. A call that is not safe may be repeated only where it carries a key."""
