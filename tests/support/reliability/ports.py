"""The ports at the bottom of a simulated executor: store, ownership, history, keys, plans."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tenantry.dataplane.engine.core.state import ENDED
from tenantry.dataplane.engine.record import PlanSource
from tenantry.dataplane.journal.history import ExecutionSummary
from tenantry.dataplane.journal.keys import KeyHolder
from tenantry.dataplane.journal.ownership import Order, Segment, Standing, Taken
from tenantry.dataplane.journal.rows import NOBODY
from tests.support.reliability.database import events_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from tenantry.dataplane.journal.rows import Row
    from tenantry.language.plan.model import Plan
    from tenantry.tenants.identity import TenantId
    from tests.support.reliability.database import Database, Execution
    from tests.support.reliability.process import Process
    from tests.support.reliability.world import World


class MemoryStore:
    """The journal's `Store` of one process; it fails before a commit, or after it."""

    unsafe_settings: tuple[str, ...] = ()

    def __init__(self, process: Process) -> None:
        self._process = process

    async def commit(self, rows: list[Row]) -> set[str]:
        world = self._process.world
        await self._process.reconnect()
        await world.pause()
        if world.happens(world.faults.before):
            raise OSError("simulated: before the commit")
        written = world.database.commit(rows)
        await world.pause()
        if world.happens(world.faults.after):
            raise OSError("simulated: after the commit")
        return written

    def disconnect(self) -> None:
        pass

    async def close(self) -> None:
        pass


class MemoryOwnership:
    """`Ownership` over it. `reach` is awaited before each statement, and may fail."""

    def __init__(self, database: Database, reach: Callable[[], Any], source: Callable[[str], str]) -> None:
        self._database, self._reach, self._source = database, reach, source

    async def register(self, executor: str, name: str, lease_seconds: float) -> None:  # noqa: ARG002  (the port's)
        await self._reach()
        self._database.executors[executor] = self._database.now() + lease_seconds

    async def renew(self, executor: str, lease_seconds: float) -> bool:
        await self._reach()
        if executor not in self._database.executors:
            return False
        self._database.executors[executor] = self._database.now() + lease_seconds
        return True

    async def leave(self, executor: str) -> None:
        await self._reach()
        self._database.executors.pop(executor, None)

    async def bury(self, executor: str) -> bool:
        await self._reach()
        database, now = self._database, self._database.now()
        for other, expires_at in list(database.executors.items()):
            if expires_at < now and other != executor:
                del database.executors[other]
        return any(map(database.is_orphan, database.executions.values()))

    async def take_orphans(self, executor: str, tenants: Iterable[TenantId], limit: int) -> list[Taken]:
        await self._reach()
        wanted = set(tenants)
        orphans = [
            one
            for one in self._database.executions.values()
            if one.tenant in wanted and self._database.is_orphan(one)
        ]
        return [self._taken(one, executor) for one in orphans[:limit]]

    async def take(
        self, executor: str, tenant: TenantId, execution_id: str, statuses: Sequence[str]
    ) -> Taken | None:
        await self._reach()
        one = self._database.executions.get((tenant, execution_id))
        if one is None or one.status not in statuses:
            return None
        if one.owner is not None and not self._database.is_orphan(one):
            return None
        return self._taken(one, executor)

    def _taken(self, one: Execution, executor: str) -> Taken:
        one.owner, one.epoch, one.revision = executor, one.epoch + 1, 0
        return Taken(one.tenant, one.id, one.epoch, one.plan, one.status, one.journal_bytes)

    async def standing(self, taken: Taken) -> Standing | None:
        await self._reach()
        one = self._database.executions[taken.tenant, taken.id]
        if one.epoch != taken.epoch:
            return None
        return Standing(**{field: getattr(one, field) for field in Standing._fields})

    async def disclaim(self, executor: str, but: Collection[str]) -> None:
        await self._reach()
        for one in self._database.executions.values():
            if one.owner == executor and one.revision == 0 and one.id not in but:
                one.owner = NOBODY

    async def give_back(self, taken: Taken) -> None:
        await self._reach()
        one = self._database.executions[taken.tenant, taken.id]
        if one.epoch == taken.epoch:
            one.owner = None if taken.status in ENDED else NOBODY

    async def segments(self, taken: Sequence[Taken]) -> dict[str, list[Segment]]:
        await self._reach()
        return {one.id: list(self._database.journal.get((one.tenant, one.id), [])) for one in taken}

    async def source(self, _tenant: TenantId, key: str) -> str | None:
        await self._reach()
        return self._source(key)

    async def order(self, order: Order) -> bool:
        await self._reach()
        one = self._database.executions.get((order.tenant, order.execution_id))
        if one is None or one.owner is None:
            return False
        self._database.orders[next(self._database.numbers)] = (one.owner, order)
        return True

    async def orders(self, executor: str, tenants: Iterable[TenantId]) -> dict[int, Order]:
        await self._reach()
        database, wanted = self._database, set(tenants)
        for number, (owner, order) in database.orders.items():
            if owner not in database.executors and order.tenant in wanted:
                database.orders[number] = (executor, order)
        return {
            number: order
            for number, (owner, order) in database.orders.items()
            if owner == executor and order.tenant in wanted
        }

    async def done(self, orders: Collection[int]) -> None:
        await self._reach()
        for number in orders:
            self._database.orders.pop(number, None)


class MemoryHistory:
    """What of `History` the gateway needs to execute and to control."""

    def __init__(self, database: Database, reach: Callable[[], Any]) -> None:
        self._database, self._reach = database, reach

    async def find(self, tenant: TenantId, execution_id: str) -> ExecutionSummary | None:
        await self._reach()
        one = self._database.executions.get((tenant, execution_id))
        if one is None:
            return None
        return ExecutionSummary(
            id=one.id,
            workflow=one.workflow,
            version=1,
            plan=one.plan,
            run=one.run,
            status=one.status,
            failure_code="",
            submitted_at=datetime.fromtimestamp(one.submitted_at, UTC),
            ended_at=None if one.ended_at is None else datetime.fromtimestamp(one.ended_at, UTC),
            task_attempts=0,
            task_seconds=0.0,
            egress_bytes=0,
            journal_bytes=0,
        )

    async def events(self, tenant: TenantId, execution_id: str) -> list[Any]:
        await self._reach()
        return events_of(self._database, tenant, execution_id)


class MemoryKeys:
    """`StoredKeys` over it."""

    def __init__(self, database: Database, reach: Callable[[], Any]) -> None:
        self._database, self._reach = database, reach

    async def find(self, tenant: TenantId, key: str) -> KeyHolder | None:
        await self._reach()
        held = self._database.keys.get((tenant, key))
        return None if held is None or held[2] <= self._database.now() else KeyHolder(held[0], held[1])


class MemoryPlans:
    """`PinnedPlans` without a thread."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, _tenant: str, key: str) -> tuple[Plan, PlanSource]:
        await self._world.pause(0.001)
        return self._world.plans[key], PlanSource(key, self._world.sources[key])
