"""Callbacks as the journal's writer leaves them, and a receiver that remembers what it was sent."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from standardwebhooks.webhooks import Webhook

from tenantry.dataplane.identifiers import new_execution_id
from tenantry.protocol.callbacks import completion_body
from tests.support.executions import NOON
from tests.support.upstream import Peer, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        """Which message it is."""
        return self.headers["webhook-id"]

    @property
    def timestamp(self) -> int:
        """When this try was made, in epoch seconds."""
        return int(self.headers["webhook-timestamp"])

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures is what the library of Standard Webhooks makes of it, at any age."""
        expected = Webhook(secret).sign(self.id, datetime.fromtimestamp(self.timestamp, UTC), self.body)
        return expected in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """Answers every request with `status` and `headers`, and `body` after them, unless `silent`."""

    url: str = ""
    status: str = "204 No Content"
    headers: str = ""
    body: bytes = b""
    silent: bool = False
    received: list[Received] = field(default_factory=list)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def script(self, peer: Peer) -> None:
        """Takes requests until the client closes."""
        while True:
            self.received.append(_parse(await peer.request()))
            self.arrived.release()
            if self.silent:
                await peer.closed()
                return
            await peer.answer(self.body, status=self.status, headers=self.headers)

    @property
    def ids(self) -> list[str]:
        """The messages that came, sorted; one that came twice is there twice."""
        return sorted(one.id for one in self.received)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A running receiver."""
    receiver = Receiver()
    async with serve(receiver.script) as upstream:
        receiver.url = f"{upstream.url}/hook?of=a%20test"
        yield receiver


async def owe(
    connection: asyncpg.Connection | asyncpg.Pool[asyncpg.Record],
    url: str,
    *,
    tenant: str = "acme",
    execution_id: str = "",
    run: int = 1,
    status: str = "pending",
) -> str:
    """An execution of the tenant ended, and its callback is due; gives the execution's id."""
    execution_id = execution_id or new_execution_id(NOON)
    body = completion_body(
        execution_id=execution_id,
        tenant=tenant,
        workflow="order",
        version=1,
        run=run,
        status="completed",
        ended_at=NOON,
        output={"of": f"{tenant} \N{SNOWMAN}"},
    )
    await connection.execute(
        "INSERT INTO callbacks (tenant, execution_id, run, url, body, status, next_at)"
        " VALUES ($1, $2::uuid, $3, $4, $5, $6, now())",
        tenant, execution_id, run, url, body, status,
    )  # fmt: skip
    return execution_id


async def callback_row(
    connection: asyncpg.Connection | asyncpg.Pool[asyncpg.Record], execution_id: str, run: int = 1
) -> dict[str, Any]:
    """What the database says of a callback."""
    row = await connection.fetchrow(
        "SELECT * FROM callbacks WHERE execution_id = $1::uuid AND run = $2", execution_id, run
    )
    return dict(row)


def _parse(request: bytes) -> Received:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(one.lower().split(": ", 1) for one in fields if not one.lower().startswith("webhook-s"))
    signature = next(one.partition(": ")[2] for one in fields if one.lower().startswith("webhook-signature"))
    return Received(line, {**headers, "webhook-signature": signature}, body.decode())
