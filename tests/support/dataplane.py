"""A whole data plane in the test process: real database, real upstream calls, asked over its REST API."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from starlette.routing import Router

from tenantry.dataplane.bundles.disk import BundleDirectory
from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.process import running
from tenantry.dataplane.settings import RedisDown, Settings
from tenantry.protocol.bundles import sign
from tenantry.tenants.roles import Role
from tests.support.tenants import SIGNING_KEY, key_for, make_bundle, token_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tenantry.dataplane.gateway.services import Services
    from tenantry.protocol.bundles import Bundle

ROLES: Final = tuple(role.value for role in Role if role is not Role.PLATFORM_ADMIN)


@dataclass(frozen=True)
class DataPlane:
    """What tests ask. `client` reaches it without a network."""

    services: Services
    app: Router
    client: httpx.AsyncClient

    async def ask(
        self,
        method: str,
        path: str,
        *,
        tenant: str = "acme",
        role: str = "caller",
        token: str | None = None,
        **options: Any,
    ) -> httpx.Response:
        """A request to the tenant's API, by its key of that role or by a token of any kind."""
        headers = {
            "Authorization": f"Bearer {token or token_for(tenant, role)}",
            **options.pop("headers", {}),
        }
        return await self.client.request(
            method, f"/tenants/{tenant}/api/v1{path}", headers=headers, **options
        )

    async def execute(self, workflow: str, value: Any = None, **options: Any) -> httpx.Response:
        """Runs a workflow."""
        body = {} if value is None else value
        return await self.ask("POST", f"/workflows/{workflow}/execute", json=body, **options)


def served_bundle(tenant: str = "acme", revision: int = 1, **parts: Any) -> Bundle:
    """A bundle with a key for every role, whose tasks may reach this machine."""
    spec = {"egress": {"allow": ["127.0.0.1"]}, **parts.pop("spec", {})}
    keys = [key_for(tenant, role) for role in ROLES]
    return make_bundle(tenant, revision, spec=spec, keys=keys, **parts)


@asynccontextmanager
async def run_data_plane(
    url: str,
    folder: Path,
    *bundles: Bundle,
    callback_secrets: tuple[bytes, ...] = (b"m" * 32,),
    redis_url: str = "",
    redis_down: RedisDown = RedisDown.LOCAL,
    exports_spans: bool = False,
    name: str = "tests",
    drain_seconds: float = 0.1,
    lease_seconds: float = 15.0,
) -> AsyncIterator[DataPlane]:
    """A data plane that starts from bundles on disk, without a control plane."""
    directory = BundleDirectory(folder)
    for bundle in bundles:
        directory.save(bundle.tenant, sign(bundle, SIGNING_KEY))
    settings = Settings(
        name=name,
        database_url=url,
        control_plane_url="",
        data_plane_token="",
        bundle_key=SIGNING_KEY.public_key(),
        bundle_directory=folder,
        drain_seconds=drain_seconds,
        lease_seconds=lease_seconds,
        callback_secrets=callback_secrets,
        redis_url=redis_url,
        redis_down=redis_down,
        exports_spans=exports_spans,
    )
    async with running(settings) as services:
        app = create_app(services)
        assert isinstance(app, Router)
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://data-plane") as client:
            yield DataPlane(services, app, client)
