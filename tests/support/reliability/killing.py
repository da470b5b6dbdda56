"""Real data planes on a real PostgreSQL, killed at a persistence point; another goes on, the upstream judges.

Every case has a database of its own. The runner begins in it; the rescuer takes over what the runner left;
the survivor goes on with whatever is left then, or only says what became of it.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import asyncpg
import httpx

from tenantry.dataplane.bundles.disk import BundleDirectory
from tenantry.dataplane.process import MIGRATIONS
from tenantry.protocol.bundles import sign
from tests.support.dataplane import served_bundle
from tests.support.eventually import eventually
from tests.support.ports import find_free_ports
from tests.support.reliability.judge import DOCUMENTS, Judge, judging
from tests.support.reliability.killed import serve
from tests.support.tenants import SIGNING_KEY, token_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

_AT_ONCE: Final = 4
_KEY: Final = base64.b64encode(SIGNING_KEY.public_key().public_bytes_raw()).decode()
_FORKS: Final = multiprocessing.get_context("forkserver")  # what has been imported already starts at once
_FORKS.set_forkserver_preload(["tests.support.reliability.killed"])
_BASE: Final = "/tenants/acme/api/v1"
_STATUS: Final = {"good": 200, "gone": 502, "cancelled": 503, "resumed": 200, "retried": 502}
_ORDER: Final = {"cancelled": "cancel", "resumed": "resume", "retried": "retry"}


@dataclass(frozen=True, slots=True)
class KillPoint:
    """Where a process dies.

    Attributes:
        at: its persistence point, such as `commit-3` for its third commit; see `killed`.
        moment: `before` or `after` that.
        end: of the order: `good`, or `gone`, which is failed and undone; or what the rescuer is asked for,
            so that it is `cancelled` as it runs, `resumed` after a pause, or `retried` after it has failed.
        left: it is the rescuer that dies there, and it found what a runner left that died after so many
            commits (or came to the pause or the end to go on from); 0: the runner dies there.
        round: tells repetitions apart.
    """

    at: str
    moment: str
    end: str
    left: int = 0
    round: int = 0

    @property
    def case(self) -> str:
        """Its name."""
        return f"{self.who}-{self.moment}-{self.at}-{self.end}-{self.left}-{self.round}"

    @property
    def name(self) -> str:
        """What its process does there."""
        return self.at.partition("-")[0]

    @property
    def who(self) -> str:
        """The process that dies there."""
        return "rescuer" if self.left else "runner"

    def environment(self, who: str) -> dict[str, str]:
        """What a process is told of its death."""
        if who == self.who:
            return {"KILLED_AT": self.at, "KILLED": self.moment}
        if who == "runner" and self.end not in ("resumed", "retried"):
            return {"KILLED_AT": f"commit-{self.left}", "KILLED": "after"}
        return {}

    @property
    def unheard(self) -> bool:
        """What the rescuer was asked for is not in the database: whoever asked has to ask again."""
        if self.end == "resumed":
            return self.at == "take-1" or (self.at, self.moment) == ("commit-1", "before")
        return (self.at, self.moment) == ("order-1", "before")


@dataclass
class Verdict:
    """What came of it. `violations` must be empty; `reached` are the points at which a process died."""

    reached: list[KillPoint] = field(default_factory=list)
    unknown: int = 0
    violations: list[str] = field(default_factory=list)


def kill_points(commits: int, rounds: int = 1) -> list[KillPoint]:
    """All of them, up to so many commits of each process."""
    every = [f"commit-{number}" for number in range(1, commits + 1)]
    taken_over = ["bury-1", "take_orphans-1", *every]
    places: list[tuple[str, int, list[str]]] = [
        *((end, 0, every) for end in ("good", "gone")),
        *(("good", left, [*taken_over, "disclaim-1"]) for left in (1, 2, 3)),
        *(("gone", left, taken_over) for left in (1, 2, 3, 4)),
        *(("cancelled", left, ["order-1", "orders-1", "done-1", *taken_over]) for left in (1, 2, 3)),
        ("resumed", 1, ["take-1", *every]),
        ("retried", 1, ["take-1", "give_back-1", *every]),
    ]
    return [
        KillPoint(at, moment, end, left, number)
        for number in range(rounds)
        for end, left, names in places
        for at in names
        for moment in ("before", "after")
    ]


async def kill_at(points: Sequence[KillPoint], make_database: Callable[[Path], str], folder: Path) -> Verdict:
    """Plays every point."""
    verdict, turns = Verdict(), asyncio.Semaphore(_AT_ONCE)
    async with judging() as judge:
        bundle = served_bundle("acme", documents=DOCUMENTS.format(url=judge.url))
        BundleDirectory(folder).save(bundle.tenant, sign(bundle, SIGNING_KEY))

        async def play(point: KillPoint) -> None:
            async with turns:
                url = make_database(MIGRATIONS)
                database = await asyncpg.connect(url)
                try:
                    await _Case(point, judge, database, _settings(url, folder), verdict).play()
                finally:
                    await database.close()

        await asyncio.gather(*map(play, points))
    return verdict


@dataclass(frozen=True)
class _Replica:
    """A data plane's process, and a client of it."""

    client: httpx.AsyncClient
    process: ForkServerProcess

    async def ask(
        self, method: Literal["GET", "POST"], path: str, role: str = "caller", **options: Any
    ) -> httpx.Response | None:
        """The answer; `None` when the process died under the request."""
        headers = {"Authorization": f"Bearer {token_for('acme', role)}", **options.pop("headers", {})}
        try:
            return await self.client.request(method, f"{_BASE}{path}", headers=headers, **options)
        except httpx.TransportError:
            await self.dead()
            return None

    async def dead(self) -> None:
        """Waits until the process is."""
        await eventually(lambda: self.process.exitcode is not None)


@dataclass(frozen=True)
class _Case:
    """One kill point: what is asked of which process, and what must have come of it in the end."""

    point: KillPoint
    judge: Judge
    database: asyncpg.Connection[asyncpg.Record]
    settings: dict[str, str]
    verdict: Verdict
    answers: list[httpx.Response] = field(default_factory=list)

    async def play(self) -> None:
        """Lets the processes live one after the other, and judges."""
        try:
            async with self._living("runner") as runner:
                await self._begin(runner)
            if self.point.left:
                async with self._living("rescuer") as rescuer:
                    await self._order(rescuer)
                    await self._end(rescuer)
                    if self.point.at == "done-1":  # nobody waits for that
                        await rescuer.dead()
            async with self._living("survivor") as survivor:
                if self.point.unheard:
                    await self._order(survivor)
                await self._end(survivor)
                await self._judge_answers(survivor)
                await eventually(self._is_over)
        except TimeoutError:
            self._violated("stuck, or a process that was to die has not")
        self._judge_effects()

    @asynccontextmanager
    async def _living(self, who: str) -> AsyncIterator[_Replica]:
        async with _started({**self.settings, **self.point.environment(who)}) as replica:
            yield replica
            if who == self.point.who and replica.process.exitcode == -signal.SIGKILL:
                self.verdict.reached.append(self.point)

    async def _begin(self, runner: _Replica) -> None:
        """The runner does what the rescuer is to find."""
        if self.point.end != "resumed":
            await self._execute(runner)
            return
        await self._execute(runner, Prefer="respond-async")
        await eventually(lambda: self._held in self.judge.held)
        await runner.ask("POST", f"/executions/{await self._id()}/pause")
        self.judge.held[self._held].set()
        await eventually(self._is_nobodys)

    async def _order(self, replica: _Replica) -> None:
        if self.point.end in _ORDER:
            await replica.ask("POST", f"/executions/{await self._id()}/{_ORDER[self.point.end]}")

    async def _end(self, replica: _Replica) -> None:
        """Asks again until it is told more than "later", or the process dies."""

        async def ended() -> bool:
            answer = await self._execute(replica)
            return answer is None or _is_final(answer)

        await eventually(ended)

    async def _execute(self, replica: _Replica, **headers: str) -> httpx.Response | None:
        end = {"gone": "gone", "retried": "gone", "cancelled": self._held}.get(self.point.end, "good")
        begin = self._held if self.point.end == "resumed" else "quote"
        body = {"case": self.point.case, "begin": begin, "end": end}
        headers = {"Idempotency-Key": self.point.case, **headers}
        answer = await replica.ask("POST", "/workflows/order/execute", json=body, headers=headers)
        if answer is not None and "Execution-Id" in answer.headers:
            self.answers.append(answer)
        return answer

    async def _judge_answers(self, survivor: _Replica) -> None:
        told = self.answers[-1]
        if len({answer.headers["Execution-Id"] for answer in self.answers}) > 1:
            self._violated("the key stands for two executions")
        if len({answer.status_code for answer in self.answers if _is_final(answer)}) > 1:
            self._violated("the answer was another before")
        if _failure(told) == "outcome-unknown":
            self.verdict.unknown += 1
            letters = await survivor.ask("GET", "/dlq", "tenant-admin")
            if letters is None or told.headers["Execution-Id"] not in letters.text:
                self._violated("an unknown outcome is not among the dead letters")
        elif told.status_code != _STATUS[self.point.end]:
            self._violated(f"{told.status_code} {told.text}")

    def _judge_effects(self) -> None:
        # A charge that could not be told from none is not undone twice, nor twice done: it has a key.
        effects, end = self.judge.effects, self.point.end
        done = {path: effects[path, self.point.case] for path in ("charge", "ship", "refund")}
        at_most = {"charge": 1, "ship": 2 if end == "retried" else 1, "refund": 1}
        if any(done[path] > at_most[path] for path in done) or (end != "cancelled" and done["charge"] != 1):
            self._violated(f"{done}")
        if end in ("gone", "retried") and done["refund"] != 1:
            self._violated(f"failed and not undone: {done}")

    async def _id(self) -> str:
        execution_id: str = await self.database.fetchval("SELECT id::text FROM executions")
        return execution_id

    async def _is_nobodys(self) -> bool:
        return await self.database.fetchval("SELECT owner FROM executions") is None

    async def _is_over(self) -> bool:
        executions = "SELECT FROM executions WHERE ended_at IS NULL OR owner IS NOT NULL"
        return not await self.database.fetch(executions) + await self.database.fetch("SELECT FROM commands")

    @property
    def _held(self) -> str:
        return f"held-{self.point.case}"

    def _violated(self, how: str) -> None:
        self.verdict.violations.append(f"{self.point.case}: {how}")


def _is_final(answer: httpx.Response) -> bool:
    return answer.status_code not in (202, 503) or _failure(answer) == "cancelled"


def _failure(answer: httpx.Response) -> str:
    """The last part of the problem's address; empty when it is none."""
    return str(answer.json().get("type", "")).rpartition("/")[2]


def _settings(url: str, folder: Path) -> dict[str, str]:
    return {
        "TENANTRY_DATABASE_URL": url,
        "TENANTRY_BUNDLE_PUBLIC_KEY": _KEY,
        "TENANTRY_BUNDLE_DIRECTORY": str(folder),
        "TENANTRY_LEASE_SECONDS": "1",
    }


@asynccontextmanager
async def _started(settings: dict[str, str]) -> AsyncIterator[_Replica]:
    """A data plane that is ready; nothing of it is left afterwards."""
    port = find_free_ports().data_plane
    process = _FORKS.Process(target=serve, args=({**settings, "TENANTRY_PORT": str(port)},))
    process.start()
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
            await eventually(lambda: _is_ready(client))
            yield _Replica(client, process)
    finally:
        process.kill()
        process.join()


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
