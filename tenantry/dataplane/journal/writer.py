"""The journal's writer: the events of all running executions share commits.

A commit holds the executions whose durability somebody waits for, and those whose events have lain for
`LINGER_SECONDS`: one of safe calls is mostly written once, when it has ended. While others run that may
soon join, commits begin at most every `COMMIT_INTERVAL_SECONDS`: many executions share theirs, and a lone one
never waits for company.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.state import ENDED
from tenantry.dataplane.engine.ports import ExecutionLostError, JournalUnavailableError
from tenantry.dataplane.journal.rows import NOBODY, parts, take
from tenantry.dataplane.journal.store import RefusedDataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.record import ExecutionRecord
    from tenantry.dataplane.journal.rows import Row
    from tenantry.dataplane.journal.store import Store
    from tenantry.tenants.identity import TenantId

COMMIT_INTERVAL_SECONDS: Final = 0.003
LINGER_SECONDS: Final = 0.02
RECONNECT_SECONDS: Final = 0.5
MAX_COMMIT_CHARACTERS: Final = 8 * 1024 * 1024
"""Executions share a commit up to here: one that takes longer than its timeout would be tried for ever."""

MAX_WAITING: Final = 20_000
"""Executions kept in memory while the database is away."""

_LOG = logging.getLogger(__name__)


class JournalWriter:
    """The `Journal` over a store. One per process.

    Args:
        store: makes the commits.
        source: names the process in usage events.

    Attributes:
        owner: the executor that runs what is written.
        when_lost: told of every execution that turns out to be somebody else's.
        usage_written: set by commits that hold usage.
    """

    def __init__(self, store: Store, source: str) -> None:
        self._store, self._source = store, source
        self._loop = asyncio.get_running_loop()
        self.owner = NOBODY
        self.when_lost: Callable[[ExecutionRecord], None] = _ignore
        self._dirty: dict[str, ExecutionRecord] = {}
        self._dirty_since: dict[str, float] = {}
        self._awaited: dict[
            str, None
        ] = {}  # in order: what is written is the same in every run of a simulation
        self._committing: dict[str, ExecutionRecord] = {}
        self._backlog: list[list[Row]] = []
        self._wanted = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._waiting_next: list[asyncio.Future[None]] = []
        self._running: set[str] = set()
        self._running_and_waiting: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._available = False
        self.usage_written = asyncio.Event()

    @property
    def unsafe_settings(self) -> tuple[str, ...]:
        """Those of the database with which what is committed may still be lost."""
        return self._store.unsafe_settings

    @property
    def available(self) -> bool:
        """Whether the last commit went through; new journaled work is refused otherwise."""
        return self._available

    @property
    def has_room(self) -> bool:
        """Whether work that need not be journaled may still be recorded, to be written later."""
        return len(self._dirty) < MAX_WAITING and sum(map(len, self._backlog)) < MAX_WAITING

    async def start(self) -> None:
        """Connects and begins to write.

        Raises:
            OSError, asyncpg.PostgresError: the database cannot be reached.
        """
        # An empty commit: the tables are there, and the statement is prepared before the first caller waits.
        await self._commit([])
        self._available = True
        self._task = asyncio.create_task(self._write_forever())

    async def stop(self) -> None:
        """Writes what is left and disconnects."""
        self._stopping = True
        self._wanted.set()
        if self._task is not None:
            await self._task
        if self._linger is not None:
            self._linger.cancel()
        await self._store.close()

    def record(self, record: ExecutionRecord) -> None:
        """Takes the record's pending events into the next commit."""
        former = self._dirty.get(record.id)
        if former is not None and former is not record:
            former.lost = True  # the same execution, taken again: what the former run waits for never comes
        if former is None:
            self._dirty_since[record.id] = self._loop.time()
        self._dirty[record.id] = record
        if record.status in ENDED or record.released:
            self._running.discard(record.id)
        else:
            self._running.add(record.id)
        if self._linger is None:
            self._linger_on()

    def lose_all(self) -> None:
        """Nothing that was recorded runs here any more, so that no commit waits for its company."""
        self._running.clear()

    async def durable(self, record: ExecutionRecord) -> None:
        """Waits until everything recorded of this execution is committed; see `Journal.durable`."""
        if self._dirty.get(record.id) is record:
            if record.id in self._running:
                self._running_and_waiting.add(record.id)
            self._awaited[record.id] = None
            self._wanted.set()
            await self._wait_in(self._waiting_next)
        elif self._committing.get(record.id) is record:
            await self._wait_in(self._waiting)
        elif not self._available:
            raise JournalUnavailableError
        if record.lost:
            raise ExecutionLostError
        if record.unstorable:
            raise JournalUnavailableError("the database refuses what this execution recorded")

    async def settled(self, tenant: TenantId, execution_id: str) -> None:
        """Waits until what was recorded of an execution can be read back; see `durable`."""
        record = self._dirty.get(execution_id) or self._committing.get(execution_id)
        if record is not None and record.tenant == tenant:
            with suppress(ExecutionLostError):
                await self.durable(record)

    async def _write_forever(self) -> None:
        began = 0.0
        while not (self._stopping and not self._dirty):
            await self._wanted.wait()
            pause = began + COMMIT_INTERVAL_SECONDS - self._loop.time()
            if pause > 0 and len(self._running) > len(self._running_and_waiting):
                await asyncio.sleep(pause)
            self._wanted.clear()
            began = self._loop.time()
            await self._write_batch()
            if not self._available and not self._stopping:
                await asyncio.sleep(RECONNECT_SECONDS)
                self._wanted.set()

    async def _write_batch(self) -> None:
        self._waiting, self._waiting_next = self._waiting_next, []
        self._running_and_waiting.clear()
        self._committing = due = self._take_due()
        if due:
            self._backlog += parts(take(due.values(), self._source, self.owner), MAX_COMMIT_CHARACTERS)
        try:
            while self._backlog:
                await self._commit(self._backlog[0])
                del self._backlog[0]
        except Exception as error:  # noqa: BLE001  (whatever it is, what was recorded must be written later)
            _LOG.error("the journal cannot be written, %d commits wait: %r", len(self._backlog), error)
            self._available = False
            self._store.disconnect()
            self._settle(JournalUnavailableError())
        else:
            self._available = True
            self._settle(None)
        self._committing = {}

    async def _wait_in(self, waiting: list[asyncio.Future[None]]) -> None:
        future = self._loop.create_future()
        waiting.append(future)
        await future

    def _take_due(self) -> dict[str, ExecutionRecord]:
        """What somebody waits for and what has lain long enough; everything, when this is the end."""
        due, self._awaited = self._awaited, {}
        now = self._loop.time()
        for execution_id, since in self._dirty_since.items():
            if since + LINGER_SECONDS > now and not self._stopping:
                break  # those after it are younger
            due[execution_id] = None
        for execution_id in due:
            del self._dirty_since[execution_id]
        taken = {execution_id: self._dirty.pop(execution_id) for execution_id in due}
        self._linger_on()
        return taken

    def _linger_on(self) -> None:
        """Sees to it that the eldest of what nobody waits for is written in time."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._dirty_since:
            eldest = next(iter(self._dirty_since.values()))
            self._linger = self._loop.call_at(eldest + LINGER_SECONDS, self._wanted.set)

    def _settle(self, error: JournalUnavailableError | None) -> None:
        for waiting in self._waiting:
            if waiting.done():  # cancelled: its caller went away
                continue
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)
        self._waiting = []

    async def _commit(self, rows: list[Row]) -> None:
        try:
            written = await self._store.commit(rows)
        except RefusedDataError as error:
            await self._commit_apart(rows, error)
            return
        self._note_lost(rows, written)
        if any(row.usage for row in rows):
            self.usage_written.set()

    def _note_lost(self, rows: list[Row], written: set[str]) -> None:
        if len(written) == len(rows):
            return
        for row in rows:
            if row.record.id not in written and not row.record.lost:
                _LOG.warning("execution %s is not ours any more", row.record.id)
                row.record.lost = True
                self._running.discard(row.record.id)
                self.when_lost(row.record)

    async def _commit_apart(self, rows: list[Row], error: RefusedDataError) -> None:
        """One execution's refused data must not take the others of its commit down."""
        if len(rows) > 1:
            for row in rows:
                await self._commit([row])
            return
        _LOG.error("execution %s cannot be stored: %s", rows[0].record.id, error)
        rows[0].record.unstorable = True


def _ignore(_record: ExecutionRecord) -> None:
    """Nobody wants to know yet."""
