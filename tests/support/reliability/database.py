"""The data plane's database in memory: what the journal's SQL does, row for row, for simulations.

`tests/dataplane/journal` holds PostgreSQL to the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core.events import decode_events
from tenantry.dataplane.journal.ownership import Order, Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenantry.dataplane.journal.rows import Row
    from tenantry.dataplane.journal.statement import IncomingExecution
    from tenantry.tenants.identity import TenantId

_KEPT_SECONDS: Final = 24 * 3600.0


@dataclass(slots=True)
class Execution:
    """A row of `executions`."""

    tenant: TenantId
    id: str
    workflow: str
    version: int
    labels: str
    plan: str
    status: str
    owner: str | None
    epoch: int
    run: int
    revision: int
    submitted_at: float
    ended_at: float | None
    task_attempts: int
    task_seconds: float
    egress_bytes: int
    journal_bytes: int


@dataclass
class Database:
    """All tables; every method is one statement, so nothing happens in the middle of it."""

    now: Callable[[], float]
    executions: dict[tuple[str, str], Execution] = field(default_factory=dict)
    journal: dict[tuple[str, str], list[Segment]] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str, float]] = field(default_factory=dict)
    letters: dict[str, tuple[str, str]] = field(default_factory=dict)
    callbacks: dict[tuple[str, str, int], str] = field(default_factory=dict)
    usage: dict[str, str] = field(default_factory=dict)
    executors: dict[str, float] = field(default_factory=dict)
    orders: dict[int, tuple[str, Order]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def commit(self, rows: list[Row]) -> set[str]:
        """The journal's statement."""
        return {row.record.id for row in rows if self._write(row)}

    def _write(self, row: Row) -> bool:
        one = row.execution
        name = (one.tenant, one.id)
        if one.key is not None and not self._take_key(one):
            return False
        if not (one.first_sequence == 1 or name in self.executions):
            return False
        if not self._is_ours(name, one.epoch, one.revision):
            return False
        self.executions[name] = Execution(**{field: getattr(one, field) for field in Execution.__slots__})
        if one.events is not None:
            segments = self.journal.setdefault(name, [])
            if all(segment.first_sequence != one.first_sequence for segment in segments):
                segments.append(Segment(one.first_sequence, one.events))
        self._write_beside(row)
        return True

    def _is_ours(self, name: tuple[str, str], epoch: int, revision: int) -> bool:
        known = self.executions.get(name)
        return known is None or (known.epoch == epoch and known.revision <= revision)

    def _write_beside(self, row: Row) -> None:
        for letter in row.letters:
            self.letters.setdefault(letter.letter, (letter.tenant, letter.id))
        for callback in row.callbacks:
            self.callbacks.setdefault((callback.tenant, callback.id, callback.run), callback.body)
        for usage in row.usage:
            self.usage.setdefault(usage.usage, usage.id)

    def _take_key(self, one: IncomingExecution) -> bool:
        name = (one.tenant, one.key or "")
        held = self.keys.get(name)
        if held is not None and held[1] != one.id and held[2] > self.now():
            return False
        self.keys[name] = (one.fingerprint or "", one.id, self.now() + _KEPT_SECONDS)
        return True

    def is_orphan(self, execution: Execution) -> bool:
        """Whether somebody dead, or nobody, is to run it."""
        return execution.owner is not None and execution.owner not in self.executors


def events_of(database: Database, tenant: str, execution_id: str) -> list[Any]:
    """All events of an execution, in order."""
    segments = sorted(database.journal.get((tenant, execution_id), []))
    return [event for segment in segments for event in decode_events(segment.events)]
