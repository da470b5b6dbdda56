"""A control plane inside the test process, on a real database, asked over its public HTTP API."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event

from tenantry.controlplane.application import ControlPlane
from tenantry.controlplane.settings import Environment, Settings
from tenantry.protocol.bundles import Bundle, decode_signed, verify

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncEngine

ADMIN_TOKEN: Final = "tnt_bootstrap_" + "a" * 32
DATA_PLANE_TOKEN: Final = "a-data-plane-secret-of-tests"
SIGNING_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def make_settings(url: str, environment: Environment = Environment.DEVELOPMENT) -> Settings:
    """Settings for a database."""
    return Settings(
        database_url=url,
        platform_admin_token=ADMIN_TOKEN,
        data_plane_token=DATA_PLANE_TOKEN,
        signing_key=SIGNING_KEY,
        environment=environment,
    )


@dataclass
class Clock:
    """A clock moved by hand."""

    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        """Moves on, by keyword arguments of `timedelta`."""
        self.now += timedelta(**parts)


@dataclass
class Api:
    """What tests ask. `engine` is the control plane's own, for counting statements and looking at tables."""

    client: httpx.AsyncClient
    engine: AsyncEngine
    plane: ControlPlane
    clock: Clock = field(default_factory=Clock)

    async def post(self, query: str, token: str = ADMIN_TOKEN, **variables: Any) -> httpx.Response:
        """The raw answer to a GraphQL operation."""
        return await self.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {token}"},
        )

    async def ask(self, query: str, token: str = ADMIN_TOKEN, **variables: Any) -> Any:
        """The data of an operation that must succeed."""
        response = await self.post(query, token, **variables)
        content = response.json()
        assert response.status_code == 200, content
        assert "errors" not in content, content
        return content["data"]

    async def refusal(self, query: str, token: str = ADMIN_TOKEN, **variables: Any) -> dict[str, Any]:
        """The one top-level error of an operation that must fail."""
        content = (await self.post(query, token, **variables)).json()
        (error,) = content["errors"]
        return dict(error)

    async def create_tenant(self, name: str, spec: str = "{}") -> Any:
        """A new tenant."""
        payload = (await self.ask(CREATE_TENANT, text=tenant_text(name, spec)))["createTenant"]
        assert payload["userErrors"] == [], payload
        return payload["tenant"]

    async def apply(self, tenant: str, text: str, token: str = ADMIN_TOKEN, **variables: Any) -> Any:
        """The payload of an apply."""
        return (await self.ask(APPLY, token, tenant=tenant, text=text, **variables))["applyDefinitions"]

    async def label(self, tenant: str, name: str, label: str, version: int, **variables: Any) -> Any:
        """The payload of a label given to a version of a workflow, or of another kind."""
        answer = await self.ask(
            PUT_LABEL, tenant=tenant, name=name, label=label, version=version, **variables
        )
        return answer["answer"]

    async def deeds(self, tenant: str) -> list[Any]:
        """What is in the audit log, newest first."""
        log = (await self.ask(AUDIT_LOG, tenant=tenant))["auditLog"]
        return [edge["node"] for edge in log["edges"]]

    async def issue_key(self, tenant: str, role: str, name: str | None = None, **variables: Any) -> Any:
        """The payload of a new key; `role` is the schema's word, such as `TENANT_ADMIN`."""
        answer = await self.ask(ISSUE_KEY, tenant=tenant, role=role, name=name or role, **variables)
        return answer["issueApiKey"]

    async def token(self, tenant: str, role: str) -> str:
        """A new key's token."""
        return str((await self.issue_key(tenant, role))["token"])

    async def internal(self, path: str, **headers: str) -> httpx.Response:
        """What a data plane gets."""
        return await self.client.get(path, headers={"Authorization": f"Bearer {DATA_PLANE_TOKEN}"} | headers)

    async def bundle(self, tenant: str) -> Bundle:
        """The tenant's bundle, verified."""
        response = await self.internal(f"/internal/v1/bundles/{tenant}")
        assert response.status_code == 200, response.text
        return verify(decode_signed(response.content), SIGNING_KEY.public_key())

    async def report(self, batch: bytes) -> httpx.Response:
        """The answer to a batch of usage events."""
        return await self.client.post(
            "/internal/v1/usage",
            content=batch,
            headers={
                "Authorization": f"Bearer {DATA_PLANE_TOKEN}",
                "Content-Type": "application/cloudevents-batch+json",
            },
        )


@asynccontextmanager
async def run_control_plane(
    url: str, *, clock: Clock | None = None, environment: Environment = Environment.DEVELOPMENT
) -> AsyncIterator[Api]:
    """A control plane from the start of its lifespan to the end of it."""
    clock = clock or Clock()
    plane = ControlPlane(make_settings(url, environment), clock)
    transport = httpx.ASGITransport(plane.app, raise_app_exceptions=False)
    try:
        await plane.prepare()
        async with (
            plane.app.router.lifespan_context(plane.app),
            httpx.AsyncClient(transport=transport, base_url="http://controlplane") as client,
        ):
            yield Api(client, plane._engine, plane, clock)
    finally:
        await plane.close()


class StatementCount:
    """How many SQL statements an engine sent while this context manager was open."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine
        self.total = 0

    def __enter__(self) -> Self:
        event.listen(self._engine, "before_cursor_execute", self._count)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.total += 1


def tenant_text(name: str, spec: str = "{}") -> str:
    """A tenant's document."""
    return f"{{apiVersion: workflow.io/v1, kind: WorkflowTenant, metadata: {{name: {name}}}, spec: {spec}}}"


def task_text(name: str, schema: str = "{}", url: str = "https://users.example.com/x") -> str:
    """A task's document; `schema` is its input schema."""
    return (
        f"apiVersion: workflow.io/v1\nkind: WorkflowTask\nmetadata: {{name: {name}}}\n"
        f"spec: {{type: http, inputSchema: {schema}, request: {{url: '{url}'}}}}\n"
    )


def workflow_text(name: str, task: str, data: str = "{}") -> str:
    """The document of a workflow with one step."""
    return steps_text(name, f"{{id: only, taskRef: {task}, input: {data}}}")


def steps_text(name: str, *steps: str, **spec: str) -> str:
    """The document of a workflow; its name may be `namespace/name`."""
    namespace, _, own = name.rpartition("/")
    metadata = f"{{name: {own}, namespace: {namespace}}}" if namespace else f"{{name: {own}}}"
    fields = ", ".join([f"tasks: [{', '.join(steps)}]", *(f"{key}: {value}" for key, value in spec.items())])
    return f"---\napiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {metadata}\nspec: {{{fields}}}\n"


CREATE_TENANT: Final = """
mutation ($text: String!) { createTenant(text: $text) {
  tenant { name displayName document revision createdAt updatedAt }
  findings { code message pointer line column }
  userErrors { field message code }
} }"""
UPDATE_TENANT: Final = CREATE_TENANT.replace("createTenant", "updateTenant")
APPLY: Final = """
mutation ($tenant: String!, $text: String!, $dryRun: Boolean = false, $force: Boolean = false) {
  applyDefinitions(tenant: $tenant, text: $text, dryRun: $dryRun, force: $force) {
    definitions { kind name version digest changed }
    findings {
      code severity message source document pointer line column suggestion docs
      edit { startLine startColumn endLine endColumn replacement }
    }
    userErrors { field message code }
} }"""
PUT_LABEL: Final = """
mutation (
  $tenant: String!, $name: String!, $label: String!, $version: Int!, $kind: DefinitionKind = Workflow
) {
  answer: putLabel(tenant: $tenant, kind: $kind, name: $name, label: $label, version: $version) {
    definition { name version labels }
    findings { code message document source }
    userErrors { field message code }
} }"""
REMOVE_LABEL: Final = """
mutation ($tenant: String!, $name: String!, $label: String!) {
  answer: removeLabel(tenant: $tenant, kind: Workflow, name: $name, label: $label) {
    definition { name version labels }
    findings { code message document source }
    userErrors { field message code }
} }"""
AUDIT_LOG: Final = """
query ($tenant: String!, $first: Int = 50, $after: String) {
  auditLog(tenant: $tenant, first: $first, after: $after) {
    edges { node { actor action target details at } } pageInfo { hasNextPage endCursor }
} }"""
ISSUE_KEY: Final = """
mutation ($tenant: String!, $role: Role!, $name: String!, $expiresAt: DateTime) {
  issueApiKey(tenant: $tenant, role: $role, name: $name, expiresAt: $expiresAt) {
    apiKey { id name role createdAt expiresAt revokedAt } token userErrors { field message code }
} }"""
REVOKE_KEY: Final = """
mutation ($tenant: String!, $id: ID!) { revokeApiKey(tenant: $tenant, id: $id) {
  apiKey { id revokedAt } userErrors { field message code }
} }"""
