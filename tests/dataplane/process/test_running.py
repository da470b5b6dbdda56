"""The parts together, with a control plane: bundles come, usage goes, and everything stops in order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.routing import Router

from tenantry.dataplane import process, stores
from tenantry.dataplane.bundles import follower as following
from tenantry.dataplane.bundles.disk import BundleDirectory
from tenantry.dataplane.clock import SteadyClock
from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.identifiers import new_execution_id, parse_execution_id
from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.process import running
from tenantry.dataplane.settings import Settings
from tenantry.dataplane.usage import reporter as reporting
from tenantry.protocol.bundles import sign
from tests.support.bundle_server import BundleServer
from tests.support.callbacks import callback_row, owe, receiving
from tests.support.dataplane import DataPlane, served_bundle
from tests.support.eventually import eventually
from tests.support.shop import shop_documents
from tests.support.tenants import SIGNING_KEY
from tests.support.testapi import serve_testapi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> BundleServer:
    server = BundleServer()
    monkeypatch.setattr(process, "_control_plane", lambda _settings: server.client())
    monkeypatch.setattr(reporting, "INTERVAL_SECONDS", 0.0)
    return server


@pytest.fixture
def settings(make_database: Callable[[], str], tmp_path: Path) -> Settings:
    return Settings(
        name="eu-1",
        database_url=make_database(),
        control_plane_url="http://control-plane",
        data_plane_token="secret",
        bundle_key=SIGNING_KEY.public_key(),
        bundle_directory=tmp_path,
        drain_seconds=0.1,
    )


@asynccontextmanager
async def plane_of(settings: Settings) -> AsyncIterator[DataPlane]:
    async with running(settings) as services:
        app = create_app(services)
        assert isinstance(app, Router)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://data-plane") as client:
            yield DataPlane(services, app, client)


async def test_bundles_come_from_the_control_plane_and_usage_goes_to_it_exactly_once(
    settings: Settings, server: BundleServer
) -> None:
    with serve_testapi() as testapi:
        server.publish(served_bundle(documents=shop_documents(testapi)))
        async with plane_of(settings) as plane:
            await plane.services.follower.synchronised.wait()
            answer = await plane.execute("welcome", {"userId": 1})
            assert answer.status_code == 200
            await server.usage_taken(1)
    (event,) = server.usage
    assert (event.id, event.source) == (answer.headers["Execution-Id"], "tenantry/data-planes/eu-1")
    assert (event.data.tenant, event.data.workflow, event.data.status) == ("acme", "welcome", "completed")
    assert event.data.labels == {"team": "growth"}


async def test_without_its_control_plane_it_starts_from_disk(
    settings: Settings, server: BundleServer
) -> None:
    server.publish(served_bundle(documents=shop_documents("http://127.0.0.1:1")))
    async with plane_of(settings) as plane:
        await plane.services.follower.synchronised.wait()
    server.down = True
    async with plane_of(settings) as plane:
        assert (await plane.execute("pure", {"name": "Ada"})).json() == {"greeting": "Hello Ada"}


async def test_callbacks_of_a_tenant_that_is_gone_wait_until_the_control_plane_says_so(
    settings: Settings, server: BundleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.001)
    BundleDirectory(settings.bundle_directory).save("acme", sign(served_bundle(), SIGNING_KEY))
    server.publish(served_bundle())
    server.down = True
    async with receiving() as receiver, plane_of(replace(settings, callback_secrets=(b"m" * 32,))) as plane:
        pool = plane.services.deliveries._pool
        long_ago = "UPDATE callbacks SET next_at = now() - interval '1 hour'"
        gone = await owe(pool, receiver.url, tenant="initech", status="failed")
        await pool.execute(f"{long_ago}, status = 'pending'")
        # One that is sent proves that the sender has looked, at the other as well.
        await owe(pool, receiver.url)
        async with asyncio.timeout(30):
            await receiver.arrived.acquire()
        assert (await callback_row(pool, gone))["status"] == "pending"
        server.down = False

        async def given_up() -> bool:
            return bool((await callback_row(pool, gone))["error"] == "the tenant is gone")

        await eventually(given_up)
        assert len(receiver.received) == 1


async def test_the_control_plane_is_asked_with_the_token(settings: Settings) -> None:
    async with process._control_plane(settings) as client:
        assert client.base_url == "http://control-plane"
        assert client.headers["Authorization"] == "Bearer secret"


async def test_leases_of_what_runs_are_renewed_whatever_goes_wrong_with_one(
    settings: Settings,
    server: BundleServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    renewed: list[str] = []
    twice = asyncio.Semaphore(0)
    renew = MemoryLimitStore.renew

    async def renew_and_tell(self: MemoryLimitStore, *arguments: object) -> bool:
        renewed.append(str(arguments[2]))
        twice.release()
        if len(renewed) == 1:
            raise RuntimeError("a fault in the renewal of one")
        return await renew(self, *arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(MemoryLimitStore, "renew", renew_and_tell)
    monkeypatch.setattr(stores, "MemoryLimitStore", lambda: MemoryLimitStore(lease_seconds=0.03))
    with serve_testapi() as testapi:
        server.publish(
            served_bundle(documents=shop_documents(testapi), spec={"quotas": {"maxConcurrentWorkflows": 1}})
        )
        async with plane_of(replace(settings, drain_seconds=0)) as plane:
            await plane.services.follower.synchronised.wait()
            hanging = asyncio.create_task(plane.execute("unlucky", {"hang": True}))
            await twice.acquire()
            await twice.acquire()
            assert (await plane.execute("pure", {"name": "Ada"})).status_code == 429
            await plane.services.executor.drain(0)
            answer = await hanging
    assert set(renewed) == {answer.headers["Execution-Id"]}
    assert "Executor.renew_leases failed" in caplog.text


def test_execution_ids_are_in_the_order_of_their_time_and_read_in_any_spelling() -> None:
    ids = [new_execution_id(second) for second in (1.0, 1.5, 1_700_000_000.0, 1_700_000_000.001)]
    assert ids == sorted(ids)
    assert ids[0][14] == "7"
    assert parse_execution_id(ids[0].upper()) == ids[0]
    assert parse_execution_id("nonsense") is None


def test_the_clock_never_runs_backwards_when_the_wall_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SteadyClock()
    before = clock()
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert clock() >= before
