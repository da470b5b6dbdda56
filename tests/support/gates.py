"""An upstream that counts what it is asked, and holds answers back until they are let through."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.support.eventually import eventually
from tests.support.upstream import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.upstream import Peer


class Gates:
    """Answers every request with its path and how often that was asked for, unless a test says otherwise.

    Attributes:
        url: where it is.
        asked: how often each path was asked for.
        answers: bodies and statuses by path, for all requests of that path.
        keys: the `Idempotency-Key` of each request that had one, by path.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        self.answers: dict[str, tuple[str, bytes]] = {}
        self.bodies: dict[str, list[Any]] = {}
        self.keys: dict[str, list[str]] = {}
        self._held: dict[str, asyncio.Event] = {}

    def hold(self, *paths: str) -> None:
        """From now on these wait."""
        self._held |= {path: asyncio.Event() for path in paths}

    def let(self, *paths: str) -> None:
        """These wait no longer."""
        for path in paths:
            self._held.pop(path).set()

    def fail(self, path: str, status: str = "410 Gone") -> None:
        """From now on this one fails."""
        self.answers[path] = (status, b"{}")

    def mend(self, path: str) -> None:
        """From now on this one succeeds."""
        del self.answers[path]

    async def called(self, path: str, times: int = 1) -> None:
        """Waits until the path was asked for so many times."""
        await eventually(lambda: self.asked[path] >= times)

    async def script(self, peer: Peer) -> None:
        """One connection."""
        while True:
            head, _, body = (await peer.request()).partition(b"\r\n\r\n")
            path = head.split(b" ")[1].decode().removeprefix("/")
            self.asked[path] += 1
            number = self.asked[path]
            self.bodies.setdefault(path, []).append(json.loads(body) if body else None)
            self.keys.setdefault(path, []).extend(_key(head))
            if path in self._held:
                await self._held[path].wait()
            told = json.dumps({"path": path, "call": number}).encode()
            status, answer = self.answers.get(path, ("200 OK", told))
            await peer.answer(answer, status=status, headers="Content-Type: application/json\r\n")


@asynccontextmanager
async def gated_upstream() -> AsyncIterator[Gates]:
    """A running upstream."""
    gates = Gates()
    async with serve(gates.script) as upstream:
        gates.url = upstream.url
        yield gates


def _key(head: bytes) -> list[str]:
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    return [value.strip().decode() for name, _, value in lines if name.lower() == b"idempotency-key"]
