"""`python -m tenantry.dataplane`: one sentence when it cannot start, a clean end when it is told to."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest

from tenantry.dataplane import __main__ as entry
from tenantry.dataplane.bundles.disk import BundleDirectory
from tenantry.protocol.bundles import sign
from tests.support.dataplane import served_bundle
from tests.support.shop import shop_documents
from tests.support.tenants import SIGNING_KEY, token_for
from tests.support.testapi import serve_testapi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

KEY = base64.b64encode(SIGNING_KEY.public_key().public_bytes_raw()).decode()
AUTHORIZATION = {"Authorization": f"Bearer {token_for('acme', 'caller')}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(make_database: Callable[[], str], tmp_path: Path) -> dict[str, str]:
    return {
        "TENANTRY_DATABASE_URL": make_database(),
        "TENANTRY_BUNDLE_PUBLIC_KEY": KEY,
        "TENANTRY_BUNDLE_DIRECTORY": str(tmp_path / "bundles"),
        "TENANTRY_PORT": str(free_port()),
        "TENANTRY_TENANT_HOST": "{tenant}.api.example.com",
    }


def start_with(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> int:
    for name in [name for name in os.environ if name.startswith("TENANTRY_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return entry.main()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TENANTRY_DATABASE_URL", "", "set TENANTRY_DATABASE_URL: a postgresql:// address"),
        ("TENANTRY_DATABASE_URL", "postgresql://127.0.0.1:1/x", "cannot start: "),
        (
            "TENANTRY_DATABASE_URL",
            "postgresql://user:password@127.0.0.1:port/x",
            "TENANTRY_DATABASE_URL is not a postgresql:// address",
        ),
        ("TENANTRY_BUNDLE_DIRECTORY", "/dev/null/bundles", "cannot start: [Errno 20] Not a directory"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_one_sentence(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    *,
    value: str,
    said: str,
) -> None:
    assert start_with(monkeypatch, environment | {name: value}) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tenantry dataplane: {said}")
    assert "password" not in line


def test_a_database_that_does_not_exist_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = environment["TENANTRY_DATABASE_URL"].replace("/test_", "/absent_", 1)
    assert start_with(monkeypatch, environment | {"TENANTRY_DATABASE_URL": absent}) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert 'database "absent_' in line


def test_a_port_in_use_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert start_with(monkeypatch, environment | {"TENANTRY_PORT": port}) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        line == f"tenantry dataplane: cannot start: cannot listen on 127.0.0.1:{port}: Address already in use"
    )


@asynccontextmanager
async def started(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENANTRY_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tenantry.dataplane", env=kept | environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def wait_ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    for _ in range(600):
        assert process.returncode is None, "the process ended"
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    raise AssertionError("it did not get ready")


@pytest.fixture
async def serving(
    environment: dict[str, str], tmp_path: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    """A process that serves acme on a test API, and a client of it."""
    with serve_testapi() as testapi:
        bundle = served_bundle(
            documents=shop_documents(testapi), spec={"quotas": {"maxExecutionDuration": "2s"}}
        )
        BundleDirectory(tmp_path / "bundles").save("acme", sign(bundle, SIGNING_KEY))
        address = f"http://127.0.0.1:{environment['TENANTRY_PORT']}/tenants/acme/api/v1"
        async with (
            started(environment) as process,
            httpx.AsyncClient(base_url=address, headers=AUTHORIZATION, timeout=30, trust_env=False) as client,
        ):
            root = httpx.AsyncClient(base_url=address.partition("/tenants")[0], trust_env=False)
            async with root:
                await wait_ready(root, process)
            yield process, client


async def rows(environment: dict[str, str], statement: str) -> list[Any]:
    connection = await asyncpg.connect(environment["TENANTRY_DATABASE_URL"])
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_a_tenant_s_api_is_at_its_own_host_name_as_well(
    serving: tuple[asyncio.subprocess.Process, httpx.AsyncClient],
) -> None:
    _, client = serving
    address = str(client.base_url).partition("/tenants")[0]
    for host, status in (
        ("acme.api.example.com", 200),
        ("ACME.api.example.com:8443", 200),
        ("globex.api.example.com", 404),
        ("acme.api.example.org", 404),
        ("xacme.api.example.com.evil.example", 404),
    ):
        headers = {**AUTHORIZATION, "Host": host}
        body = {"userId": 1}
        answer = await client.post(f"{address}/api/v1/workflows/welcome/execute", json=body, headers=headers)
        assert answer.status_code == status, host
        assert (await client.get(f"{address}/readyz", headers=headers)).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_with_success_and_what_runs_is_answered_and_stored(
    serving: tuple[asyncio.subprocess.Process, httpx.AsyncClient],
    environment: dict[str, str],
    number: signal.Signals,
) -> None:
    process, client = serving
    assert (await client.post("/workflows/welcome/execute", json={"userId": 1})).status_code == 200
    hanging = asyncio.create_task(client.post("/workflows/unlucky/execute", json={"hang": True}))
    pure = await client.post("/workflows/pure/execute", json={"name": "Ada"})
    while not (await client.get("/workflows/unlucky/executions?status=running")).json()["executions"]:
        pass
    process.send_signal(number)
    assert (await hanging).status_code == 504  # it was given the time it had left
    assert await process.wait() == 0
    assert pure.status_code == 200
    statuses = await rows(environment, "SELECT workflow, status FROM executions ORDER BY workflow")
    assert statuses == [("pure", "completed"), ("unlucky", "failed"), ("welcome", "completed")]
    assert await rows(environment, "SELECT count(*) FROM usage_outbox") == [(3,)]


async def test_a_caller_that_hangs_up_does_not_end_its_execution(
    serving: tuple[asyncio.subprocess.Process, httpx.AsyncClient],
) -> None:
    _process, client = serving
    call = asyncio.create_task(client.post("/workflows/unlucky/execute", json={"hang": True}))
    while not (await client.get("/workflows/unlucky/executions?status=running")).json()["executions"]:
        pass
    call.cancel()
    await asyncio.wait([call])
    while not (page := (await client.get("/workflows/unlucky/executions?status=failed")).json())[
        "executions"
    ]:
        pass
    assert page["executions"][0]["failureCode"] == "deadline"


async def test_a_second_start_serves_what_was_kept_and_remembers_what_was_run(
    serving: tuple[asyncio.subprocess.Process, httpx.AsyncClient], environment: dict[str, str]
) -> None:
    process, client = serving
    first = await client.post("/workflows/welcome/execute", json={"userId": 1})
    process.terminate()
    await process.wait()
    async with started(environment) as again:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{environment['TENANTRY_PORT']}", trust_env=False
        ) as root:
            await wait_ready(root, again)
        found = await client.get(f"/executions/{first.headers['Execution-Id']}")
        assert found.json()["output"] == first.json()
