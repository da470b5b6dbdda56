"""The journal's writer: the events of all running executions share commits.

A commit begins when somebody waits for durability, or when events have lain for `LINGER_SECONDS`: an
execution of safe calls costs one commit. While others run that may soon join, commits begin at most every
`COMMIT_INTERVAL_SECONDS`: many executions share theirs, and a lone one never waits for company.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from tenantry.dataplane.engine.core.state import ENDED
from tenantry.dataplane.engine.ports import ExecutionLostError, JournalUnavailableError
from tenantry.dataplane.journal.rows import NOBODY, STATEMENT, arguments, day_of, parts, take

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tenantry.dataplane.engine.record import ExecutionRecord
    from tenantry.dataplane.journal.rows import Row
    from tenantry.tenants.identity import TenantId

COMMIT_INTERVAL_SECONDS: Final = 0.003
LINGER_SECONDS: Final = 0.02
RECONNECT_SECONDS: Final = 0.5
COMMIT_TIMEOUT_SECONDS: Final = 5.0
MAX_COMMIT_CHARACTERS: Final = 8 * 1024 * 1024
"""Executions share a commit up to here: one that takes longer than its timeout would be tried for ever."""

MAX_WAITING: Final = 20_000
"""Executions kept in memory while the database is away."""

SOURCE_SECONDS: Final = 3600.0
"""So often it is said again that a plan's source is in use: retention forgets those nobody uses."""

_UNSAFE_SETTINGS: Final = """
    SELECT name FROM pg_settings
    WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off' ORDER BY name
"""
_LOG = logging.getLogger(__name__)
_REFUSES_THE_DATA: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""What PostgreSQL says of what it was sent. Anything else is trouble of the database's own, and passes."""


class JournalWriter:
    """The `Journal` on PostgreSQL. One per process.

    Args:
        url: of the database.
        source: names the process in usage events.

    Attributes:
        owner: the executor that runs what is written.
        when_lost: told of every execution that turns out to be somebody else's.
        usage_written: set by commits that hold usage.
        unsafe_settings: those of the database with which what is committed may still be lost.
    """

    def __init__(self, url: str, source: str) -> None:
        self._url, self._source = url, source
        self.owner = NOBODY
        self.when_lost: Callable[[ExecutionRecord], None] = _ignore
        self.unsafe_settings: tuple[str, ...] = ()
        self._days: set[date] = set()
        self._sources: dict[tuple[str, str], float] = {}
        self._connection: asyncpg.Connection | None = None
        self._dirty: dict[str, ExecutionRecord] = {}
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
        if self._connection is not None:
            await self._connection.close()

    def record(self, record: ExecutionRecord) -> None:
        """Takes the record's pending events into the next commit."""
        self._dirty[record.id] = record
        if record.status in ENDED or record.released:
            self._running.discard(record.id)
        else:
            self._running.add(record.id)
        if self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._wanted.set)

    async def durable(self, record: ExecutionRecord) -> None:
        """Waits until everything recorded of this execution is committed; see `Journal.durable`."""
        if record.id in self._dirty:
            if record.id in self._running:
                self._running_and_waiting.add(record.id)
            self._wanted.set()
            await _wait_in(self._waiting_next)
        elif record.id in self._committing:
            await _wait_in(self._waiting)
        elif not self._available:
            raise JournalUnavailableError("the journal's database is not reachable")
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
        loop = asyncio.get_running_loop()
        began = 0.0
        while not (self._stopping and not self._dirty):
            await self._wanted.wait()
            pause = began + COMMIT_INTERVAL_SECONDS - loop.time()
            if pause > 0 and len(self._running) > len(self._running_and_waiting):
                await asyncio.sleep(pause)
            self._wanted.clear()
            began = loop.time()
            await self._write_batch()
            if not self._available and not self._stopping:
                await asyncio.sleep(RECONNECT_SECONDS)
                self._wanted.set()

    async def _write_batch(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        dirty, self._dirty = self._dirty, {}
        self._waiting, self._waiting_next = self._waiting_next, []
        self._running_and_waiting.clear()
        self._committing = dirty
        if dirty:
            self._backlog += parts(take(dirty.values(), self._source, self.owner), MAX_COMMIT_CHARACTERS)
        try:
            while self._backlog:
                await self._commit(self._backlog[0])
                del self._backlog[0]
        except Exception as error:  # noqa: BLE001  (whatever it is, what was recorded must be written later)
            _LOG.error("the journal cannot be written, %d commits wait: %r", len(self._backlog), error)
            self._available = False
            await self._disconnect()
            self._settle(JournalUnavailableError("the journal's database is not reachable"))
        else:
            self._available = True
            self._settle(None)
        self._committing = {}

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
        if self._connection is None or self._connection.is_closed():
            await self._connect()
        sources = self._new_sources(rows)
        try:
            await self._ensure_days(rows)
            written = await self._fetch(STATEMENT, *arguments(rows, sources))
        except asyncpg.CheckViolationError:
            self._days.clear()  # a day that retention had dropped: it is made anew when this is tried again
            raise
        except _REFUSES_THE_DATA as error:
            await self._commit_apart(rows, error)
            return
        self._sources |= dict.fromkeys(sources, asyncio.get_running_loop().time())
        self._note_lost(rows, {row["id"] for row in written})
        if any(row.usage for row in rows):
            self.usage_written.set()

    async def _connect(self) -> None:
        self._connection = await asyncpg.connect(self._url, timeout=COMMIT_TIMEOUT_SECONDS)
        found = await self._fetch(_UNSAFE_SETTINGS)
        self.unsafe_settings = tuple(row["name"] for row in found)
        if self.unsafe_settings:
            _LOG.error("the database runs without %s: not ready", ", ".join(self.unsafe_settings))

    async def _fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        assert self._connection is not None  # noqa: S101  (connected by the caller)
        rows: list[asyncpg.Record] = await self._connection.fetch(
            statement, *values, timeout=COMMIT_TIMEOUT_SECONDS
        )
        return rows

    async def _ensure_days(self, rows: list[Row]) -> None:
        for day in {day_of(row.record.id) for row in rows} - self._days:
            await self._fetch("SELECT ensure_day($1)", day)
            self._days.add(day)

    def _new_sources(self, rows: list[Row]) -> dict[tuple[str, str], str]:
        """The plans' sources nobody has stored for a while."""
        stale = asyncio.get_running_loop().time() - SOURCE_SECONDS
        return {
            key: source.content
            for row in rows
            if (source := row.record.source) is not None
            and self._sources.get(key := (row.record.tenant, source.key), stale) <= stale
        }

    def _note_lost(self, rows: list[Row], written: set[str]) -> None:
        if len(written) == len(rows):
            return
        for row in rows:
            if row.record.id not in written and not row.record.lost:
                _LOG.warning("execution %s is not ours any more", row.record.id)
                row.record.lost = True
                self.when_lost(row.record)

    async def _commit_apart(self, rows: list[Row], error: asyncpg.PostgresError) -> None:
        """One execution's refused data must not take the others of its commit down."""
        if len(rows) > 1:
            for row in rows:
                await self._commit([row])
            return
        _LOG.error("execution %s cannot be stored: %s", rows[0].record.id, type(error).__name__)
        rows[0].record.unstorable = True

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


async def _wait_in(waiting: list[asyncio.Future[None]]) -> None:
    future = asyncio.get_running_loop().create_future()
    waiting.append(future)
    await future


def _ignore(_record: ExecutionRecord) -> None:
    """Nobody wants to know yet."""
