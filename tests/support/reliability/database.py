"""The data plane's database in memory: what the journal's SQL does, row for row, for simulations.

`tests/dataplane/journal` holds PostgreSQL to the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import decode_events
from tenantry.dataplane.journal.history import ExecutionSummary
from tenantry.dataplane.journal.keys import KeyHolder
from tenantry.dataplane.journal.ownership import Order, Segment, Taken
from tenantry.dataplane.journal.rows import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tenantry.dataplane.journal.rows import Row
    from tenantry.tenants.identity import TenantId

_KEPT_SECONDS: Final = 24 * 3600.0
_COLUMNS: Final = (
    "tenant", "id", "first_sequence", "events", "workflow", "version", "plan", "status", "failure_code",
    "labels", "submitted_at", "ended_at", "task_attempts", "task_seconds", "egress_bytes", "journal_bytes",
    "owner", "epoch", "run", "key", "fingerprint", "revision",
)  # fmt: skip


@dataclass(slots=True)
class Execution:
    """A row of `executions`."""

    tenant: TenantId
    id: str
    workflow: str
    plan: str
    status: str
    owner: str | None
    epoch: int
    run: int
    revision: int
    submitted_at: float
    ended_at: float | None


@dataclass
class Database:
    """All tables; every method is one statement, so nothing happens in the middle of it."""

    now: Callable[[], float]
    executions: dict[tuple[str, str], Execution] = field(default_factory=dict)
    journal: dict[tuple[str, str], list[Segment]] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str, float]] = field(default_factory=dict)
    letters: dict[str, dict[str, Any]] = field(default_factory=dict)
    callbacks: dict[tuple[str, str, int], str] = field(default_factory=dict)
    usage: dict[str, str] = field(default_factory=dict)
    executors: dict[str, float] = field(default_factory=dict)
    orders: list[tuple[str, Order]] = field(default_factory=list)

    def commit(self, rows: list[Row]) -> set[str]:
        """The journal's statement."""
        return {row.record.id for row in rows if self._write(row)}

    def _write(self, row: Row) -> bool:
        columns = dict(zip(_COLUMNS, row.columns, strict=True))
        name = (columns["tenant"], columns["id"])
        if columns["key"] is not None and not self._take_key(columns):
            return False
        known = self.executions.get(name)
        if known is not None and (known.epoch != columns["epoch"] or known.revision > columns["revision"]):
            return False
        self.executions[name] = Execution(**{field: columns[field] for field in Execution.__slots__})
        if columns["events"] is not None:
            segments = self.journal.setdefault(name, [])
            if all(one.first_sequence != columns["first_sequence"] for one in segments):
                segments.append(Segment(columns["first_sequence"], columns["events"]))
        for letter in row.letters:
            self.letters.setdefault(
                letter[2], {"execution": letter[1], "task": letter[5], "reason": letter[7]}
            )
        for callback in row.callbacks:
            self.callbacks.setdefault(callback[:3], callback[4])
        for usage in row.usage:
            self.usage.setdefault(usage[2], usage[1])
        return True

    def _take_key(self, columns: dict[str, Any]) -> bool:
        name = (columns["tenant"], columns["key"])
        held = self.keys.get(name)
        if held is not None and held[1] != columns["id"] and held[2] > self.now():
            return False
        self.keys[name] = (columns["fingerprint"], columns["id"], self.now() + _KEPT_SECONDS)
        return True

    def is_orphan(self, execution: Execution) -> bool:
        """Whether somebody dead, or nobody, is to run it."""
        return execution.owner is not None and execution.owner not in self.executors


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
        return Taken(one.tenant, one.id, one.epoch, one.plan, one.status)

    async def give_back(self, taken: Taken) -> None:
        await self._reach()
        one = self._database.executions[taken.tenant, taken.id]
        if one.epoch == taken.epoch:
            one.owner = NOBODY

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
        self._database.orders.append((one.owner, order))
        return True

    async def orders(self, executor: str) -> list[Order]:
        await self._reach()
        database = self._database
        mine = [one for one in database.orders if one[0] == executor or one[0] not in database.executors]
        database.orders = [one for one in database.orders if one not in mine]
        return [order for _, order in mine]


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


def events_of(database: Database, tenant: str, execution_id: str) -> list[Any]:
    """All events of an execution, in order."""
    segments = sorted(database.journal.get((tenant, execution_id), []))
    return [event for segment in segments for event in decode_events(segment.events)]
