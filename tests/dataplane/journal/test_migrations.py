"""Migrations while a former version writes: what it wrote before, meanwhile and afterwards is all there."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tenantry.dataplane.identifiers import new_execution_id
from tenantry.dataplane.journal.history import History, HistoryFilter
from tenantry.dataplane.journal.ownership import Ownership
from tenantry.dataplane.journal.rows import NOBODY
from tenantry.dataplane.process import MIGRATIONS
from tenantry.postgres.migration import migrate
from tenantry.tenants.identity import TenantId
from tests.support.eventually import eventually
from tests.support.executions import NOON, Execution
from tests.support.former_versions import former_versions, migrate_to, revisions_after
from tests.support.journal import commit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.former_versions import FormerVersion

ACME = TenantId("acme")
VERSIONS = former_versions()


class FormerWriter:
    """Writes one execution after another as the former version did, and again what was not acknowledged.

    Attributes:
        ended: the executions it has written to their end.
        troubles: what kept it from writing at once.
    """

    def __init__(self, version: FormerVersion, url: str) -> None:
        self._version, self._url = version, url
        self._connection: asyncpg.Connection | None = None
        self.ended: list[str] = []
        self.troubles: list[Exception] = []

    async def live(self, at: float, commits: int | None = None) -> str:
        """An execution that began then, to its end or until so many commits."""
        execution_id = new_execution_id(at)
        for arguments in self._version.life(execution_id)[:commits]:
            while not await self._wrote(arguments):
                pass
        if commits is None:
            self.ended.append(execution_id)
        return execution_id

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _wrote(self, arguments: list[object]) -> bool:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._url)
            await self._connection.execute(self._version.statement, *arguments, timeout=5)
        except (OSError, asyncpg.PostgresError) as error:
            self.troubles.append(error)
            return False
        return True


@asynccontextmanager
async def writing(writer: FormerWriter, now: float) -> AsyncIterator[None]:
    """It writes all the time inside."""

    async def write_on() -> None:
        while True:
            await writer.live(now)

    task = asyncio.create_task(write_on())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
async def url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> FormerVersion:
    found: FormerVersion = request.param
    return found


@pytest.fixture
async def writers(url: str, version: FormerVersion) -> AsyncIterator[list[FormerWriter]]:
    await migrate_to(url, version.revision)
    writers = [FormerWriter(version, url) for _ in range(3)]
    yield writers
    for writer in writers:
        await writer.close()


async def test_while_a_former_version_writes_every_later_migration_loses_nothing(
    url: str, version: FormerVersion, writers: list[FormerWriter], database: asyncpg.Connection
) -> None:
    now = (await database.fetchval("SELECT extract(epoch FROM now())::float8")) + 60
    for days in range(10):
        await writers[0].live(NOON + days * 86400)
    async with writing(writers[0], now), writing(writers[1], now), writing(writers[2], now):
        for revision in revisions_after(version.revision):
            await written_on(writers)
            await migrate_to(url, revision)
            await written_on(writers)
    assert [trouble for writer in writers for trouble in writer.troubles] == []
    ended = [execution for writer in writers for execution in writer.ended]
    assert len(set(ended)) == len(ended)
    found = await database.fetch(
        "SELECT id::text, status, workflow, labels::text FROM executions WHERE id = ANY($1::uuid[])", ended
    )
    assert {row["id"] for row in found} == set(ended)
    assert {tuple(row)[1:] for row in found} == {("completed", "made-by-hand", '{"team": "shop"}')}
    kept = await database.fetch(
        "SELECT array_agg(sequence ORDER BY sequence) AS told FROM events"
        " WHERE execution_id = ANY($1::uuid[]) GROUP BY execution_id",
        ended,
    )
    assert len(kept) == len(ended)
    assert {tuple(row["told"]) for row in kept} == {tuple(range(1, 8))}
    usage = await database.fetchval("SELECT count(*) FROM usage_outbox WHERE id = ANY($1::uuid[])", ended)
    assert usage == len(ended)


async def written_on(writers: list[FormerWriter]) -> None:
    """Waits until each has written other executions to their ends."""
    wanted = {writer: len(writer.ended) + 2 for writer in writers}
    await eventually(lambda: all(len(writer.ended) >= number for writer, number in wanted.items()))


async def test_what_a_former_version_stored_is_read_and_nobody_takes_what_it_runs(
    url: str, writers: list[FormerWriter]
) -> None:
    writer = writers[0]
    running = await writer.live(NOON, commits=1)
    ended = await writer.live(NOON + 86400)
    await migrate(url, MIGRATIONS)
    new = Execution(at=NOON + 2 * 86400).finish()
    await commit(url, new)
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        history = History(pool)
        page = await history.page(ACME, HistoryFilter(workflow="made-by-hand"), 10)
        assert [summary.id for summary in page] == [new.id, ended, running]
        assert [summary.status for summary in page] == ["completed", "completed", "running"]
        assert [len(await history.events(ACME, id_)) for id_ in (running, ended)] == [3, 7]
        assert not await Ownership(pool).bury(NOBODY)
    assert await writer.live(NOON + 86400)
    assert writer.troubles == []


async def test_several_processes_that_migrate_at_the_same_time_do_it_once(url: str) -> None:
    await asyncio.gather(*(migrate(url, MIGRATIONS) for _ in range(3)))
    execution = Execution().finish()
    assert await commit(url, execution) == {execution.id}
