"""Reports usage: reads the outbox in batches, sends them, deletes what was acknowledged."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from tenantry.protocol.usage import BATCH_CONTENT_TYPE

if TYPE_CHECKING:
    import asyncpg
    import httpx

    from tenantry.dataplane.journal.writer import JournalWriter

BATCH: Final = 1000
INTERVAL_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 2.0

_REFUSED: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)
_LOG = logging.getLogger(__name__)


class UsageReporter:
    """Moves usage events from the data plane's database to the control plane."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], client: httpx.AsyncClient, journal: JournalWriter
    ) -> None:
        self._pool, self._client, self._journal = pool, client, journal

    async def report_forever(self) -> None:
        """Reports until cancelled; what could not be sent stays in the outbox."""
        while True:
            try:
                self._journal.usage_written.clear()
                while await self.report_batch() == BATCH:
                    pass
                await self._journal.usage_written.wait()
                await asyncio.sleep(INTERVAL_SECONDS)
            except Exception as error:  # noqa: BLE001  (a reporter that ends would never report again)
                _LOG.warning("usage waits in the outbox: %r", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def report_batch(self) -> int:
        """Reports the oldest events.

        Returns:
            How many; fewer than `BATCH` when no more wait.

        Raises:
            httpx.HTTPError: the control plane did not acknowledge; nothing is deleted.
        """
        rows = await self._pool.fetch(
            "SELECT id, event FROM usage_outbox WHERE refused IS NULL ORDER BY id LIMIT $1", BATCH
        )
        if rows:
            await self._report(rows)
        return len(rows)

    async def _report(self, rows: list[asyncpg.Record]) -> None:
        batch = f"[{','.join(row['event'] for row in rows)}]".encode()
        response = await self._client.post(
            "/internal/v1/usage", content=batch, headers={"Content-Type": BATCH_CONTENT_TYPE}
        )
        if response.status_code in _REFUSED:
            await self._report_apart(rows, response.text)
            return
        response.raise_for_status()
        await self._pool.execute(
            "DELETE FROM usage_outbox WHERE id = ANY($1::uuid[])", [row["id"] for row in rows]
        )

    async def _report_apart(self, rows: list[asyncpg.Record], reason: str) -> None:
        """One refused event must not hold the others back; it stays in the outbox with the reason."""
        if len(rows) > 1:
            for row in rows:
                await self._report([row])
            return
        _LOG.error("the control plane refuses usage event %s: %s", rows[0]["id"], reason[:500])
        await self._pool.execute(
            "UPDATE usage_outbox SET refused = $2 WHERE id = $1", rows[0]["id"], reason[:500]
        )
