"""One simulated schedule: callers, orders and crashes by a seed, then calm, and what must be true then."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tenantry.dataplane.engine.core.state import ENDED
from tests.support.reliability.checking import violations
from tests.support.reliability.loop import ShuffledLoop
from tests.support.reliability.report import Answer, Report
from tests.support.reliability.workload import TENANTS
from tests.support.reliability.world import Faults, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.reliability.database import Execution
    from tests.support.reliability.process import Process

CALLERS: Final = 6
REQUESTS: Final = 4
KEYS: Final = 6
"""Of each tenant; its callers share them."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What kind of it there is.

    Attributes:
        executors: how many there are.
        cuts: how much of the trouble is a database out of reach; the rest are drains and crashes.
        every_seconds: at most so long until the next.
        faults: how likely calls and statements fail.
    """

    executors: int = 2
    cuts: float = 0.3
    every_seconds: float = 12.0
    faults: Faults = field(default_factory=Faults)


DEAF: Final = Trouble(cuts=0.9, every_seconds=6.0, faults=Faults(query=0.3))
"""Executors mostly without their database: declared dead, and perhaps taking their own executions again."""

_SETTLING_SECONDS: Final = 300.0
_ORDERS: Final = ("pause", "resume", "resume", "cancel", "retry", "fork")
_WAYS: Final = ("", "", "", "respond-async", "wait=1")


def simulate(seed: int, trouble: Trouble | None = None) -> Report:
    """Plays the schedule of a seed; the same every time. Every fifth is of the deaf kind."""
    trouble = trouble or (DEAF if seed % 5 == 4 else Trouble())
    random = Random(seed)  # noqa: S311  (a schedule, not a secret)
    with (
        patch.object(os, "urandom", random.randbytes),
        _without_collections(),
        asyncio.Runner(loop_factory=lambda: ShuffledLoop(random)) as runner,
    ):
        return runner.run(_Simulation(seed, random, trouble).play())


@contextmanager
def _without_collections() -> Iterator[None]:
    """What a collection finds of a crashed process is ended on the loop, whenever that happens to be."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


class _Simulation:
    """One schedule."""

    def __init__(self, seed: int, random: Random, trouble: Trouble) -> None:
        self._random, self._trouble, self._report = random, trouble, Report(seed)

    async def play(self) -> Report:
        """Trouble while there are callers, then calm."""
        self._world = world = World(self._random, self._trouble.faults)
        for _ in range(self._trouble.executors):
            await world.start()
        await asyncio.sleep(1)
        trouble = [asyncio.create_task(self._crash_often()), asyncio.create_task(self._order_often())]
        names = [(TENANTS[number % len(TENANTS)], f"caller-{number}") for number in range(CALLERS)]
        await asyncio.gather(*(self._call_often(tenant, name) for tenant, name in names))
        for task in trouble:
            task.cancel()
        await asyncio.gather(*trouble, return_exceptions=True)
        await self._settle()
        await self._ask_again()
        self._sum_up()
        for process in world.alive():
            process.crash()
        return self._report

    def _sum_up(self) -> None:
        world, report = self._world, self._report
        report.executions, report.crashes = len(world.database.executions), world.crashes
        report.faults, report.cuts = world.injected, world.cuts
        journal = sorted(world.database.journal.items())
        report.digest = hashlib.sha256(repr((journal, report.answers)).encode()).hexdigest()
        report.violations += violations(world, report)

    async def _call_often(self, tenant: str, name: str) -> None:
        random = self._random
        for number in range(REQUESTS):
            await self._world.pause(3.0)
            key = f"key-{random.randrange(KEYS)}" if random.random() < 0.5 else ""
            headers = {"idempotency-key": key, "prefer": random.choice(_WAYS)}
            if random.random() < 0.3:
                headers["callback-url"] = "https://callbacks.example/"
            request = asyncio.create_task(self._call(tenant, key or f"{name}-{number}", headers))
            if random.random() < 0.1:
                await self._world.pause(1.0)
                request.cancel()
                self._report.hung_up += 1
            await asyncio.gather(request, return_exceptions=True)

    async def _call(self, tenant: str, item: str, headers: dict[str, str], *, again: bool = False) -> None:
        alive = self._world.alive()
        if not alive:
            return
        told = await _ask(
            self._random.choice(alive),
            "/workflows/order/execute",
            tenant,
            {"item": f"{tenant}/{item}"},
            {name: value for name, value in headers.items() if value},
        )
        if told is not None:
            status, answered, body = told
            execution = answered.get("execution-id") or (body or {}).get("executionId", "")
            key = headers["idempotency-key"]
            self._report.answers.append(
                Answer(tenant, f"{tenant}/{item}", key, status, execution, body, asked_again=again)
            )

    async def _crash_often(self) -> None:
        random, trouble = self._random, self._trouble
        while True:
            await self._world.pause(trouble.every_seconds)
            process = random.choice(self._world.alive())
            if random.random() < trouble.cuts:
                process.cut_off(5 + 40 * random.random())
                continue
            if random.random() < 0.3:
                await process.drain()
            else:
                process.crash()
            await self._world.pause(2.0)
            await self._world.start()

    async def _order_often(self) -> None:
        while True:
            await self._world.pause(1.0)
            executions = list(self._world.database.executions.values())
            alive = self._world.alive()
            if executions and alive:
                order = self._random.choice(_ORDERS)
                await self._order(self._random.choice(alive), self._random.choice(executions), order)

    async def _order(self, process: Process, one: Execution, order: str) -> None:
        report = self._report
        if order == "retry":
            report.retried.add(one.id)
        body = {"task": self._random.choice(["charge", "ship"])} if order == "fork" else None
        told = await _ask(process, f"/executions/{one.id}/{order}", one.tenant, body)
        if told is None:
            return
        report.orders += 1
        report.forks += order == "fork" and told[0] == 202
        if told[0] >= 500 and told[0] != 503:
            report.violations.append(f"{order} of {one.id} was answered {told[0]}: {told[2]}")

    async def _settle(self) -> None:
        """No more trouble: what is paused is resumed, and everything has the time to end."""
        world = self._world
        world.calm = True
        if not world.alive():
            await world.start()
        for _ in range(round(_SETTLING_SECONDS / 5)):
            await asyncio.sleep(5)
            executions = world.database.executions.values()
            # What was taken to be retried by an executor that died then is owned until its lease runs out.
            unended = [one for one in executions if one.status not in ENDED or one.owner is not None]
            if not unended and all(process.at_rest for process in world.alive()):
                return
            for one in unended:
                if one.status == "paused":
                    await _ask(world.alive()[0], f"/executions/{one.id}/resume", one.tenant)

    async def _ask_again(self) -> None:
        """Whoever had a key asks once more: the answer is the end of the execution it stands for."""
        asked = {(answer.tenant, answer.key): answer for answer in self._report.answers if answer.key}
        for answer in asked.values():
            if answer.execution and answer.status != 503:
                headers = {"idempotency-key": answer.key}
                await self._call(answer.tenant, answer.key, headers, again=True)


async def _ask(process: Process, path: str, tenant: str, body: Any = None, headers: Any = None) -> Any:
    """Status, headers and body of the answer; `None` when the process died under the request."""
    try:
        return await process.ask("POST", path, tenant, body, headers)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if process.alive or (task is not None and task.cancelling()):
            raise
        return None
