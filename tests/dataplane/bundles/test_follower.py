"""Following a control plane: changes arrive, nonsense is refused, and one that is gone changes nothing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tenantry.dataplane.bundles import follower as following
from tenantry.dataplane.bundles.disk import BundleDirectory
from tenantry.dataplane.bundles.follower import BundleFollower
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.protocol.bundles import BundleError, SignedBundle, sign
from tests.support.bundle_server import BundleServer
from tests.support.tenants import SIGNING_KEY, make_bundle, make_registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.protocol.bundles import BundleEntry

STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
INDEX = "GET /internal/v1/bundles"


@pytest.fixture
def server() -> BundleServer:
    return BundleServer()


@pytest.fixture
def registry() -> Registry:
    return make_registry(PooledClient)


@pytest.fixture
async def follower(server: BundleServer, registry: Registry, tmp_path: Path) -> AsyncIterator[BundleFollower]:
    async with server.client() as client:
        yield BundleFollower(client, registry, BundleDirectory(tmp_path), SIGNING_KEY.public_key())


@asynccontextmanager
async def followed(follower: BundleFollower) -> AsyncIterator[None]:
    task = asyncio.create_task(follower.follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def restarted(follower: BundleFollower) -> Registry:
    """What a process that starts now serves before it has heard of the control plane."""
    registry = make_registry(PooledClient)
    await BundleFollower(
        follower._client, registry, follower._directory, SIGNING_KEY.public_key()
    ).load_from_disk()
    return registry


async def test_a_poll_fetches_what_is_new_and_keeps_it_for_the_next_start(
    server: BundleServer, follower: BundleFollower, registry: Registry
) -> None:
    for bundle in (make_bundle("acme", 4), make_bundle("globex", 1)):
        server.publish(bundle)
    assert not follower.synchronised.is_set()
    await follower.poll(0)
    assert follower.synchronised.is_set()
    assert registry.revisions() == {"acme": 4, "globex": 1}
    assert (await restarted(follower)).revisions() == {"acme": 4, "globex": 1}


async def test_what_has_not_changed_is_not_fetched_again(
    server: BundleServer, follower: BundleFollower
) -> None:
    server.publish(make_bundle("acme"))
    server.publish(make_bundle("globex"))
    await follower.poll(0)
    await follower.poll(0)
    server.publish(make_bundle("acme", 2))
    await follower.poll(0)
    assert server.requests == [
        f"{INDEX} 200",
        f"{INDEX}/acme 200",
        f"{INDEX}/globex 200",
        f"{INDEX} 304",
        f"{INDEX} 200",
        f"{INDEX}/acme 200",
    ]


async def test_a_change_arrives_while_the_poll_waits(
    server: BundleServer, follower: BundleFollower, registry: Registry
) -> None:
    server.publish(make_bundle())
    await follower.poll(0)
    polling = asyncio.create_task(follower.poll(30))
    await server.waiting.wait()
    server.publish(make_bundle(revision=2))
    await polling
    assert registry.revisions() == {"acme": 2}


async def test_a_tenant_that_is_not_named_any_more_is_gone_from_memory_and_disk(
    server: BundleServer, follower: BundleFollower, registry: Registry
) -> None:
    server.publish(make_bundle("acme"))
    server.publish(make_bundle("globex"))
    await follower.poll(0)
    server.remove("acme")
    await follower.poll(0)
    assert registry.revisions() == {"globex": 1}
    assert (await restarted(follower)).revisions() == {"globex": 1}
    server.publish(make_bundle("acme"))
    await follower.poll(0)
    assert registry.revisions() == {"globex": 1, "acme": 1}


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (sign(make_bundle(revision=2), STRANGER), "not signed by this control plane"),
        (sign(make_bundle("globex", 2), SIGNING_KEY), "is for another tenant"),
        (sign(make_bundle(revision=0), SIGNING_KEY), "is older than the one served"),
        (sign(make_bundle(revision=2, spec={"nonsense": 1}), SIGNING_KEY), "cannot be served"),
        (SignedBundle(payload=b"{}", digest="0" * 64, signature=SIGNING_KEY.sign(b"{}")), "digest"),
    ],
)
async def test_a_bundle_that_cannot_be_trusted_is_refused_once_and_the_last_one_stays(
    server: BundleServer, follower: BundleFollower, registry: Registry, signed: SignedBundle, reason: str
) -> None:
    server.publish(make_bundle())
    await follower.poll(0)
    server.publish(make_bundle(revision=2), signed)
    await follower.poll(0)
    assert reason in follower.rejected["acme"]
    assert registry.revisions() == {"acme": 1}
    assert (await restarted(follower)).revisions() == {"acme": 1}
    fetched = server.requests.count(f"{INDEX}/acme 200")
    server.publish(make_bundle("globex"))
    await follower.poll(0)
    assert server.requests.count(f"{INDEX}/acme 200") == fetched
    server.publish(make_bundle(revision=3))
    await follower.poll(0)
    assert follower.rejected == {}
    assert registry.revisions() == {"acme": 3, "globex": 1}


async def test_a_bundle_that_cannot_be_had_keeps_no_other_tenant_from_its_own(
    server: BundleServer, follower: BundleFollower, registry: Registry
) -> None:
    server.broken = {"acme"}
    for tenant in ("acme", "globex"):
        server.publish(make_bundle(tenant))
    with pytest.raises(httpx.HTTPStatusError):
        await follower.poll(0)
    assert registry.revisions() == {"globex": 1}
    assert "500" in follower.rejected["acme"]
    server.broken = set()
    await follower.poll(0)
    assert registry.revisions() == {"acme": 1, "globex": 1}
    assert follower.rejected == {}


async def test_a_tenant_deleted_between_index_and_fetch_is_not_served(
    server: BundleServer, follower: BundleFollower, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish(make_bundle())
    fetch = BundleFollower._fetch

    async def delete_first(self: BundleFollower, entry: BundleEntry) -> None:
        server.remove(entry.tenant)
        await fetch(self, entry)

    monkeypatch.setattr(BundleFollower, "_fetch", delete_first)
    await follower.poll(0)
    assert registry.revisions() == {}


async def test_an_index_that_is_none_is_an_error(follower: BundleFollower) -> None:
    page = httpx.MockTransport(lambda _request: httpx.Response(200, html="<h1>Log in</h1>"))
    follower._client = httpx.AsyncClient(transport=page, base_url="http://control-plane")
    with pytest.raises(BundleError, match="not a bundle index"):
        await follower.poll(0)


async def test_a_bundle_that_is_none_is_refused(server: BundleServer, follower: BundleFollower) -> None:
    server.publish(make_bundle())
    real = httpx.ASGITransport(server.app)

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/acme"):
            return httpx.Response(200, html="<h1>Log in</h1>")
        return await real.handle_async_request(request)

    follower._client = httpx.AsyncClient(
        transport=httpx.MockTransport(answer), base_url="http://control-plane"
    )
    await follower.poll(0)
    assert "not a signed bundle" in follower.rejected["acme"]


async def test_while_the_control_plane_is_down_the_last_bundles_stay_and_following_goes_on(
    server: BundleServer,
    follower: BundleFollower,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.001)
    server.publish(make_bundle())
    async with followed(follower):
        await server.waiting.wait()
        server.down = True
        server.publish(make_bundle(revision=2))
        for _ in range(3):
            await server.answered_down.acquire()
        assert registry.revisions() == {"acme": 1}
        server.down = False
        await server.waiting.wait()
        assert registry.revisions() == {"acme": 2}
    assert "serving the last ones" in caplog.text


async def test_a_disk_that_is_full_stops_nobody_from_being_served(
    server: BundleServer,
    follower: BundleFollower,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(BundleDirectory, "save", full)
    for tenant in ("acme", "globex"):
        server.publish(make_bundle(tenant))
    await follower.poll(0)
    assert registry.revisions() == {"acme": 1, "globex": 1}
    assert "the bundle of acme is served, but will not survive a restart" in caplog.text


async def test_what_is_on_disk_and_cannot_be_served_is_left_there(
    follower: BundleFollower, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    follower._directory.save("acme", sign(make_bundle("acme", spec={"nonsense": 1}), SIGNING_KEY))
    follower._directory.save("globex", sign(make_bundle("globex"), SIGNING_KEY))
    await follower.load_from_disk()
    assert registry.revisions() == {"globex": 1}
    assert "revision 1 of acme cannot be served" in caplog.text
