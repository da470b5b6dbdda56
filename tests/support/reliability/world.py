"""A simulated world: executors that crash, a database that fails before and after commits, an upstream.

Everything between the REST door and the two ports at the bottom (the store, the HTTP client) is real.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.support.reliability.database import Database
from tests.support.reliability.process import Process, own_task

if TYPE_CHECKING:
    from random import Random

    from tenantry.language.plan.model import Plan
    from tests.support.reliability.upstream import Effect

BEGINNING: Final = 1_772_366_400.0


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely what goes wrong is, each from 0 to 1.

    Attributes:
        before, after: a commit fails and was not made, or was.
        query: a statement fails.
        busy, timeout, refused: an upstream answers 503, answers too late, or takes no connection.
    """

    before: float = 0.03
    after: float = 0.03
    query: float = 0.02
    busy: float = 0.03
    timeout: float = 0.03
    refused: float = 0.02


@dataclass
class World:
    """Everything there is. `calm` ends the faults, so that what was begun can come to its end."""

    random: Random
    faults: Faults = field(default_factory=Faults)
    calm: bool = False
    processes: list[Process] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    crashes: int = 0
    cuts: int = 0
    injected: int = 0

    def __post_init__(self) -> None:
        self.database = Database(self.clock)
        asyncio.get_running_loop().set_task_factory(own_task)

    def clock(self) -> float:
        return BEGINNING + asyncio.get_running_loop().time()

    def happens(self, likelihood: float) -> bool:
        """Whether a fault strikes now."""
        if self.calm or self.random.random() >= likelihood:
            return False
        self.injected += 1
        return True

    async def pause(self, most: float = 0.01) -> None:
        """Something takes a while."""
        await asyncio.sleep(self.random.random() * most)

    async def start(self) -> Process:
        """One more executor."""
        process = Process(self, len(self.processes))
        self.processes.append(process)
        await process.start()
        return process

    def alive(self) -> list[Process]:
        return [process for process in self.processes if process.alive]
