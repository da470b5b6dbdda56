"""Roles: who may do what to which tenant. Asked by every entry point of both planes, before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from tenantry.tenants.identity import TenantId


class Role(StrEnum):
    """What an API key was issued for."""

    PLATFORM_ADMIN = "platform-admin"
    TENANT_ADMIN = "tenant-admin"
    AUTHOR = "author"
    CALLER = "caller"
    VIEWER = "viewer"
    FINANCE = "finance"


class Permission(StrEnum):
    """What an operation needs. Each operation of either plane names exactly one.

    `READ_TENANT` is the tenant itself, `MANAGE_TENANTS` creating and changing it, its quotas included; a dry
    run needs `EXECUTE`, because it shows what a call would do. `READ_AUDIT` is who did what,
    `MANAGE_RETENTION` a cleanup by hand.
    """

    EXECUTE = "execute"
    READ_EXECUTIONS = "read-executions"
    READ_DEFINITIONS = "read-definitions"
    APPLY_DEFINITIONS = "apply-definitions"
    READ_TENANT = "read-tenant"
    READ_USAGE = "read-usage"
    READ_AUDIT = "read-audit"
    MANAGE_RETENTION = "manage-retention"
    MANAGE_KEYS = "manage-keys"
    MANAGE_TENANTS = "manage-tenants"


PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.PLATFORM_ADMIN: frozenset(Permission),
    Role.TENANT_ADMIN: frozenset(Permission) - {Permission.MANAGE_TENANTS},
    Role.AUTHOR: frozenset(
        {
            Permission.EXECUTE,
            Permission.READ_EXECUTIONS,
            Permission.READ_DEFINITIONS,
            Permission.APPLY_DEFINITIONS,
            Permission.READ_TENANT,
        }
    ),
    Role.CALLER: frozenset({Permission.EXECUTE, Permission.READ_EXECUTIONS, Permission.READ_DEFINITIONS}),
    Role.VIEWER: frozenset(
        {
            Permission.READ_EXECUTIONS,
            Permission.READ_DEFINITIONS,
            Permission.READ_TENANT,
            Permission.READ_USAGE,
        }
    ),
    Role.FINANCE: frozenset({Permission.READ_TENANT, Permission.READ_USAGE}),
}
"""What each role may do: in its own tenant, and a platform-admin in every one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking: the key that authenticated. `tenant` is `None` for a platform-admin and nobody else.

    Raises:
        ValueError: a platform-admin inside a tenant, or another role without one.
    """

    key_id: str
    role: Role
    tenant: TenantId | None

    def __post_init__(self) -> None:
        if (self.role is Role.PLATFORM_ADMIN) is not (self.tenant is None):
            raise ValueError(f"a {self.role.value} key {'has no' if self.tenant else 'needs a'} tenant")


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Do not go on.

    Attributes:
        reason: for the log and, unless hidden, for the caller.
        hidden: answer exactly as if the resource did not exist: it is another tenant's.
    """

    reason: str
    hidden: bool


Decision: TypeAlias = Allowed | Refused

_ALLOWED: Final = Allowed()


def authorize(principal: Principal, permission: Permission, tenant: TenantId | None) -> Decision:
    """Decides whether the principal may do this to the tenant; `None` means to the platform as a whole."""
    if principal.tenant is not None and tenant is not None and principal.tenant != tenant:
        return Refused(reason=f"key {principal.key_id} belongs to another tenant than {tenant}", hidden=True)
    if principal.tenant is not None and tenant is None:
        return Refused(
            reason=f"a key of the role {principal.role.value} acts on its own tenant only", hidden=False
        )
    if permission not in PERMISSIONS[principal.role]:
        return Refused(
            reason=f"the role {principal.role.value} does not include {permission.value}", hidden=False
        )
    return _ALLOWED


def may_grant(principal: Principal, role: Role, tenant: TenantId | None) -> bool:
    """Whether the principal may issue a key of this role: never one that may do more than itself."""
    if (role is Role.PLATFORM_ADMIN) is not (tenant is None):
        return False
    return isinstance(authorize(principal, Permission.MANAGE_KEYS, tenant), Allowed)
