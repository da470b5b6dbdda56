"""One simulated schedule: callers, orders and crashes by a seed, then calm, and what must be true at the end."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tenantry.dataplane.engine.core.events import (
    TaskCompleted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.state import ExecutionState
from tests.support.reliability.database import events_of
from tests.support.reliability.loop import ShuffledLoop
from tests.support.reliability.world import TENANTS, World

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tests.support.reliability.database import Execution
    from tests.support.reliability.world import Process

CALLERS: Final = 6
REQUESTS: Final = 4
EXECUTORS: Final = 2
_SETTLING_SECONDS: Final = 300.0
_ENDED: Final = frozenset({"completed", "failed", "cancelled"})


@dataclass
class Answer:
    """What a caller was told."""

    tenant: str
    item: str
    key: str
    status: int
    execution: str
    body: Any


@dataclass
class Report:
    """What one schedule came to. `violations` must be empty."""

    seed: int
    answers: list[Answer] = field(default_factory=list)
    executions: int = 0
    crashes: int = 0
    cuts: int = 0
    faults: int = 0
    orders: int = 0
    hung_up: int = 0
    retried: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)


def simulate(seed: int) -> Report:
    """Plays the schedule of a seed; the same every time."""
    random = Random(seed)  # noqa: S311  (a schedule, not a secret)
    with (
        patch.object(os, "urandom", lambda count: random.randbytes(count)),
        asyncio.Runner(loop_factory=lambda: ShuffledLoop(random)) as runner,
    ):
        return runner.run(_play(seed, random))


async def _play(seed: int, random: Random) -> Report:
    world, report = World(random), Report(seed)
    for _ in range(EXECUTORS):
        await world.start()
    await asyncio.sleep(1)
    callers = [
        asyncio.create_task(_call_often(world, report, TENANTS[number % len(TENANTS)], f"caller-{number}"))
        for number in range(CALLERS)
    ]
    trouble = [asyncio.create_task(_crash_often(world)), asyncio.create_task(_order_often(world, report))]
    await asyncio.gather(*callers)
    for task in trouble:
        task.cancel()
    await asyncio.gather(*trouble, return_exceptions=True)
    await _settle(world)
    report.executions, report.crashes = len(world.database.executions), world.crashes
    report.faults, report.cuts = world.injected, world.cuts
    check(world, report)
    for process in world.alive():
        process.crash()
    return report


async def _call_often(world: World, report: Report, tenant: str, name: str) -> None:
    random = world.random
    for number in range(REQUESTS):
        await world.pause(3.0)
        # Two callers of a tenant share their keys now and then.
        key = f"key-{random.randrange(6)}" if random.random() < 0.5 else ""
        item = key or f"{name}-{number}"
        headers = {"idempotency-key": key} if key else {}
        if random.random() < 0.3:
            headers["prefer"] = random.choice(["respond-async", "wait=1"])
        request = asyncio.create_task(_call(world, report, tenant, item, key, headers))
        if random.random() < 0.1:
            await world.pause(1.0)
            request.cancel()
            report.hung_up += 1
        await asyncio.gather(request, return_exceptions=True)


async def _call(
    world: World, report: Report, tenant: str, item: str, key: str, headers: dict[str, str]
) -> None:
    alive = world.alive()
    if not alive:
        return
    process = world.random.choice(alive)
    try:
        status, answered, body = await process.ask(
            "POST", "/workflows/order/execute", tenant, {"item": item}, headers
        )
    except asyncio.CancelledError:
        if process.alive or _is_cancelled():
            raise
        return  # the process died under the request
    execution = answered.get("execution-id") or (body or {}).get("executionId", "")
    report.answers.append(Answer(tenant, item, key, status, execution, body))


async def _crash_often(world: World) -> None:
    while True:
        await world.pause(12.0)
        process = world.random.choice(world.alive())
        kind = world.random.random()
        if kind < 0.3:
            process.cut_off(5 + 40 * world.random.random())
            continue
        if kind < 0.5:
            await process.drain()
        else:
            process.crash()
        await world.pause(2.0)
        await world.start()


async def _order_often(world: World, report: Report) -> None:
    random = world.random
    while True:
        await world.pause(1.0)
        executions = list(world.database.executions.values())
        alive = world.alive()
        if not executions or not alive:
            continue
        one, process = random.choice(executions), random.choice(alive)
        order = random.choice(["pause", "resume", "resume", "cancel", "retry"])
        await _order(process, one, order, report)


async def _order(process: Process, one: Execution, order: str, report: Report) -> None:
    if order == "retry":
        report.retried.add(one.id)
    try:
        status, _, body = await process.ask("POST", f"/executions/{one.id}/{order}", one.tenant)
    except asyncio.CancelledError:
        if process.alive or _is_cancelled():
            raise
        return
    report.orders += 1
    if status >= 500 and status != 503:  # noqa: PLR2004
        report.violations.append(f"{order} of {one.id} was answered {status}: {body}")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _settle(world: World) -> None:
    """No more trouble: what is paused is resumed, and everything has the time to end."""
    world.calm = True
    if not world.alive():
        await world.start()
    end = world.clock() + _SETTLING_SECONDS
    while world.clock() < end:
        await asyncio.sleep(5)
        unended = [one for one in world.database.executions.values() if one.status not in _ENDED]
        if not unended and not any(process.executor._runs for process in world.alive()):
            return
        for one in unended:
            if one.status == "paused":
                await world.alive()[0].ask("POST", f"/executions/{one.id}/resume", one.tenant)


def check(world: World, report: Report) -> None:
    """Everything that must be true, whatever happened."""
    for one in world.database.executions.values():
        events = events_of(world.database, one.tenant, one.id)
        _check_journal(world, one, report)
        _check_end(world, one, events, report)
        _check_effects(world, one, events, report)
    for answer in report.answers:
        _check_answer(world, answer, report)
    _check_keys(report)
    if len(world.database.usage) != sum(
        _ends(events_of(world.database, *name)) for name in world.database.executions
    ):
        report.violations.append("usage is not told once for every end")


def _ends(events: list[AnyEvent]) -> int:
    return sum(isinstance(one, WorkflowCompleted | WorkflowFailed | WorkflowCancelled) for one in events)


def _check_journal(world: World, one: Execution, report: Report) -> None:
    expected = 1
    for segment in sorted(world.database.journal.get((one.tenant, one.id), [])):
        if segment.first_sequence != expected:
            report.violations.append(f"{one.id}: event {expected} is missing or twice")
            return
        expected += len(json.loads(segment.events))


def _check_end(world: World, one: Execution, events: list[AnyEvent], report: Report) -> None:
    state = ExecutionState(world.plans[one.plan], one.id, one.tenant)
    for event in events:
        evolve(state, event)
    if state.status != one.status:
        report.violations.append(f"{one.id} is {one.status}, and its journal says {state.status}")
    if one.status not in _ENDED:
        report.violations.append(f"{one.id} is {one.status} for ever, owned by {one.owner}")
    if one.owner is not None and one.status in _ENDED:
        report.violations.append(f"{one.id} ended and is still owned by {one.owner}")


def _check_effects(world: World, one: Execution, events: list[AnyEvent], report: Report) -> None:
    mine = [effect for effect in world.effects if effect.execution == one.id]
    if any(effect.tenant != one.tenant for effect in mine):
        report.violations.append(f"{one.id} of {one.tenant} had an effect as another tenant")
    shipped = sum(effect.path == "ship" for effect in mine)
    # `ship` and `tell` are one call each that may not be repeated; a retry repeats what somebody looked at.
    if shipped > 2 and one.id not in report.retried:
        report.violations.append(f"{one.id} shipped {shipped} times")
    completed = [event.task for event in events if isinstance(event, TaskCompleted) and not event.reused]
    if len(completed) != len(set(completed)) and "charge" not in _undone(events):
        report.violations.append(f"{one.id} did again what it had done: {sorted(completed)}")


def _undone(events: list[AnyEvent]) -> set[str]:
    return {
        event.task.removesuffix("~compensate")
        for event in events
        if isinstance(event, TaskCompleted) and event.task.endswith("~compensate")
    }


def _check_answer(world: World, answer: Answer, report: Report) -> None:
    one = world.database.executions.get((answer.tenant, answer.execution))
    if answer.status == 200:  # noqa: PLR2004
        expected = {"item": answer.item, "tenant": answer.tenant, "execution": answer.execution}
        if answer.body != expected:
            report.violations.append(f"{answer.tenant} asked for {answer.item} and was told {answer.body}")
        if one is None or one.status != "completed":
            report.violations.append(f"{answer.execution} was answered 200 and is {one and one.status}")
    elif answer.status == 202 and one is None:  # noqa: PLR2004
        report.violations.append(f"{answer.execution} was accepted and is lost")
    elif answer.status == 500:  # noqa: PLR2004
        report.violations.append(f"{answer.execution} was answered 500: {answer.body}")


def _check_keys(report: Report) -> None:
    """A key stands for one execution: nobody was told of two."""
    told: dict[tuple[str, str], set[str]] = {}
    for answer in report.answers:
        if answer.key and answer.status in (200, 202, 502, 504) and answer.execution:
            told.setdefault((answer.tenant, answer.key), set()).add(answer.execution)
    for (tenant, key), executions in told.items():
        if len(executions) > 1:
            report.violations.append(f"{key} of {tenant} stands for {sorted(executions)}")
