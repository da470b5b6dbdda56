"""Plans made by hand: the engine's tests need no language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.language.plan.model import (
    Durability,
    HttpRequestPlan,
    Plan,
    RetryPolicy,
    StepPlan,
    TaskPlan,
    TransformPlan,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tenantry.language.templates.scope import Predicate, Scope

NO_RETRY = RetryPolicy()


def transform(
    name: str = "identity", evaluate: Callable[[Any], Any] = lambda value: value, *, safe: bool = True
) -> TaskPlan:
    """A task that computes its output."""
    return TaskPlan(name=name, action=TransformPlan(evaluate=evaluate), safe=safe)


def http(url: str, method: str = "GET", *, safe: bool = True, **options: Any) -> TaskPlan:
    """A task that calls a fixed URL."""
    request = HttpRequestPlan(method=method, url=lambda _scope: url, **options)
    return TaskPlan(name="call", action=request, safe=safe)


def make_plan(
    dependencies: Mapping[str, Sequence[str]],
    *,
    tasks: Mapping[str, TaskPlan] | None = None,
    conditions: Mapping[str, Predicate] | None = None,
    retries: Mapping[str, RetryPolicy] | None = None,
    timeout_seconds: float = 60.0,
    max_parallel: int = 16,
    deadline_seconds: float = 30.0,
    durability: Durability = Durability.JOURNALED,
    output: Callable[[Scope], Any] = lambda scope: dict(scope.outputs),
) -> Plan:
    """A plan of the given steps, by id, each with the steps it depends on."""
    index = {step: position for position, step in enumerate(dependencies)}
    steps = tuple(
        StepPlan(
            index=position,
            id=step,
            task=(tasks or {}).get(step) or transform(),
            bind=lambda scope: scope.input,
            condition=(conditions or {}).get(step),
            condition_text="the condition",
            dependencies=tuple(index[before] for before in dependencies[step]),
            dependents=tuple(index[after] for after, needs in dependencies.items() if step in needs),
            timeout_seconds=timeout_seconds,
            retry=(retries or {}).get(step, NO_RETRY),
        )
        for step, position in index.items()
    )
    return Plan(
        workflow="made-by-hand",
        version=1,
        digest="0" * 64,
        steps=steps,
        groups=(tuple(index),),
        render_output=output,
        deadline_seconds=deadline_seconds,
        max_parallel=max_parallel,
        durability=durability,
    )
