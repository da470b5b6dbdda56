"""Usage reaches the control plane at least once, is counted once, and waits in the outbox meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tenantry.dataplane.journal.store import PostgresStore
from tenantry.dataplane.journal.writer import JournalWriter
from tenantry.dataplane.usage import reporter as reporting
from tenantry.dataplane.usage.reporter import UsageReporter
from tests.support.bundle_server import BundleServer
from tests.support.executions import Execution
from tests.support.journal import commit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg


@pytest.fixture
def server() -> BundleServer:
    return BundleServer()


@pytest.fixture
async def journal() -> JournalWriter:
    """Only its `usage_written` is used: nothing is connected."""
    return JournalWriter(PostgresStore("postgresql://nowhere"), source="tests")


@pytest.fixture
async def reporter(
    pool: asyncpg.Pool[asyncpg.Record], server: BundleServer, journal: JournalWriter
) -> AsyncIterator[UsageReporter]:
    async with server.client() as client:
        yield UsageReporter(pool, client, journal)


async def end(url: str, number: int) -> list[str]:
    """So many executions end; gives their ids."""
    executions = [Execution().finish() for _ in range(number)]
    await commit(url, *executions)
    return sorted(execution.id for execution in executions)


async def outbox(pool: asyncpg.Pool[asyncpg.Record]) -> list[str]:
    return [row["id"] for row in await pool.fetch("SELECT id::text FROM usage_outbox ORDER BY id")]


def reported(server: BundleServer) -> list[str]:
    return sorted(event.id for event in server.usage)


@asynccontextmanager
async def reporting_forever(reporter: UsageReporter) -> AsyncIterator[None]:
    task = asyncio.create_task(reporter.report_forever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def test_what_was_acknowledged_leaves_the_outbox(
    url: str, pool: asyncpg.Pool[asyncpg.Record], server: BundleServer, reporter: UsageReporter
) -> None:
    ids = await end(url, 3)
    assert await reporter.report_batch() == 3
    assert reported(server) == ids
    assert server.usage[0].data.tenant == "acme"
    assert await outbox(pool) == []
    assert await reporter.report_batch() == 0
    assert len(server.requests) == 1


async def test_what_was_not_acknowledged_stays(
    url: str, pool: asyncpg.Pool[asyncpg.Record], server: BundleServer, reporter: UsageReporter
) -> None:
    ids = await end(url, 2)
    server.down = True
    with pytest.raises(httpx.HTTPStatusError):
        await reporter.report_batch()
    assert await outbox(pool) == ids
    server.down = False
    await reporter.report_batch()
    assert reported(server) == ids


async def test_an_acknowledgement_that_was_lost_makes_it_arrive_twice_and_count_once(
    url: str, pool: asyncpg.Pool[asyncpg.Record], server: BundleServer, journal: JournalWriter
) -> None:
    ids = await end(url, 2)
    real = httpx.ASGITransport(server.app)

    async def lose(request: httpx.Request) -> httpx.Response:
        await real.handle_async_request(request)
        raise httpx.ReadError("connection reset")

    async with httpx.AsyncClient(transport=httpx.MockTransport(lose), base_url="http://cp") as client:
        with pytest.raises(httpx.ReadError):
            await UsageReporter(pool, client, journal).report_batch()
    assert await outbox(pool) == ids
    async with server.client() as client:
        await UsageReporter(pool, client, journal).report_batch()
    assert reported(server) == ids
    assert len(server.requests) == 2
    assert await outbox(pool) == []


async def test_a_refused_event_holds_nothing_back_and_stays_with_the_reason(
    url: str,
    pool: asyncpg.Pool[asyncpg.Record],
    server: BundleServer,
    reporter: UsageReporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, bad, last = await end(url, 3)
    server.refuse = {bad}
    await reporter.report_batch()
    assert reported(server) == [first, last]
    assert await outbox(pool) == [bad]
    assert await pool.fetchval("SELECT refused FROM usage_outbox") == "not a batch of usage events"
    assert f"refuses usage event {bad}" in caplog.text
    assert await reporter.report_batch() == 0


async def test_everything_that_waits_is_reported_batch_by_batch_and_then_what_comes(
    url: str,
    server: BundleServer,
    reporter: UsageReporter,
    journal: JournalWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reporting, "BATCH", 2)
    monkeypatch.setattr(reporting, "INTERVAL_SECONDS", 0.0)
    ids = await end(url, 5)
    async with reporting_forever(reporter):
        await server.usage_taken(5)
        assert reported(server) == ids
        assert [line for line in server.requests if line.endswith("200")] == [
            "POST /internal/v1/usage 200"
        ] * 3
        ids += await end(url, 1)
        journal.usage_written.set()
        await server.usage_taken(6)
    assert reported(server) == sorted(ids)


async def test_a_control_plane_or_a_connection_that_is_gone_ends_no_reporting(
    url: str,
    *,
    pool: asyncpg.Pool[asyncpg.Record],
    server: BundleServer,
    reporter: UsageReporter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(reporting, "RETRY_SECONDS", 0.001)
    ids = await end(url, 1)
    server.down = True
    async with reporting_forever(reporter):
        for _ in range(3):
            await server.answered_down.acquire()
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        server.down = False
        await server.usage_taken(1)
    assert reported(server) == ids
    assert "usage waits in the outbox" in caplog.text
