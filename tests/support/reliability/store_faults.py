"""A PostgreSQL store that fails now and then, under the whole data plane, and callers that ask again.

A commit fails `before` it is made, or `after` it: everything is written, and the writer hears of an error.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Final
from unittest.mock import patch
from uuid import uuid4

import httpx

from tenantry.dataplane.journal.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.journal.rows import Row

MOMENTS: Final = ("before", "after")
EVERY: Final = 3
"""Every third commit fails for sure, of the others one in ten."""

_SHARE: Final = 0.1
_MOST_ATTEMPTS: Final = 500


class FaultyStore(PostgresStore):
    """Its commits fail by a seed; those that only prepare the connection do not."""

    moment = "before"
    injected = 0

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._random = Random(int(os.environ.get("SEED", "1")))  # noqa: S311  (repeatable, not a secret)
        self._commits = 0

    async def commit(self, rows: list[Row]) -> set[str]:
        """See `Store.commit`."""
        self._commits += bool(rows)
        fails = bool(rows) and (self._commits % EVERY == 0 or self._random.random() < _SHARE)
        FaultyStore.injected += fails
        if fails and self.moment == "before":
            raise ConnectionResetError("a fault before the commit")
        written = await super().commit(rows)
        if fails:
            raise ConnectionResetError("a fault after the commit")
        return written


class PatientTransport(httpx.ASGITransport):
    """A caller that does as it is told: after a 503 of the journal it sends the request again."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends it until it is answered otherwise."""
        content = await request.aread()
        headers = request.headers.copy()
        if request.url.path.endswith("/execute"):
            headers.setdefault("idempotency-key", str(uuid4()))
        attempts = 0
        while True:
            again = httpx.Request(request.method, request.url, headers=headers, content=content)
            response = await super().handle_async_request(again)
            text = await response.aread()
            attempts += 1
            unavailable = response.status_code == httpx.codes.SERVICE_UNAVAILABLE
            if attempts == _MOST_ATTEMPTS or not unavailable or b"/journal-unavailable" not in text:
                return response
            await asyncio.sleep(0.01)


@contextmanager
def faulty_store(moment: str) -> Iterator[type[FaultyStore]]:
    """Inside, every data plane of the test process has such a store, and tests ask patiently."""
    FaultyStore.injected = 0
    with (
        patch.object(FaultyStore, "moment", moment),
        patch("tenantry.dataplane.process.PostgresStore", FaultyStore),
        patch("tenantry.dataplane.journal.writer.RECONNECT_SECONDS", 0.005),
        patch("tests.support.dataplane.httpx.ASGITransport", PatientTransport),
    ):
        yield FaultyStore
