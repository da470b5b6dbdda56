"""Attempts of single calls: a call made by hand, run by a runner, and how it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.engine.ports import Attempt, AttemptFailedError
from tenantry.dataplane.tasks.runner import CallRunner
from tenantry.language.templates.scope import Scope
from tenantry.protocol.problems import Source
from tenantry.tenants.identity import TenantId
from tests.support.plans import call, http

if TYPE_CHECKING:
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.dataplane.engine.ports import TaskResult
    from tenantry.dataplane.tasks.http_client import HttpClient
    from tenantry.language.plan.model import CallPlan


def make_runner(client: HttpClient, clock: Clock | None = None) -> CallRunner:
    """The runner of a tenant, with circuits and a cache of its own; its time stands still."""
    return CallRunner(
        tenant=TenantId("acme"),
        client=client,
        circuits=MemoryCircuits(),
        cache=ResultCache(),
        clock=clock or (lambda: 0.0),
    )


def http_call(url: str, method: str = "GET", *, timeout_seconds: float = 10.0, **options: Any) -> CallPlan:
    """A call of a URL on the workflow's input."""
    return call(http(url, method, **options), timeout_seconds=timeout_seconds)


async def attempt(
    runner: CallRunner,
    plan: CallPlan,
    value: Any = None,
    seconds: float = 30.0,
    source: Source = Source.CALLER,
) -> TaskResult:
    """What the attempt comes to within the seconds."""
    made = Attempt("call", plan, Scope(input=value), source, runner.clock() + seconds)
    return await runner.run(made)


async def output_of(runner: CallRunner, plan: CallPlan, value: Any = None) -> Any:
    """What the attempt gives."""
    return (await attempt(runner, plan, value)).output


async def failure_of(
    runner: CallRunner, plan: CallPlan, value: Any = None, source: Source = Source.CALLER
) -> Failure:
    """How the attempt fails."""
    with pytest.raises(AttemptFailedError) as caught:
        await attempt(runner, plan, value, source=source)
    return caught.value.failure
