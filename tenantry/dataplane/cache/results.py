"""The result cache: one call for everybody who asks the same at the same time, or soon after.

Called by what runs tasks, around an attempt of a task that has a `cache`. One cache per process.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.cache.flight import Flight
from tenantry.dataplane.cache.shelf import Bounds, Name, Shelf
from tenantry.dataplane.engine.ports import AttemptFailedError, TaskResult
from tenantry.language.plan.model import RetryOn
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.tenants.identity import TenantId

_LONGEST_KEY: Final = 64


class _Tenant:
    """What one tenant has: results at rest, and calls in progress."""

    __slots__ = ("flights", "shelf")

    def __init__(self, bounds: Bounds) -> None:
        self.shelf = Shelf(bounds)
        self.flights: dict[Name, Flight] = {}


class ResultCache:
    """Results of tasks, by tenant, task and key. Only successes are kept, within `bounds` for each tenant."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._tenants: OrderedDict[TenantId, _Tenant] = OrderedDict()

    async def fetch(
        self,
        tenant: TenantId,
        task_digest: str,
        key: str,
        *,
        ttl_seconds: float,
        now: Callable[[], float],
        produce: Callable[[], Awaitable[TaskResult]],
    ) -> tuple[TaskResult, bool]:
        """The result for that key, not older than `ttl_seconds`, and whether somebody else's call gave it.

        At most one call for a key is in progress. Those who wait get its result, or the upstream's failure,
        which theirs would have been as well. A timeout, a cancellation and a fault of ours are only the
        caller's who met them: then whoever has waited longest makes a call of its own.

        Raises:
            AttemptFailedError: the call failed.
        """
        mine = self._tenants.get(tenant)
        if mine is None:
            mine = self._tenants[tenant] = _Tenant(self._bounds)
        name = (task_digest, _short(key))
        kept = mine.shelf.find(name, ttl_seconds, now())
        if kept is not None:
            return TaskResult(kept.output), True
        flight = mine.flights.get(name)
        if flight is None:
            flight = mine.flights[name] = Flight(partial(mine.flights.pop, name))
        elif (answer := await flight.wait()) is not None:
            if isinstance(answer, TaskResult):
                return answer, True
            raise AttemptFailedError(answer)
        result = await _lead(flight, produce)
        mine.shelf.keep(name, result.output, ttl_seconds, now())
        self._forget_stale(now())
        return result, False

    def _forget_stale(self, now: float) -> None:
        """Keeping a result pays for a look at one tenant, in turn: those that went away are forgotten."""
        name, tenant = self._tenants.popitem(last=False)
        if tenant.flights or not tenant.shelf.is_stale(now):
            self._tenants[name] = tenant


async def _lead(flight: Flight, produce: Callable[[], Awaitable[TaskResult]]) -> TaskResult:
    answer: TaskResult | Failure | None = None
    try:
        result = await produce()
        answer = TaskResult(result.output)  # those who waited sent nothing
    except AttemptFailedError as error:
        answer = error.failure if _is_everybody_s(error.failure) else None
        raise
    finally:  # whatever ended the call: a cancellation must not leave the others waiting for nobody
        if answer is None:
            flight.pass_on()
        else:
            flight.land(answer)
    return result


def _is_everybody_s(failure: Failure) -> bool:
    return failure.source is Source.UPSTREAM and failure.retry_on is not RetryOn.TIMEOUT


def _short(key: str) -> str | bytes:
    return key if len(key) <= _LONGEST_KEY else sha256(key.encode()).digest()
