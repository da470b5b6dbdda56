"""How each process of a run is started: the two planes and the test API, with their configuration."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from tenantry.cli.ports import HOST, Ports, address
from tenantry.cli.processes import ProcessSpec

if TYPE_CHECKING:
    from tenantry.cli.credentials import Credentials, PlaneSecrets
    from tenantry.cli.embedded_postgres import EmbeddedPostgres
    from tenantry.cli.home import Home

CONTROL_PLANE_DATABASE = "controlplane"
DATA_PLANE_DATABASE = "dataplane"


def control_plane(
    postgres: EmbeddedPostgres, ports: Ports, credentials: Credentials, secrets: PlaneSecrets
) -> ProcessSpec:
    """The control plane on its database."""
    return _serving(
        "control plane",
        ports.control_plane,
        ("tenantry.controlplane",),
        {
            "TENANTRY_DATABASE_URL": postgres.url(CONTROL_PLANE_DATABASE),
            "TENANTRY_PLATFORM_ADMIN_TOKEN": credentials.platform_admin,
            "TENANTRY_DATA_PLANE_TOKEN": secrets.data_plane_token,
            "TENANTRY_SIGNING_KEY": secrets.signing_key,
            "TENANTRY_ENVIRONMENT": "development",
        },
    )


def data_plane(postgres: EmbeddedPostgres, ports: Ports, home: Home, secrets: PlaneSecrets) -> ProcessSpec:
    """The data plane on its database, told by the control plane what to serve."""
    return _serving(
        "data plane",
        ports.data_plane,
        ("tenantry.dataplane",),
        {
            "TENANTRY_DATABASE_URL": postgres.url(DATA_PLANE_DATABASE),
            "TENANTRY_CONTROL_PLANE_URL": address(ports.control_plane),
            "TENANTRY_DATA_PLANE_TOKEN": secrets.data_plane_token,
            "TENANTRY_DATA_PLANE_NAME": "local",
            "TENANTRY_BUNDLE_PUBLIC_KEY": secrets.bundle_public_key,
            "TENANTRY_BUNDLE_DIRECTORY": str(home.bundles),
            "TENANTRY_CALLBACK_SECRETS": secrets.callback_secret,
        },
    )


def test_api(ports: Ports) -> ProcessSpec:
    """The upstream of the examples."""
    return _serving(
        "test API",
        ports.test_api,
        ("tenantry.testapi", "--port", str(ports.test_api)),
        {},
        ready_path="/healthz",
    )


def _serving(
    name: str, port: int, module: tuple[str, ...], environment: dict[str, str], *, ready_path: str = "/readyz"
) -> ProcessSpec:
    def is_ready() -> bool:
        try:
            return httpx.get(address(port) + ready_path, trust_env=False).status_code == HTTPStatus.OK
        except httpx.TransportError:
            return False

    return ProcessSpec(
        name=name,
        command=(sys.executable, "-m", *module),
        environment={**environment, "TENANTRY_HOST": HOST, "TENANTRY_PORT": str(port)},
        is_ready=is_ready,
    )
