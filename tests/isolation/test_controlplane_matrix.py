"""Every GraphQL operation, every role, own and other tenant. An operation that is missing here fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from tenantry.controlplane.graphql.schema import make_schema
from tenantry.controlplane.store.database import MIGRATIONS
from tenantry.tenants.roles import Role
from tests.support.controlplane import ADMIN_TOKEN, Api, run_control_plane, task_text, tenant_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ALLOWED, FORBIDDEN, HIDDEN = "allowed", "forbidden", "hidden"
ADMINS: Final = frozenset({Role.PLATFORM_ADMIN, Role.TENANT_ADMIN})
EVERYBODY: Final = frozenset(Role)
PLATFORM: Final = frozenset({Role.PLATFORM_ADMIN})


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation as a caller sends it about `$tenant`, and the roles that may, in their own tenant.

    Attributes:
        of_platform: it concerns no tenant but the platform: nobody learns anything by being told no.
    """

    query: str
    roles: frozenset[Role]
    of_platform: bool = False
    variables: Callable[[str], dict[str, Any]] = field(default=lambda tenant: {"tenant": tenant})


def with_text(make: Callable[[str], str]) -> Callable[[str], dict[str, Any]]:
    return lambda tenant: {"text": make(tenant)}


READERS: Final = frozenset(Role) - {Role.FINANCE}
MATRIX: Final = {
    "tenants": Operation(
        query="{ answer: tenants { edges { cursor } } }",
        roles=PLATFORM,
        of_platform=True,
        variables=lambda _: {},
    ),
    "tenant": Operation(
        query="query ($tenant: String!) { answer: tenant(name: $tenant) { name } }",
        roles=EVERYBODY - {Role.CALLER},
    ),
    "definitions": Operation(
        query="query ($tenant: String!) { answer: definitions(tenant: $tenant) { edges { cursor } } }",
        roles=READERS,
    ),
    "definition": Operation(
        query="""query ($tenant: String!) {
          answer: definition(tenant: $tenant, kind: WorkflowTask, name: "get") { name } }""",
        roles=READERS,
    ),
    "definitionVersions": Operation(
        query="""query ($tenant: String!) {
          answer: definitionVersions(tenant: $tenant, kind: WorkflowTask, name: "get") {
            edges { cursor } } }""",
        roles=READERS,
    ),
    "apiKeys": Operation(
        query="query ($tenant: String!) { answer: apiKeys(tenant: $tenant) { edges { cursor } } }",
        roles=ADMINS,
    ),
    "auditLog": Operation(
        query="query ($tenant: String!) { answer: auditLog(tenant: $tenant) { edges { cursor } } }",
        roles=ADMINS,
    ),
    "usageSummary": Operation(
        query="""query ($tenant: String!) {
          answer: usageSummary(tenant: $tenant, from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z") {
            workflow } }""",
        roles=ADMINS | {Role.VIEWER, Role.FINANCE},
    ),
    "createTenant": Operation(
        query="""mutation ($text: String!) {
          answer: createTenant(text: $text) { userErrors { code } } }""",
        roles=PLATFORM,
        of_platform=True,
        variables=with_text(tenant_text),
    ),
    "updateTenant": Operation(
        query="""mutation ($text: String!) {
          answer: updateTenant(text: $text) { userErrors { code } } }""",
        roles=PLATFORM,
        of_platform=True,
        variables=with_text(lambda tenant: tenant_text(tenant, "{displayName: Changed}")),
    ),
    "applyDefinitions": Operation(
        query="""mutation ($tenant: String!, $text: String!) {
          answer: applyDefinitions(tenant: $tenant, text: $text) { userErrors { code } } }""",
        roles=ADMINS | {Role.AUTHOR},
        variables=lambda tenant: {"tenant": tenant, "text": task_text("changed")},
    ),
    "putLabel": Operation(
        query="""mutation ($tenant: String!) {
          answer: putLabel(tenant: $tenant, kind: WorkflowTask, name: "get", label: "stable", version: 1) {
            definition { labels } userErrors { code } } }""",
        roles=ADMINS | {Role.AUTHOR},
    ),
    "removeLabel": Operation(
        query="""mutation ($tenant: String!) {
          answer: removeLabel(tenant: $tenant, kind: WorkflowTask, name: "get", label: "stable") {
            definition { labels } userErrors { code } } }""",
        roles=ADMINS | {Role.AUTHOR},
    ),
    "issueApiKey": Operation(
        query="""mutation ($tenant: String!) {
          answer: issueApiKey(tenant: $tenant, role: VIEWER, name: "new") { token userErrors { code } } }""",
        roles=ADMINS,
    ),
    "revokeApiKey": Operation(
        query="""mutation ($tenant: String!) {
          answer: revokeApiKey(tenant: $tenant, id: "nope") { userErrors { code } } }""",
        roles=ADMINS,
    ),
    "setRateCard": Operation(
        query="""mutation ($tenant: String!) {
          answer: setRateCard(tenant: $tenant, currency: "EUR", prices: []) { userErrors { code } } }""",
        roles=PLATFORM,
    ),
}


@pytest.fixture
async def api(make_migrated_database: Callable[[Path], str]) -> AsyncIterator[Api]:
    async with run_control_plane(make_migrated_database(MIGRATIONS)) as running:
        for tenant in ("own", "other"):
            await running.create_tenant(tenant)
            await running.apply(tenant, task_text("get"))
        yield running


async def token_of(api: Api, role: Role) -> str:
    return ADMIN_TOKEN if role is Role.PLATFORM_ADMIN else await api.token("own", role.name)


async def outcome(api: Api, operation: Operation, token: str, tenant: str) -> str:
    """What became of an operation: the answer is judged by its errors and never by its data alone."""
    response = await api.post(operation.query, token, **operation.variables(tenant))
    assert response.status_code == 200
    content = response.json()
    codes = [error["extensions"]["code"] for error in content.get("errors", [])]
    if content["data"]["answer"] is not None and "userErrors" in content["data"]["answer"]:
        codes += [error["code"] for error in content["data"]["answer"]["userErrors"]]
    known = {"forbidden": FORBIDDEN, "tenant.not_found": HIDDEN}
    return next((known[code] for code in codes if code in known), ALLOWED)


def expected(operation: Operation, role: Role, tenant: str) -> str:
    if role is Role.PLATFORM_ADMIN:
        return ALLOWED
    if tenant == "other" and not operation.of_platform:
        return HIDDEN
    return ALLOWED if role in operation.roles else FORBIDDEN


def test_every_operation_of_the_schema_is_in_the_matrix() -> None:
    schema = make_schema(introspection=True)._schema
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    assert schema.subscription_type is None
    assert set(MATRIX) == {*schema.query_type.fields, *schema.mutation_type.fields}


@pytest.mark.parametrize("role", Role)
async def test_every_operation_does_what_the_matrix_says(api: Api, role: Role) -> None:
    token = await token_of(api, role)
    found = {
        (name, tenant): await outcome(api, operation, token, tenant)
        for name, operation in MATRIX.items()
        for tenant in ("own", "other")
    }
    assert found == {
        (name, tenant): expected(operation, role, tenant)
        for name, operation in MATRIX.items()
        for tenant in ("own", "other")
    }


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_ADMIN])
async def test_another_tenant_answers_exactly_like_one_that_does_not_exist(api: Api, role: Role) -> None:
    token = await token_of(api, role)
    for name, operation in MATRIX.items():
        if operation.of_platform:
            continue
        other = await api.post(operation.query, token, **operation.variables("other"))
        nobody = await api.post(operation.query, token, **operation.variables("nobody"))
        assert other.text.replace("other", "nobody") == nobody.text, name


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_ADMIN])
async def test_nothing_that_a_role_tries_changes_another_tenant(api: Api, role: Role) -> None:
    before = await api.bundle("other")
    token = await token_of(api, role)
    for operation in MATRIX.values():
        await api.post(operation.query, token, **operation.variables("other"))
    assert await api.bundle("other") == before


async def test_a_tenants_nested_fields_ask_again(api: Api) -> None:
    query = '{ tenant(name: "own") { name definitionCounts { count } } }'
    response = await api.post(query, await token_of(api, Role.FINANCE))
    assert response.json()["data"] == {"tenant": {"name": "own", "definitionCounts": None}}
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["forbidden"]


async def test_a_refusal_is_logged_with_its_reason(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await outcome(api, MATRIX["apiKeys"], await api.token("own", "VIEWER"), "own")
    await outcome(api, MATRIX["apiKeys"], await api.token("own", "TENANT_ADMIN"), "other")
    assert "the role viewer does not include manage-keys" in caplog.text
    assert "belongs to another tenant than other" in caplog.text
