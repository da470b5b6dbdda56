"""The process: starts on an empty database, serves, and ends with success when it is told to."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.controlplane import ADMIN_TOKEN, DATA_PLANE_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**values: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENANTRY_")}
    return kept | values


@asynccontextmanager
async def started(env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tenantry.controlplane", env=env, stderr=asyncio.subprocess.PIPE
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
def serving(make_database: Callable[[], str]) -> dict[str, str]:
    return environment(
        TENANTRY_DATABASE_URL=make_database(),
        TENANTRY_PLATFORM_ADMIN_TOKEN=ADMIN_TOKEN,
        TENANTRY_DATA_PLANE_TOKEN=DATA_PLANE_TOKEN,
        TENANTRY_SIGNING_KEY=base64.b64encode(b"k" * 32).decode(),
        TENANTRY_PORT=str(free_port()),
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_and_ends_with_success_in_the_middle_of_a_long_poll(
    serving: dict[str, str], number: signal.Signals
) -> None:
    async with (
        started(serving) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{serving['TENANTRY_PORT']}", trust_env=False) as client,
    ):
        await wait_ready(client, process)
        headers = {"Authorization": f"Bearer {DATA_PLANE_TOKEN}"}
        index = await client.get("/internal/v1/bundles", headers=headers)
        waiting = headers | {"If-None-Match": index.headers["etag"], "Prefer": "wait=30"}
        poll = asyncio.create_task(client.get("/internal/v1/bundles", headers=waiting, timeout=40))
        await client.get("/healthz")
        process.send_signal(number)
        assert (await asyncio.wait_for(poll, 15)).status_code == 304
        assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_a_missing_setting_ends_it_with_one_sentence(serving: dict[str, str]) -> None:
    del serving["TENANTRY_SIGNING_KEY"]
    async with started(serving) as process:
        _, errors = await process.communicate()
        assert process.returncode == 2
        assert (
            errors
            == b"TENANTRY_SIGNING_KEY is not set: it takes an Ed25519 private key, 32 bytes in base64\n"
        )


async def test_a_database_that_is_not_there_ends_it_with_one_sentence(serving: dict[str, str]) -> None:
    serving["TENANTRY_DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    async with started(serving) as process:
        _, errors = await process.communicate()
        assert process.returncode == 1
        assert errors.decode().count("\n") == 1
        assert errors.startswith(b"cannot use the database: ")


async def test_a_port_in_use_ends_it_with_one_sentence(serving: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(serving["TENANTRY_PORT"]))):
        async with started(serving) as process:
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert (
        errors.decode()
        .splitlines()[-1]
        .startswith(f"cannot listen on 127.0.0.1:{serving['TENANTRY_PORT']}: ")
    )
