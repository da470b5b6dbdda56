"""A request is given up after k steps of the event loop, for every k until it is answered before that.

Two tenants ask at the same time for the same keys; afterwards everything given up must have been given back.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from tests.support.reliability.checking import violations
from tests.support.reliability.loop import ShuffledLoop
from tests.support.reliability.report import Answer, Report
from tests.support.reliability.workload import TENANTS
from tests.support.reliability.world import Faults, World

if TYPE_CHECKING:
    from tests.support.reliability.process import Process

WORKFLOW: Final = "/workflows/order/execute"
_NO_FAULTS: Final = Faults(before=0, after=0, query=0, busy=0, timeout=0, refused=0)


@dataclass
class Verdict:
    """How many steps a request was given up at, and what was wrong then."""

    steps: int = 0
    violations: list[str] = field(default_factory=list)


def cancel_everywhere(seed: int) -> Verdict:
    """Gives a request up at every step of its, each in a world of its own."""
    verdict = Verdict()
    while _cancel_at(verdict.steps, seed, verdict):
        verdict.steps += 1
    return verdict


def _cancel_at(step: int, seed: int, verdict: Verdict) -> bool:
    random = Random(seed)  # noqa: S311  (a schedule, not a secret)
    with (
        patch.object(os, "urandom", random.randbytes),
        asyncio.Runner(loop_factory=lambda: ShuffledLoop(random)) as runner,
    ):
        report, cancelled = runner.run(_play(step, random))
    verdict.violations += [f"step {step}: {violation}" for violation in report.violations]
    return cancelled


async def _play(step: int, random: Random) -> tuple[Report, bool]:
    world, report = World(random, _NO_FAULTS), Report(0)
    process = await world.start()
    await asyncio.sleep(1)
    given_up = asyncio.create_task(_ask(process, TENANTS[0], report))
    others = [asyncio.create_task(_ask(process, tenant, report)) for tenant in TENANTS]
    for _ in range(step):
        await _one_step()
        if given_up.done():
            break
    cancelled = given_up.cancel()
    await asyncio.gather(given_up, *others, return_exceptions=True)
    await asyncio.sleep(60)
    await _ask(process, TENANTS[0], report)
    _check(world, process, report)
    process.crash()
    return report, cancelled


async def _one_step() -> None:
    """Lets the loop turn once: with nothing ready it goes on to the next timer."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ShuffledLoop)
    timers = [timer.when() for timer in loop.timers()]
    await asyncio.sleep(0)
    if len(loop._ready) <= 1 and timers:
        await asyncio.sleep(max(0.0, min(timers) - loop.time()))


async def _ask(process: Process, tenant: str, report: Report) -> None:
    """The same key for everybody: a tenant's requests share an execution, two tenants' never do."""
    item = f"{tenant}/it"
    status, headers, body = await process.ask(
        "POST", WORKFLOW, tenant, {"item": item}, {"idempotency-key": "k"}
    )
    report.answers.append(Answer(tenant, item, "k", status, headers.get("execution-id", ""), body))


def _check(world: World, process: Process, report: Report) -> None:
    report.violations += violations(world, report)
    if sum(answer.status == 200 for answer in report.answers) < len(TENANTS) + 1:
        report.violations.append(f"somebody was not answered: {report.answers}")
    if process.executor._runs:
        report.violations.append("an execution is in flight for ever")
    if process.keys._claims:
        report.violations.append("a claim to a key was not given back")
    held = {name: len(one.leases) for name, one in process.limits._ledgers.items() if one.leases}
    if held:
        report.violations.append(f"admissions were not given back: {held}")
