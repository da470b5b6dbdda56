"""Readiness: a database that may lose what it has committed is told by name, and gets no work."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest

from tenantry.dataplane.journal import store
from tests.support.dataplane import run_data_plane, served_bundle
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

OF_THE_SERVER = ("fsync", "full_page_writes")
DOCUMENTS = """
{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: echo},
 spec: {type: transform, value: "{{input}}"}}
---
{apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: echo},
 spec: {tasks: [{id: echo, taskRef: echo, input: "{{input}}"}], output: "{{tasks.echo.output}}"}}
"""


@pytest.fixture
def url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
async def server(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose changes to the server's settings are taken back."""
    connection = await asyncpg.connect(url)
    yield connection
    for name in OF_THE_SERVER:
        await connection.execute(f"ALTER SYSTEM RESET {name}")
    await reload(connection)
    await connection.close()


async def reload(server: asyncpg.Connection) -> None:
    """Has the server read its settings, and waits until it has."""
    loaded = await server.fetchval("SELECT pg_conf_load_time()")
    await server.execute("SELECT pg_reload_conf()")
    while await server.fetchval("SELECT pg_conf_load_time()") == loaded:
        pass


async def test_a_database_that_keeps_what_it_commits_is_ready(url: str, tmp_path: Path) -> None:
    async with run_data_plane(url, tmp_path, served_bundle()) as plane:
        response = await plane.client.get("/readyz")
    assert (response.status_code, response.json()["checks"]["durable"]) == (200, True)


@pytest.mark.parametrize("name", OF_THE_SERVER)
async def test_a_server_that_may_lose_what_it_commits_is_not_ready_and_says_why(
    url: str, tmp_path: Path, server: asyncpg.Connection, caplog: pytest.LogCaptureFixture, *, name: str
) -> None:
    await server.execute(f"ALTER SYSTEM SET {name} = off")
    await reload(server)
    async with run_data_plane(url, tmp_path, served_bundle()) as plane:
        response = await plane.client.get("/readyz")
    assert (response.status_code, response.json()["ready"]) == (503, False)
    assert response.json()["checks"] == {"journal": True, "durable": False, "accepting": True}
    assert f"the database runs without {name}: not ready" in caplog.text


async def test_a_server_that_is_changed_while_work_goes_on_is_seen_either_way(
    url: str, tmp_path: Path, server: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SETTINGS_SECONDS", 0.0)
    bundle = served_bundle(documents=DOCUMENTS)
    async with run_data_plane(url, tmp_path, bundle) as plane:
        for change, status in (("SET fsync = off", 503), ("RESET fsync", 200)):
            await server.execute(f"ALTER SYSTEM {change}")
            await reload(server)

            async def is_seen(expected: int = status) -> bool:
                assert (await plane.execute("echo", {})).status_code == 200
                return (await plane.client.get("/readyz")).status_code == expected

            await eventually(is_seen)


@pytest.mark.parametrize("of", ["DATABASE {database}", "ROLE postgres IN DATABASE {database}"])
async def test_a_session_that_does_not_wait_for_the_disk_is_not_ready_and_says_why(
    url: str, tmp_path: Path, server: asyncpg.Connection, caplog: pytest.LogCaptureFixture, *, of: str
) -> None:
    database = urlsplit(url).path.removeprefix("/")
    await server.execute(f"ALTER {of.format(database=database)} SET synchronous_commit = off")
    async with run_data_plane(url, tmp_path, served_bundle()) as plane:
        response = await plane.client.get("/readyz")
    assert (response.status_code, response.json()["checks"]["durable"]) == (503, False)
    assert "the database runs without synchronous_commit: not ready" in caplog.text


async def test_a_commit_that_waits_for_the_disk_here_only_is_enough(
    url: str, tmp_path: Path, server: asyncpg.Connection
) -> None:
    database = urlsplit(url).path.removeprefix("/")
    await server.execute(f"ALTER DATABASE {database} SET synchronous_commit = local")
    async with run_data_plane(url, tmp_path, served_bundle()) as plane:
        assert (await plane.client.get("/readyz")).status_code == 200


async def test_what_is_wrong_is_asked_again_with_every_connection(
    url: str, tmp_path: Path, server: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    database = urlsplit(url).path.removeprefix("/")
    async with run_data_plane(url, tmp_path, served_bundle()) as plane:
        assert (await plane.client.get("/readyz")).status_code == 200
        await server.execute(f"ALTER DATABASE {database} SET synchronous_commit = off")
        store = plane.services.journal._store
        store.disconnect()
        with caplog.at_level(logging.ERROR):
            await store.commit([])
        assert (await plane.client.get("/readyz")).status_code == 503
        await server.execute(f"ALTER DATABASE {database} RESET synchronous_commit")
        store.disconnect()
        await store.commit([])
        assert (await plane.client.get("/readyz")).status_code == 200
