"""Applies example tenants to a running platform, and sees to it that there are tokens to use them with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.cli.control_plane import ControlPlane
from tenantry.cli.credentials import TenantCredentials
from tenantry.cli.data_plane import DataPlane
from tenantry.cli.private_files import save_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenantry.cli.credentials import Credentials
    from tenantry.cli.examples import ExampleTenant
    from tenantry.cli.home import Home
    from tenantry.cli.ports import Ports

SERVED_SECONDS: Final = 30.0


def provision(
    tenants: Iterable[ExampleTenant],
    home: Home,
    credentials: Credentials,
    ports: Ports,
    tell: Callable[[str], None],
) -> Credentials:
    """Applies the tenants; returns when the data plane serves all that was applied, telling how far it is.

    Applying the same again changes nothing.

    Raises:
        FrontDoorError: a plane refused, with its reason.
    """
    with ControlPlane(ports.control_plane, credentials.platform_admin) as control_plane:
        for tenant in tenants:
            tell(tenant.name)
            control_plane.put_tenant(tenant.tenant)
            versions = control_plane.apply_definitions(tenant.name, tenant.definitions)
            tokens = _ensure_tokens(control_plane, tenant.name, credentials.tenants.get(tenant.name))
            credentials = credentials.with_tenant(tenant.name, tokens)
            save_private(home.credentials, credentials)
            with DataPlane(ports.data_plane, tenant.name, tokens.caller) as data_plane:
                tell(f"{tenant.name}, until the data plane serves it")
                data_plane.wait_served(versions, SERVED_SECONDS)
    return credentials


def _ensure_tokens(
    control_plane: ControlPlane, tenant: str, known: TenantCredentials | None
) -> TenantCredentials:
    if known and control_plane.accepts(known.admin, tenant) and control_plane.accepts(known.caller, tenant):
        return known
    return TenantCredentials(
        admin=control_plane.issue_key(tenant, "TENANT_ADMIN", "tenantry-run-admin"),
        caller=control_plane.issue_key(tenant, "CALLER", "tenantry-run-caller"),
    )
