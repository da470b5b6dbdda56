"""Both planes on real databases and real HTTP: from a GraphQL mutation to an answer, and back to usage."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest
import uvicorn

from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.process import running
from tenantry.dataplane.settings import settings_from
from tests.support.controlplane import DATA_PLANE_TOKEN, SIGNING_KEY, Api, run_control_plane
from tests.support.eventually import eventually
from tests.support.testapi import serve_testapi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from tenantry.dataplane.gateway.services import Services

TENANT = "{egress: {allow: [127.0.0.0/8]}}"
DEFINITIONS = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: fetch-user}
spec:
  type: http
  request: {url: "%s/users/{{input.id}}"}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: greet}
spec:
  input: {type: object, required: [id], properties: {id: {type: integer}}}
  tasks:
    - {id: user, taskRef: fetch-user, input: {id: "{{input.id}}"}}
  output: {greeting: "Hello %s {{tasks.user.output.name}}"}
"""
USAGE = """
query ($tenant: String!, $from: DateTime!, $to: DateTime!) {
  usageSummary(tenant: $tenant, from: $from, to: $to) { workflow meters { invocations } }
}"""

REVOKE = """
mutation ($tenant: String!, $id: ID!) {
  revokeApiKey(tenant: $tenant, id: $id) { userErrors { code } }
}"""


class Wire:
    """The HTTP between the planes, to be cut; `lose_answers` drops the answers to reports of usage."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.is_cut = False
        self.lose_answers = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.is_cut:
            await _unavailable(send)
        elif scope["type"] == "http" and self.lose_answers and scope["path"].endswith("/usage"):
            await self._app(scope, receive, _swallow)
            await _unavailable(send)
        else:
            await self._app(scope, receive, send)


async def _swallow(_message: Any) -> None:
    return


async def _unavailable(send: Send) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Planes:
    """Both planes with one tenant, and what a user does with them."""

    def __init__(self, api: Api, wire: Wire, address: str, databases: tuple[str, str], folder: Path) -> None:
        self.api, self.wire = api, wire
        self.control_database, self.data_database = databases
        self._address, self._folder = address, folder
        self._stack = AsyncExitStack()
        self.services: Services
        self._client: httpx.AsyncClient

    async def start_data_plane(self) -> None:
        key = base64.b64encode(SIGNING_KEY.public_key().public_bytes_raw()).decode()
        settings = settings_from(
            {
                "TENANTRY_DATABASE_URL": self.data_database,
                "TENANTRY_CONTROL_PLANE_URL": self._address,
                "TENANTRY_DATA_PLANE_TOKEN": DATA_PLANE_TOKEN,
                "TENANTRY_BUNDLE_PUBLIC_KEY": key,
                "TENANTRY_BUNDLE_DIRECTORY": str(self._folder),
            }
        )
        self.services = await self._stack.enter_async_context(running(settings))
        transport = httpx.ASGITransport(create_app(self.services))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://data-plane")
        await self._stack.enter_async_context(self._client)

    async def stop_data_plane(self) -> None:
        await self._stack.aclose()

    async def served_revision(self, tenant: str, revision: int) -> None:
        """Waits until the data plane serves that revision or a later one."""
        await eventually(lambda: self.services.registry.revisions().get(tenant, 0) >= revision)

    async def current_revision(self, tenant: str) -> int:
        return (await self.api.bundle(tenant)).revision

    async def deploy(self, tenant: str, upstream: str, word: str = "dear") -> None:
        payload = await self.api.apply(tenant, DEFINITIONS % (upstream, word))
        assert payload["userErrors"] == [], payload
        await self.served_revision(tenant, await self.current_revision(tenant))

    async def greet(self, tenant: str, token: str, value: Any = None, selector: str = "") -> httpx.Response:
        return await self._client.post(
            f"/tenants/{tenant}/api/v1/workflows/greet{selector}/execute",
            json={"id": 1} if value is None else value,
            headers={"Authorization": f"Bearer {token}"},
        )

    async def invocations(self, tenant: str) -> int:
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        span = {"from": (now - timedelta(hours=2)).isoformat(), "to": (now + timedelta(hours=2)).isoformat()}
        rows = (await self.api.ask(USAGE, tenant=tenant, **span))["usageSummary"]
        return sum(int(row["meters"]["invocations"]) for row in rows)

    async def in_data_plane(self, statement: str, *values: Any) -> Any:
        return await _fetch(self.data_database, statement, *values)

    async def in_control_plane(self, statement: str, *values: Any) -> Any:
        return await _fetch(self.control_database, statement, *values)


async def _fetch(url: str, statement: str, *values: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement, *values)
    finally:
        await connection.close()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The application on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with serve_testapi() as address:
        yield address


@pytest.fixture
async def planes(make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Planes]:
    control, data = make_database(), make_database()
    async with run_control_plane(control) as api:
        wire = Wire(api.plane.app)
        async with served(wire) as address:
            planes = Planes(api, wire, address, (control, data), tmp_path / "bundles")
            await api.create_tenant("acme", TENANT)
            await planes.start_data_plane()
            try:
                yield planes
            finally:
                api.plane.drain()
                await planes.stop_data_plane()


async def test_what_was_answered_is_in_the_database_and_its_usage_in_the_control_plane_once(
    planes: Planes, upstream: str
) -> None:
    token = await planes.api.token("acme", "CALLER")
    await planes.deploy("acme", upstream)
    answer = await planes.greet("acme", token)
    assert answer.status_code == 200, answer.text
    execution = answer.headers["execution-id"]
    kinds = "SELECT array_agg(type ORDER BY sequence) FROM events WHERE tenant = 'acme' AND execution_id = $1"
    assert await planes.in_data_plane(kinds, execution) == [
        "WorkflowSubmitted",
        "WorkflowValidated",
        "WorkflowStarted",
        "TaskStarted",
        "TaskCompleted",
        "WorkflowCompleted",
    ]
    await eventually(lambda: planes.invocations("acme"))
    await eventually(lambda: _is_zero(planes.in_data_plane("SELECT count(*) FROM usage_outbox")))
    assert await planes.invocations("acme") == 1
    assert await planes.in_control_plane("SELECT array_agg(execution_id) FROM usage_events") == [execution]


async def _is_zero(count: Any) -> bool:
    return bool(await count == 0)


async def test_usage_whose_acknowledgement_is_lost_is_sent_again_and_counted_once(
    planes: Planes, upstream: str
) -> None:
    token = await planes.api.token("acme", "CALLER")
    await planes.deploy("acme", upstream)
    planes.wire.lose_answers = True
    for _ in range(3):
        assert (await planes.greet("acme", token)).status_code == 200
    await eventually(lambda: planes.invocations("acme"))
    assert await planes.in_data_plane("SELECT count(*) FROM usage_outbox") == 3
    planes.wire.lose_answers = False
    await eventually(lambda: _is_zero(planes.in_data_plane("SELECT count(*) FROM usage_outbox")))
    assert await planes.invocations("acme") == 3


async def test_without_its_control_plane_a_data_plane_works_restarts_and_loses_no_usage(
    planes: Planes, upstream: str
) -> None:
    token = await planes.api.token("acme", "CALLER")
    await planes.deploy("acme", upstream)
    planes.wire.is_cut = True
    assert (await planes.greet("acme", token)).status_code == 200
    await planes.stop_data_plane()
    await planes.start_data_plane()
    assert (await planes.greet("acme", token)).status_code == 200
    assert await planes.in_data_plane("SELECT count(*) FROM usage_outbox") == 2
    planes.wire.is_cut = False
    await eventually(lambda: _is_zero(planes.in_data_plane("SELECT count(*) FROM usage_outbox")))
    assert await planes.invocations("acme") == 2


async def test_a_new_version_is_served_and_a_revoked_key_is_not(planes: Planes, upstream: str) -> None:
    issued = await planes.api.issue_key("acme", "CALLER")
    token = issued["token"]
    await planes.deploy("acme", upstream)
    first = (await planes.greet("acme", token)).json()["greeting"]
    await planes.deploy("acme", upstream, word="dearest")
    second = (await planes.greet("acme", token)).json()["greeting"]
    assert second == first.replace("dear", "dearest")
    await planes.api.ask(REVOKE, tenant="acme", id=issued["apiKey"]["id"])
    await planes.served_revision("acme", await planes.current_revision("acme"))
    assert (await planes.greet("acme", token)).status_code == 401


async def test_versions_are_served_side_by_side_by_number_and_by_label(planes: Planes, upstream: str) -> None:
    token = await planes.api.token("acme", "CALLER")
    for word in ("dear", "dearest", "my"):
        await planes.deploy("acme", upstream, word=word)
    await planes.api.label("acme", "greet", "stable", 2)
    await planes.served_revision("acme", await planes.current_revision("acme"))
    said = {}
    for selector in ("", "@v1", "@2", "@stable", "@v4"):
        answer = await planes.greet("acme", token, selector=selector)
        said[selector] = answer.json().get("greeting", "").split(" ")[1:2] or answer.status_code
    assert said == {"": ["my"], "@v1": ["dear"], "@2": ["dearest"], "@stable": ["dearest"], "@v4": 404}


async def test_a_tenant_s_key_opens_no_other_tenant(planes: Planes, upstream: str) -> None:
    await planes.api.create_tenant("globex", TENANT)
    own, other = await planes.api.token("acme", "CALLER"), await planes.api.token("globex", "TENANT_ADMIN")
    await planes.deploy("acme", upstream)
    await planes.served_revision("globex", await planes.current_revision("globex"))
    unknown = await planes.greet("nobody", own)
    hidden = await planes.greet("acme", other)
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.content == unknown.content
    assert (await planes.greet("acme", own)).status_code == 200
