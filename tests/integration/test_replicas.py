"""Two whole data planes on one database and one Redis work as one; without the Redis, both go on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.redis import link as linking
from tenantry.dataplane.redis import replicas as counting
from tenantry.dataplane.settings import RedisDown
from tests.support.dataplane import run_data_plane, served_bundle
from tests.support.eventually import eventually
from tests.support.upstream import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx

    from tests.support.dataplane import DataPlane
    from tests.support.redis import RedisServer
    from tests.support.upstream import Peer

LIMIT = 10
DOCUMENTS = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: ask-flaky}}
spec:
  type: http
  request: {{method: GET, url: "{url}/flaky"}}
  circuitBreaker: {{failureThreshold: 2}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: ask-counter}}
spec:
  type: http
  request: {{method: GET, url: "{url}/counter"}}
  cache: {{ttl: 1h}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: flaky}}
spec:
  tasks: [{{id: ask, taskRef: ask-flaky}}]
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: counter}}
spec:
  tasks: [{{id: ask, taskRef: ask-counter}}]
  output: {{count: "{{{{tasks.ask.output.count}}}}"}}
"""


@dataclass
class Flaky:
    """An upstream that counts, and fails on one path."""

    url: str = ""
    count: int = 0

    async def talk(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            self.count += 1
            if b"/flaky" in request.partition(b"\r\n")[0]:
                await peer.answer(status="500 Internal Server Error")
            else:
                body = b'{"count": %d}' % self.count
                await peer.answer(body, headers="Content-Type: application/json\r\n")


@dataclass(frozen=True)
class Replicas:
    """Two data planes, and what they share."""

    one: DataPlane
    other: DataPlane
    redis: RedisServer
    upstream: Flaky

    @property
    def both(self) -> tuple[DataPlane, DataPlane]:
        return self.one, self.other

    async def know_each_other(self) -> None:
        for plane in self.both:
            await eventually(partial(sharing, plane, available=True, replicas=2))

    async def lose_redis(self) -> None:
        self.redis.stop()
        for plane in self.both:
            await eventually(partial(sharing, plane, available=False, replicas=2))

    async def find_redis(self) -> None:
        self.redis.start()
        await self.know_each_other()


def sharing(plane: DataPlane, *, available: bool, replicas: int) -> bool:
    found = plane.services.sharing
    assert found is not None
    return (found.link.available, found.replicas.count) == (available, replicas)


@pytest.fixture
def start(
    make_database: Callable[[], str],
    tmp_path: Path,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Any]:
    """Starts two replicas that notice changes quickly."""
    monkeypatch.setattr(counting, "INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(linking, "RETRY_SECONDS", 0.01)

    @asynccontextmanager
    async def started(redis_down: RedisDown = RedisDown.LOCAL, **spec: Any) -> AsyncIterator[Replicas]:
        flaky = Flaky()
        async with serve(flaky.talk) as upstream:
            bundle = served_bundle(documents=DOCUMENTS.format(url=upstream.url), spec=spec)
            options: dict[str, Any] = {"redis_url": redis_server.url, "redis_down": redis_down}
            url = make_database()
            async with (
                run_data_plane(url, tmp_path / "one", bundle, **options) as one,
                run_data_plane(url, tmp_path / "other", bundle, **options) as other,
            ):
                replicas = Replicas(one, other, redis_server, flaky)
                await replicas.know_each_other()
                yield replicas

    return started


async def code_of(plane: DataPlane, workflow: str) -> str:
    answer = await plane.execute(workflow)
    return str(answer.json()["type"]).rpartition("/")[2]


async def circuit_of(plane: DataPlane) -> str:
    answer = await plane.ask("GET", "/circuits/health", role="viewer")
    return str(answer.json()["status"])


async def admitted(plane: DataPlane, requests: int) -> int:
    answers = await asyncio.gather(*(plane.execute("counter") for _ in range(requests)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    return sum(answer.status_code == 200 for answer in answers)


async def count_from(plane: DataPlane) -> Any:
    answer: httpx.Response = await plane.execute("counter")
    assert answer.status_code == 200, answer.text
    return answer.json()["count"]


async def test_a_circuit_that_one_opened_is_open_for_both(start: Callable[..., Any]) -> None:
    async with start() as replicas:
        assert await code_of(replicas.one, "flaky") == "upstream-status"
        assert await code_of(replicas.other, "flaky") == "upstream-status"
        assert [await code_of(plane, "flaky") for plane in replicas.both] == ["circuit-open"] * 2
        assert replicas.upstream.count == 2
        assert [await circuit_of(plane) for plane in replicas.both] == ["degraded"] * 2


async def test_a_limit_is_one_limit_over_both(start: Callable[..., Any]) -> None:
    async with start(quotas={"maxWorkflowsPerDay": LIMIT}) as replicas:
        numbers = await asyncio.gather(admitted(replicas.one, LIMIT), admitted(replicas.other, LIMIT))
        assert sum(numbers) == LIMIT


async def test_a_result_of_one_is_served_by_the_other(start: Callable[..., Any]) -> None:
    async with start() as replicas:
        assert [await count_from(plane) for plane in replicas.both] == [1, 1]
        assert replicas.upstream.count == 1


async def test_without_redis_both_go_on_and_with_it_they_share_again(start: Callable[..., Any]) -> None:
    async with start(quotas={"maxWorkflowsPerDay": LIMIT}) as replicas:
        assert await admitted(replicas.one, 2) == 2
        await replicas.lose_redis()
        assert await admitted(replicas.one, LIMIT) == LIMIT // 2 - 2
        assert await admitted(replicas.other, LIMIT) == LIMIT // 2
        readiness = await replicas.one.client.get("/readyz")
        assert readiness.status_code == 200
        assert readiness.json()["redis"] == {"available": False, "replicas": 2}
        await replicas.find_redis()
        numbers = await asyncio.gather(admitted(replicas.one, LIMIT), admitted(replicas.other, LIMIT))
        assert sum(numbers) == LIMIT  # of a Redis that has forgotten what was counted
        assert (await replicas.one.client.get("/readyz")).json()["redis"]["available"]


async def test_circuits_and_results_are_each_one_s_own_while_redis_is_away(start: Callable[..., Any]) -> None:
    async with start() as replicas:
        assert await count_from(replicas.one) == 1
        await replicas.lose_redis()
        assert [await count_from(plane) for plane in replicas.both] == [1, 2]
        for _ in range(2):
            assert await code_of(replicas.one, "flaky") == "upstream-status"
        assert await code_of(replicas.one, "flaky") == "circuit-open"
        assert await code_of(replicas.other, "flaky") == "upstream-status"
        await replicas.find_redis()
        assert await code_of(replicas.one, "flaky") == "upstream-status"
        assert await code_of(replicas.other, "flaky") == "upstream-status"
        assert [await code_of(plane, "flaky") for plane in replicas.both] == ["circuit-open"] * 2


async def test_closed_refuses_everything_without_redis_and_is_not_ready(start: Callable[..., Any]) -> None:
    async with start(RedisDown.CLOSED) as replicas:
        assert (await replicas.one.client.get("/readyz")).json()["checks"]["redis"] is True
        await replicas.lose_redis()
        answer = await replicas.one.execute("counter")
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("/limits-unavailable")
        assert answer.headers["Retry-After"] == "1"
        readiness = await replicas.one.client.get("/readyz")
        assert (readiness.status_code, readiness.json()["checks"]["redis"]) == (503, False)
        await replicas.find_redis()
        assert await count_from(replicas.one) == 1


async def test_a_frozen_redis_stops_nobody(start: Callable[..., Any]) -> None:
    async with start(quotas={"maxConcurrentWorkflows": LIMIT}) as replicas:
        with replicas.redis.frozen():
            assert await admitted(replicas.one, 4) == 4
        await replicas.know_each_other()
        assert await admitted(replicas.other, 4) == 4
