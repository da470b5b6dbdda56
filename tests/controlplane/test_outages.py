"""A database that crashes or stops: everybody is told to come back, and is served then."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from sqlalchemy import text

from tenantry.cli.embedded_postgres import EmbeddedPostgres
from tenantry.cli.processes import ProcessGroup
from tenantry.protocol.usage import encode_batch
from tests.support.controlplane import ADMIN_TOKEN, Api, run_control_plane, task_text, tenant_text
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import httpx

    from tenantry.cli.processes import Process

TENANTS = "{ tenants { edges { node { name } } } }"
CREATE = "mutation ($text: String!) { createTenant(text: $text) { tenant { name } userErrors { code } } }"
SERVER_SECONDS = 60.0


class Server:
    """A PostgreSQL of this module's own, to be stopped and started."""

    def __init__(self, folder: Path, processes: ProcessGroup) -> None:
        self._postgres, self._processes = EmbeddedPostgres(folder / "postgres"), processes
        self._process: Process

    def start(self) -> None:
        self._process = self._processes.start(self._postgres.prepare())
        self._process.wait_ready(SERVER_SECONDS)

    def stop(self) -> None:
        self._process.ask_to_stop()
        self._process.stop(SERVER_SECONDS)

    def make_database(self, name: str) -> str:
        self._postgres.create_database(name)
        return self._postgres.url(name)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with (
        tempfile.TemporaryDirectory(prefix="tenantry-", ignore_cleanup_errors=True) as folder,
        ProcessGroup(Path(folder)) as processes,
    ):
        server = Server(Path(folder), processes)
        server.start()
        yield server


def is_told_to_come_back(response: httpx.Response) -> bool:
    return response.status_code == 503 and int(response.headers["retry-after"]) > 0


def assert_graphql_unavailable(response: httpx.Response) -> None:
    assert is_told_to_come_back(response), response.text
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "unavailable"}
    assert error["message"] == "the database does not answer; try again"


def assert_rest_unavailable(response: httpx.Response) -> None:
    assert is_told_to_come_back(response), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "https://tenantry.dev/problems/unavailable",
        "title": "Unavailable",
        "status": 503,
        "detail": "the database does not answer; try again",
        "source": "platform",
    }


async def test_while_the_database_is_away_everybody_is_told_to_come_back(server: Server) -> None:
    async with run_control_plane(server.make_database("away")) as api:
        await api.create_tenant("acme")
        await asyncio.to_thread(server.stop)
        try:
            for _ in range(2):  # with the connections of before, and with none
                assert_graphql_unavailable(await api.post(TENANTS))
                assert_graphql_unavailable(await api.post(CREATE, text=tenant_text("globex")))
                assert_rest_unavailable(await api.internal("/internal/v1/bundles"))
                assert_rest_unavailable(await api.internal("/internal/v1/bundles/acme"))
                assert_rest_unavailable(await api.report(encode_batch([])))
        finally:
            await asyncio.to_thread(server.start)
        assert (await api.ask(TENANTS))["tenants"]["edges"] == [{"node": {"name": "acme"}}]
        assert (await api.bundle("acme")).tenant == "acme"
        await api.create_tenant("globex")


@asynccontextmanager
async def locked(url: str, tenant: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Somebody else's transaction that holds the tenant's row."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("BEGIN")
        await connection.execute("SELECT FROM tenants WHERE tenant = $1 FOR UPDATE", tenant)
        yield connection
    finally:
        connection.terminate()


APPLY = """mutation ($text: String!) {
  applyDefinitions(tenant: "acme", text: $text) { userErrors { code } }
}"""
WAITS = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_a_crash_in_the_middle_of_a_change_is_a_503_and_the_pool_recovers(server: Server) -> None:
    url = server.make_database("crash")
    async with run_control_plane(url) as api:
        await api.create_tenant("acme")
        before = await api.bundle("acme")
        async with locked(url, "acme") as other:
            asked = asyncio.create_task(api.post(APPLY, text=task_text("get")))
            await eventually(lambda: other.fetchval(WAITS))
            os.kill(await other.fetchval(WAITS), signal.SIGKILL)
            response = await asked
        assert_graphql_unavailable(response)
        while (answer := await api.post(TENANTS)).status_code != 200:
            assert_graphql_unavailable(answer)
        assert await api.bundle("acme") == before
        assert (await api.apply("acme", task_text("get")))["userErrors"] == []


async def test_without_a_connection_left_the_answer_is_the_same(
    make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_control_plane(make_database()) as api:
        pool = api.engine.sync_engine.pool
        monkeypatch.setattr(pool, "_timeout", 0)
        monkeypatch.setattr(pool, "_max_overflow", 0)
        async with AsyncExitStack() as taken:
            for _ in range(5):
                await taken.enter_async_context(api.engine.connect())
            assert_graphql_unavailable(await api.post(TENANTS))
        await api.ask(TENANTS)


async def test_what_other_fields_did_is_told_beside_the_error(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.create_tenant("acme")

    async def go_away(*_: object, **__: object) -> None:
        async with api.plane._database.platform() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(api.plane._services.tenants, "update", go_away)
    response = await api.post(
        """mutation ($text: String!) {
          issueApiKey(tenant: "acme", role: AUTHOR, name: "one") { token }
          updateTenant(text: $text) { userErrors { code } }
        }""",
        ADMIN_TOKEN,
        text=tenant_text("acme"),
    )
    assert is_told_to_come_back(response), response.text
    data = response.json()["data"]
    assert data["issueApiKey"]["token"].startswith("tnt_")
    assert data["updateTenant"] is None
