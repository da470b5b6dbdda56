"""A journal on a fresh database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.journal import writer as writing
from tenantry.dataplane.journal.store import PostgresStore
from tenantry.dataplane.journal.writer import JournalWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.engine.record import ExecutionRecord


class BoundedWriter(JournalWriter):
    """Nothing waits for ever in these tests: a writer that does not answer fails them."""

    async def durable(self, record: ExecutionRecord) -> None:
        async with asyncio.timeout(10):
            await super().durable(record)

    async def stop(self) -> None:
        async with asyncio.timeout(10):
            await super().stop()


@pytest.fixture
async def journal(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JournalWriter]:
    monkeypatch.setattr(writing, "RECONNECT_SECONDS", 0.01)
    journal = BoundedWriter(PostgresStore(url), source="tests")
    await journal.start()
    yield journal
    await journal.stop()
