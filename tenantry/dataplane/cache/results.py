"""The result cache: one call for everybody who asks the same at the same time, or soon after.

Called by what runs tasks, around an attempt of a task that has a `cache`. One cache per process; replicas may
share their results, not their calls.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
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

    from tenantry.dataplane.cache.port import SharedResults
    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.tenants.identity import TenantId

_LONGEST_KEY: Final = 64


class _Tenant:
    """What one tenant has: results at rest, and calls in progress."""

    __slots__ = ("flights", "shelf")

    def __init__(self, bounds: Bounds) -> None:
        self.shelf = Shelf(bounds)
        self.flights: dict[Name, Flight] = {}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What somebody fetches."""

    tenant: TenantId
    name: Name
    ttl_seconds: float
    now: Callable[[], float]
    produce: Callable[[], Awaitable[TaskResult]]


class ResultCache:
    """Results of tasks, by tenant, task and key. Only successes are kept, within `bounds` for each tenant.

    Args:
        shared: asked before a call is made, and told what it gave.
    """

    def __init__(self, bounds: Bounds | None = None, shared: SharedResults | None = None) -> None:
        self._bounds, self._shared = bounds or Bounds(), shared
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
        wanted = _Wanted(tenant, (task_digest, _short(key)), ttl_seconds, now, produce)
        kept = mine.shelf.find(wanted.name, ttl_seconds, now())
        if kept is not None:
            return TaskResult(kept.output), True
        flight = mine.flights.get(wanted.name)
        if flight is None:
            flight = mine.flights[wanted.name] = Flight(partial(mine.flights.pop, wanted.name))
        elif (answer := await flight.wait()) is not None:
            if isinstance(answer, TaskResult):
                return answer, True
            raise AttemptFailedError(answer)
        result, kept_at = await _lead(flight, partial(self._obtain, wanted))
        mine.shelf.keep(wanted.name, result.output, ttl_seconds, now() if kept_at is None else kept_at)
        self._forget_stale(now())
        if kept_at is None and self._shared is not None:
            await self._shared.keep(tenant, wanted.name, result.output, ttl_seconds, now())
        return result, kept_at is not None

    async def _obtain(self, wanted: _Wanted) -> tuple[TaskResult, float | None]:
        """What another replica has kept, and since when; or the result of a call of our own."""
        if self._shared is not None:
            found = await self._shared.find(wanted.tenant, wanted.name, wanted.ttl_seconds, wanted.now())
            if found is not None:
                return TaskResult(found.output), found.kept_at
        return await wanted.produce(), None

    def _forget_stale(self, now: float) -> None:
        """Keeping a result pays for a look at one tenant, in turn: those that went away are forgotten."""
        name, tenant = self._tenants.popitem(last=False)
        if tenant.flights or not tenant.shelf.is_stale(now):
            self._tenants[name] = tenant


async def _lead(
    flight: Flight, obtain: Callable[[], Awaitable[tuple[TaskResult, float | None]]]
) -> tuple[TaskResult, float | None]:
    answer: TaskResult | Failure | None = None
    try:
        result, kept_at = await obtain()
        answer = TaskResult(result.output)  # those who waited sent nothing
    except AttemptFailedError as error:
        answer = error.failure if _is_everybody_s(error.failure) else None
        raise
    finally:  # whatever ended the call: a cancellation must not leave the others waiting for nobody
        if answer is None:
            flight.pass_on()
        else:
            flight.land(answer)
    return result, kept_at


def _is_everybody_s(failure: Failure) -> bool:
    return failure.source is Source.UPSTREAM and failure.retry_on is not RetryOn.TIMEOUT


def _short(key: str) -> str | bytes:
    return key if len(key) <= _LONGEST_KEY else sha256(key.encode()).digest()
