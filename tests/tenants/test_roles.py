from __future__ import annotations

from itertools import product

import pytest

from tenantry.tenants.identity import TenantId
from tenantry.tenants.roles import Allowed, Permission, Principal, Refused, Role, authorize, may_grant

ACME, GLOBEX = TenantId("acme"), TenantId("globex")

# The golden matrix: a change of who may do what is a change of this table.
MATRIX = """
                   platform-admin tenant-admin author caller viewer finance
execute            yes            yes          yes    yes    no     no
read-executions    yes            yes          yes    yes    yes    no
read-definitions   yes            yes          yes    yes    yes    no
apply-definitions  yes            yes          yes    no     no     no
read-tenant        yes            yes          yes    no     yes    yes
read-usage         yes            yes          no     no     yes    yes
read-audit         yes            yes          no     no     no     no
manage-retention   yes            yes          no     no     no     no
manage-keys        yes            yes          no     no     no     no
manage-tenants     yes            no           no     no     no     no
"""
HEADER, *LINES = (line.split() for line in MATRIX.strip().splitlines())
GOLDEN = {
    (Role(role), Permission(line[0])): cell == "yes"
    for line in LINES
    for role, cell in zip(HEADER, line[1:], strict=True)
}


def principal(role: Role) -> Principal:
    return Principal(key_id="k1", role=role, tenant=None if role is Role.PLATFORM_ADMIN else ACME)


def test_the_matrix_names_every_role_and_permission() -> None:
    assert set(GOLDEN) == set(product(Role, Permission))


@pytest.mark.parametrize(("role", "permission"), list(GOLDEN))
def test_in_its_own_tenant_a_key_may_do_what_the_matrix_says(role: Role, permission: Permission) -> None:
    decision = authorize(principal(role), permission, ACME)
    assert isinstance(decision, Allowed) is GOLDEN[role, permission]
    if isinstance(decision, Refused):
        assert not decision.hidden
        assert role.value in decision.reason
        assert permission.value in decision.reason


@pytest.mark.parametrize(("role", "permission"), list(GOLDEN))
def test_another_tenant_does_not_exist_except_for_the_platform(role: Role, permission: Permission) -> None:
    decision = authorize(principal(role), permission, GLOBEX)
    if role is Role.PLATFORM_ADMIN:
        assert decision == Allowed()
    else:
        assert isinstance(decision, Refused)
        assert decision.hidden


@pytest.mark.parametrize(("role", "permission"), list(GOLDEN))
def test_only_the_platform_acts_on_the_platform(role: Role, permission: Permission) -> None:
    decision = authorize(principal(role), permission, None)
    if role is Role.PLATFORM_ADMIN:
        assert decision == Allowed()
    else:
        assert isinstance(decision, Refused)
        assert not decision.hidden


@pytest.mark.parametrize("role", list(Role))
def test_a_key_has_a_tenant_exactly_when_it_is_not_the_platforms(role: Role) -> None:
    wrong = ACME if role is Role.PLATFORM_ADMIN else None
    with pytest.raises(ValueError, match="tenant"):
        Principal(key_id="k1", role=role, tenant=wrong)


@pytest.mark.parametrize(("granter", "role"), list(product(Role, Role)))
def test_keys_of_a_tenant_are_issued_by_its_admin_and_the_platform(granter: Role, role: Role) -> None:
    may = granter in {Role.PLATFORM_ADMIN, Role.TENANT_ADMIN} and role is not Role.PLATFORM_ADMIN
    assert may_grant(principal(granter), role, ACME) is may


@pytest.mark.parametrize("granter", list(Role))
def test_platform_keys_are_issued_by_the_platform_alone(granter: Role) -> None:
    assert may_grant(principal(granter), Role.PLATFORM_ADMIN, None) is (granter is Role.PLATFORM_ADMIN)


@pytest.mark.parametrize(("granter", "role"), list(product(Role, Role)))
def test_nobody_issues_keys_of_another_tenant(granter: Role, role: Role) -> None:
    may = granter is Role.PLATFORM_ADMIN and role is not Role.PLATFORM_ADMIN
    assert may_grant(principal(granter), role, GLOBEX) is may
