"""Plans made by hand: the engine's tests need no language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.language.plan.model import (
    ActionPlan,
    CallPlan,
    Durability,
    ForEachPlan,
    GroupPlan,
    HttpRequestPlan,
    Plan,
    RetryPolicy,
    StepPlan,
    TaskPlan,
    TransformPlan,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tenantry.language.plan.model import BodyPlan
    from tenantry.language.templates.scope import Predicate, Scope

NO_RETRY = RetryPolicy()


def transform(
    name: str = "identity", evaluate: Callable[[Any], Any] = lambda value: value, *, safe: bool = True
) -> TaskPlan:
    """A task that computes its output."""
    action = TransformPlan(evaluate=evaluate)
    return TaskPlan(name=name, digest=name, action=action, safe=safe, repeatable=safe)


def http(
    url: str, method: str = "GET", *, safe: bool = True, repeatable: bool = False, **options: Any
) -> TaskPlan:
    """A task that calls a fixed URL; what is safe is repeatable."""
    request = HttpRequestPlan(method=method, url=lambda _scope: url, **options)
    digest = f"{method} {url}"
    return TaskPlan(name="call", digest=digest, action=request, safe=safe, repeatable=safe or repeatable)


def unsafe() -> TaskPlan:
    """A task whose calls may not be repeated."""
    return http("http://x", "POST", safe=False)


def keyed() -> TaskPlan:
    """A task whose calls have effects, and an `Idempotency-Key` with which they may be repeated."""
    return http("http://x", "POST", safe=False, repeatable=True)


def call(task: TaskPlan | None = None, **options: Any) -> CallPlan:
    """A call of a task on the workflow's input."""
    return CallPlan(**{"task": task or transform(), "bind": lambda scope: scope.input, **options})


def loop(items: Any, body: BodyPlan | None = None, **options: Any) -> ForEachPlan:
    """A loop over the list, or over what the function gives; `condition` and the like are its action's."""
    inner = {name: options.pop(name) for name in (*options,) if name in ActionPlan.__slots__}
    action = ActionPlan(body=body or call(bind=lambda scope: scope.items["item"]), **inner)
    give = items if callable(items) else lambda _scope: items
    return ForEachPlan(**{"items": give, "variable": "item", "action": action, **options})


def group(
    dependencies: Mapping[str, Sequence[str]],
    actions: Mapping[str, ActionPlan | BodyPlan] | None = None,
    *,
    optional: Collection[str] = (),
    output: Callable[[Scope], Any] = lambda scope: dict(scope.outputs),
    timeout_seconds: float | None = None,
) -> GroupPlan:
    """A graph of the given steps, by id, each with the steps it depends on."""
    index = {step: position for position, step in enumerate(dependencies)}
    steps = tuple(
        StepPlan(
            index=position,
            id=step,
            action=_action((actions or {}).get(step) or call()),
            optional=step in optional,
            dependencies=tuple(index[before] for before in dependencies[step]),
            dependents=tuple(index[after] for after, needs in dependencies.items() if step in needs),
        )
        for step, position in index.items()
    )
    return GroupPlan(steps=steps, groups=(tuple(index),), render=output, timeout_seconds=timeout_seconds)


def workflow(graph: GroupPlan, **options: Any) -> Plan:
    """A workflow that is the graph."""
    return Plan(**{"workflow": "made-by-hand", "version": 1, "digest": "0" * 64, "graph": graph, **options})


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
    """A workflow of steps that each call a task."""
    actions = {
        step: ActionPlan(
            body=call(
                (tasks or {}).get(step),
                timeout_seconds=timeout_seconds,
                retry=(retries or {}).get(step, NO_RETRY),
            ),
            condition=(conditions or {}).get(step),
            condition_text="the condition",
        )
        for step in dependencies
    }
    return workflow(
        group(dependencies, actions, output=output),
        deadline_seconds=deadline_seconds,
        max_parallel=max_parallel,
        durability=durability,
    )


def _action(plan: ActionPlan | BodyPlan) -> ActionPlan:
    return plan if isinstance(plan, ActionPlan) else ActionPlan(body=plan)
