"""Attempts of single steps: a step made by hand, run by a runner, and how it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.ports import AttemptFailedError
from tenantry.language.templates.scope import Scope
from tests.support.plans import http, make_plan

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.dataplane.engine.ports import TaskRunner
    from tenantry.language.plan.model import StepPlan, TaskPlan


def step_of(task: TaskPlan, timeout_seconds: float = 10.0) -> StepPlan:
    """A step `call` that runs the task on the workflow's input."""
    return make_plan({"call": []}, tasks={"call": task}, timeout_seconds=timeout_seconds).steps[0]


def http_step(url: str, method: str = "GET", *, timeout_seconds: float = 10.0, **options: Any) -> StepPlan:
    """A step that calls a URL."""
    return step_of(http(url, method, **options), timeout_seconds)


async def output_of(runner: TaskRunner, step: StepPlan, value: Any = None) -> Any:
    """What the attempt gives."""
    result = await runner.run(step, Scope(input=value), 30.0)
    return result.output


async def failure_of(runner: TaskRunner, step: StepPlan, value: Any = None) -> Failure:
    """How the attempt fails."""
    with pytest.raises(AttemptFailedError) as caught:
        await runner.run(step, Scope(input=value), 30.0)
    return caught.value.failure
