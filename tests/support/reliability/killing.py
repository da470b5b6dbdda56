"""Real data planes on a real PostgreSQL, killed at a commit; another goes on, and the upstream judges."""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import httpx

from tenantry.dataplane.bundles.disk import BundleDirectory
from tenantry.protocol.bundles import sign
from tests.support.dataplane import served_bundle
from tests.support.eventually import eventually
from tests.support.ports import find_free_ports
from tests.support.reliability.judge import DOCUMENTS, Judge, judging
from tests.support.reliability.killed import serve
from tests.support.tenants import SIGNING_KEY, token_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

_AT_ONCE: Final = 3
_KEY: Final = base64.b64encode(SIGNING_KEY.public_key().public_bytes_raw()).decode()
_FORKS: Final = multiprocessing.get_context("forkserver")  # what has been imported already starts at once
_FORKS.set_forkserver_preload(["tests.support.reliability.killed"])
_BASE: Final = "/tenants/acme/api/v1"


@dataclass(frozen=True, slots=True)
class KillPoint:
    """Where a process dies: `before` or `after` its n-th commit, of an order that is to end so."""

    commit: int
    moment: str
    end: str
    round: int = 0

    @property
    def case(self) -> str:
        """Its name."""
        return f"{self.moment}-{self.commit}-{self.end}-{self.round}"


@dataclass
class Verdict:
    """What came of it. `violations` must be empty."""

    kills: int = 0
    unknown: int = 0
    violations: list[str] = field(default_factory=list)


def kill_points(commits: int, rounds: int = 1) -> list[KillPoint]:
    """All of them, up to so many commits of each process."""
    return [
        KillPoint(commit, moment, end, number)
        for number in range(rounds)
        for end in ("good", "gone")
        for commit in range(1, commits + 1)
        for moment in ("before", "after")
    ]


async def kill_at(points: Sequence[KillPoint], url: str, folder: Path) -> Verdict:
    """Plays every point; one executor survives them all."""
    verdict, turns = Verdict(), asyncio.Semaphore(_AT_ONCE)
    async with judging() as judge:
        bundle = served_bundle("acme", documents=DOCUMENTS.format(url=judge.url))
        BundleDirectory(folder).save(bundle.tenant, sign(bundle, SIGNING_KEY))
        async with _started(url, folder) as (survivor, _):

            async def play(point: KillPoint) -> None:
                async with turns:
                    await _play(point, survivor, url, folder, verdict)
                    _judge(point, judge, verdict)

            await asyncio.gather(*map(play, points))
            await _check_database(url, verdict)
    return verdict


async def _play(
    point: KillPoint, survivor: httpx.AsyncClient, url: str, folder: Path, verdict: Verdict
) -> None:
    environment = {"KILLED_AT": str(point.commit), "KILLED": point.moment}
    async with _started(url, folder, **environment) as (client, process):
        answer = await _ask(client, point)
        told = await _end_of(survivor, point)
        verdict.kills += answer is None and process.exitcode == -signal.SIGKILL
    execution_id, failure = told.headers["Execution-Id"], told.json().get("type", "")
    if answer is not None and answer.headers["Execution-Id"] != execution_id:
        verdict.violations.append(f"{point.case}: the key stands for two executions")
    if failure.endswith("/outcome-unknown"):
        verdict.unknown += 1
        letters = await survivor.get(f"{_BASE}/dlq", headers=_headers("tenant-admin"))
        if execution_id not in letters.text:
            verdict.violations.append(f"{point.case}: an unknown outcome is not among the dead letters")
    elif told.status_code != (200 if point.end == "good" else 502):
        verdict.violations.append(f"{point.case}: {told.status_code} {told.text}")


async def _ask(client: httpx.AsyncClient, point: KillPoint) -> httpx.Response | None:
    """The answer; `None` when the process died under the request."""
    body = {"case": point.case, "end": point.end}
    headers = {**_headers("caller"), "Idempotency-Key": point.case}
    try:
        return await client.post(f"{_BASE}/workflows/order/execute", json=body, headers=headers)
    except httpx.TransportError:
        return None


async def _end_of(survivor: httpx.AsyncClient, point: KillPoint) -> httpx.Response:
    """What the survivor answers whoever asks again, once it says more than "later"."""
    found: list[httpx.Response] = []

    async def ended() -> bool:
        answer = await _ask(survivor, point)
        assert answer is not None, "the survivor died"
        found.append(answer)
        return answer.status_code not in (202, 503)

    await eventually(ended)
    return found[-1]


def _judge(point: KillPoint, judge: Judge, verdict: Verdict) -> None:
    done = {path: judge.effects[path, point.case] for path in ("charge", "ship", "refund")}
    # A charge that could not be told from none is not undone twice, nor twice done: it has a key.
    if done["charge"] != 1 or done["ship"] > 1 or done["refund"] > 1:
        verdict.violations.append(f"{point.case}: {done}")
    if point.end == "gone" and done["refund"] != 1:
        verdict.violations.append(f"{point.case}: failed and not undone: {done}")


async def _check_database(url: str, verdict: Verdict) -> None:
    database = await asyncpg.connect(url)
    try:
        stuck = await database.fetch("SELECT id, status FROM executions WHERE ended_at IS NULL")
        unsolved = await database.fetch("SELECT id FROM executions WHERE owner IS NOT NULL")
    finally:
        await database.close()
    verdict.violations += [f"{row['id']} is {row['status']} for ever" for row in stuck]
    verdict.violations += [f"{row['id']} ended and is owned" for row in unsolved]


def _headers(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_for('acme', role)}"}


@asynccontextmanager
async def _started(
    url: str, folder: Path, **environment: str
) -> AsyncIterator[tuple[httpx.AsyncClient, ForkServerProcess]]:
    """A data plane process that is ready, and a client of it."""
    port = find_free_ports().data_plane
    settings = {
        "TENANTRY_DATABASE_URL": url,
        "TENANTRY_BUNDLE_PUBLIC_KEY": _KEY,
        "TENANTRY_BUNDLE_DIRECTORY": str(folder),
        "TENANTRY_PORT": str(port),
        "TENANTRY_LEASE_SECONDS": "1",
    }
    process = _FORKS.Process(target=serve, args=({**settings, **environment},))
    process.start()
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
            await eventually(lambda: _is_ready(client))
            yield client, process
    finally:
        process.kill()
        process.join()


async def _is_ready(client: httpx.AsyncClient) -> Any:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
