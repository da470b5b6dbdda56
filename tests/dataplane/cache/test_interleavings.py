"""Single flight under every interleaving of a few callers, cancellations and endings of the call.

The search has no memory: it plays a schedule to its end on a loop moved by hand, then goes back to the last
point where something else could have happened next, and plays that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.engine.ports import AttemptFailedError, TaskResult
from tenantry.language.plan.model import RetryOn
from tenantry.tenants.identity import TenantId
from tests.support.hand_moved import HandMovedLoop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.cache.port import SharedResults

ACME, GLOBEX = "acme", "globex"
EGRESS_BYTES = 7
SERVED = "served"
STATUS: Final = Failure(
    code=FailureCode.UPSTREAM_STATUS, message="", status=503, retry_on=RetryOn.SERVER_ERROR
)
TIMEOUT: Final = Failure(code=FailureCode.UPSTREAM_TIMEOUT, message="", retry_on=RetryOn.TIMEOUT)
ENDINGS: Final = {"succeeds": None, "fails for all": STATUS, "fails for one": TIMEOUT}


@dataclass(eq=False)
class Caller:
    """Somebody who fetches. `call` is its own call, once it makes one; `ending` how that went."""

    number: int
    tenant: str
    task: asyncio.Task[tuple[TaskResult, bool]] | None = None
    call: asyncio.Future[TaskResult] | None = None
    ending: str = ""
    cancelled: bool = False
    others: list[Caller] = field(default_factory=list)


class Elsewhere:
    """Where replicas share results: each answer takes a turn of the loop, and nothing is ever found."""

    async def find(self, *_: object) -> None:
        await asyncio.sleep(0)

    async def keep(self, *_: object) -> None:
        await asyncio.sleep(0)


class Play:
    """One cache, its callers, and what can happen next."""

    def __init__(
        self, loop: HandMovedLoop, tenants: tuple[str, ...], cancellations: int, shared: SharedResults | None
    ) -> None:
        self.loop, self.cancellations = loop, cancellations
        self.cache = ResultCache(shared=shared)
        self.callers: list[Caller] = []
        self.to_come = list(tenants)

    def choices(self) -> Iterator[tuple[Any, ...]]:
        if self.loop.has_work:
            yield ("step",)
        if self.to_come:
            yield ("come",)
        for caller in self.callers:
            assert caller.task is not None
            if caller.call is not None and not caller.call.done():
                for ending in ENDINGS:
                    yield "end", caller, ending
            if self.cancellations and not caller.task.done() and not caller.cancelled:
                yield "cancel", caller

    def do(self, act: str, caller: Caller | None = None, ending: str = "") -> None:
        if act == "step":
            self.loop.step()
        elif act == "come":
            self._come()
        elif act == "cancel" and caller and caller.task:
            self.cancellations -= 1
            caller.cancelled = True
            caller.task.cancel()
        elif caller and caller.call:
            self._end(caller, caller.call, ending)

    def _come(self) -> None:
        caller = Caller(len(self.callers), self.to_come.pop(0))
        self.callers.append(caller)

        async def produce() -> TaskResult:
            rivals = [one for one in self.callers if one.tenant == caller.tenant and one.call is not None]
            assert all(one.call is None or one.call.done() for one in rivals), "two calls for one key"
            caller.call = self.loop.create_future()
            return await caller.call

        tenant = TenantId(caller.tenant)
        caller.task = self.loop.start(
            self.cache.fetch(tenant, "digest", "key", ttl_seconds=9.0, now=lambda: 0.0, produce=produce)
        )

    def _end(self, caller: Caller, call: asyncio.Future[TaskResult], ending: str) -> None:
        caller.ending = ending
        failure = ENDINGS[ending]
        if failure is None:
            call.set_result(TaskResult(f"{caller.tenant} {caller.number}", EGRESS_BYTES))
        else:
            call.set_exception(AttemptFailedError(failure, EGRESS_BYTES))

    def judge(self) -> None:
        """Nothing can happen any more: everybody must have the answer that is theirs."""
        for caller in self.callers:
            assert caller.task is not None
            assert caller.task.done(), f"caller {caller.number} waits for nobody"
            if caller.task.cancelled():
                assert caller.cancelled
            elif isinstance(error := caller.task.exception(), AttemptFailedError):
                self._judge_failure(caller, error)
            else:
                result, served = caller.task.result()
                self._judge_result(caller, result, served=served)
        for tenant in self.cache._tenants.values():
            assert not tenant.flights

    def _judge_failure(self, caller: Caller, error: AttemptFailedError) -> None:
        made_it = caller.call is not None
        if made_it:
            assert error.failure is ENDINGS[caller.ending]
        else:
            assert error.failure is STATUS
            assert "fails for all" in self._endings_of_others(caller)
        assert error.egress_bytes == (EGRESS_BYTES if made_it else 0)

    def _judge_result(self, caller: Caller, result: TaskResult, *, served: bool) -> None:
        tenant, number = str(result.output).split()
        leader = self.callers[int(number)]
        assert (tenant, leader.ending) == (caller.tenant, "succeeds")
        assert served == (leader is not caller)
        assert result.egress_bytes == (0 if served else EGRESS_BYTES)
        assert (caller.call is None) == served

    def _endings_of_others(self, caller: Caller) -> set[str]:
        return {
            other.ending for other in self.callers if other.tenant == caller.tenant and other is not caller
        }


def play_all(
    loop: HandMovedLoop, tenants: tuple[str, ...], cancellations: int, shared: SharedResults | None = None
) -> int:
    """Plays every schedule; gives how many there were."""
    schedule: list[list[int]] = []  # at each point: the choice taken, and how many there were
    played = 0
    while True:
        play = Play(loop, tenants, cancellations, shared)
        depth = 0
        while choices := list(play.choices()):
            if depth == len(schedule):
                schedule.append([0, len(choices)])
            play.do(*choices[schedule[depth][0]])
            depth += 1
        play.judge()
        played += 1
        while schedule and schedule[-1][0] + 1 == schedule[-1][1]:
            schedule.pop()
        if not schedule:
            return played
        schedule[-1][0] += 1


@pytest.fixture
def loop() -> Iterator[HandMovedLoop]:
    loop = HandMovedLoop()
    yield loop
    loop.close()


@pytest.mark.parametrize(
    ("tenants", "cancellations"),
    [((ACME, ACME), 2), ((ACME, ACME, ACME), 2), ((ACME, GLOBEX, ACME), 1)],
)
def test_no_waiter_loses_its_answer_or_gets_another_s(
    loop: HandMovedLoop, tenants: tuple[str, ...], cancellations: int
) -> None:
    assert play_all(loop, tenants, cancellations) > 500


@pytest.mark.parametrize(("tenants", "cancellations"), [((ACME, ACME), 2), ((ACME, GLOBEX, ACME), 0)])
def test_nor_when_results_are_asked_for_elsewhere_before_and_kept_there_after(
    loop: HandMovedLoop, tenants: tuple[str, ...], cancellations: int
) -> None:
    assert play_all(loop, tenants, cancellations, Elsewhere()) > 500
