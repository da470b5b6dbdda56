"""Every route of the data plane, every role, own and other tenant, any key. A missing route fails."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from starlette.routing import Route

from tenantry.dataplane.process import MIGRATIONS
from tenantry.language.plan.model import CircuitPolicy
from tenantry.tenants.identity import TenantId
from tenantry.tenants.roles import Role
from tests.support.callbacks import owe
from tests.support.dataplane import ROLES, DataPlane, run_data_plane, served_bundle
from tests.support.tenants import key_for, token_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

AUTHORS: Final = frozenset({Role.TENANT_ADMIN, Role.AUTHOR})
CALLERS: Final = AUTHORS | {Role.CALLER}
READERS: Final = CALLERS | {Role.VIEWER}
API: Final = "/tenants/{tenant}/api/v1"
DOCUMENTS: Final = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: echo}
spec: {type: transform, value: "{{input}}"}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: echo}
spec: {tasks: [{id: echo, taskRef: echo, input: "{{input}}"}], output: "{{tasks.echo.output}}"}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: echo, namespace: inner}
spec: {tasks: [{id: echo, taskRef: echo, input: "{{input}}"}], output: "{{tasks.echo.output}}"}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: unreachable}
spec: {type: http, request: {method: GET, url: "http://127.0.0.1:1/"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: fail}
spec: {tasks: [{id: call, taskRef: unreachable, optional: true}], output: done}
"""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A route's method and the roles that may use it in their own tenant; no roles: it is for everybody.

    Attributes:
        foreign: whether its path names something that another tenant may have as well.
        answer: the status with which it is done, or told to be impossible for a reason of its own.
    """

    method: str = "GET"
    roles: frozenset[Role] = frozenset()
    options: dict[str, Any] = field(default_factory=dict)
    foreign: bool = False
    answer: int = 200


READ: Final = Operation(roles=READERS)
READ_TENANT: Final = Operation(roles=AUTHORS | {Role.VIEWER, Role.FINANCE})
READ_FOREIGN: Final = Operation(roles=READERS, foreign=True)
ORDER: Final = Operation(method="POST", roles=AUTHORS, foreign=True)
CONTROL: Final = Operation(method="POST", roles=CALLERS, foreign=True)
CALL: Final = Operation(method="POST", roles=CALLERS, options={"json": {"secret": "of-acme"}})
SETTLE: Final = Operation(method="POST", roles=CALLERS, foreign=True)
OF_WORKFLOWS: Final = {
    "/{name}/execute": CALL,
    "/{name}/test": CALL,
    "": READ,
    "/{name}": READ,
    "/{name}/plan": READ,
    "/{name}/versions": READ,
    "/{name}/openapi.json": READ,
    "/{name}/error-quality": READ,
    "/{name}/executions": READ,
}
MATRIX: Final = {
    f"{API}/openapi.json": READ,
    f"{API}/tasks/{{name}}/error-quality": READ,
    f"{API}/error-quality/trends": READ,
    **{f"{API}/workflows{path}": operation for path, operation in OF_WORKFLOWS.items()},
    **{
        f"{API}/namespaces/{{namespace}}/workflows{path}": operation
        for path, operation in OF_WORKFLOWS.items()
    },
    f"{API}/tasks": READ,
    f"{API}/tasks/{{name}}": READ,
    f"{API}/executions/{{id}}": READ_FOREIGN,
    f"{API}/executions/{{id}}/trace": READ_FOREIGN,
    f"{API}/executions/{{id}}/events": READ_FOREIGN,
    f"{API}/executions/{{id}}/state": READ_FOREIGN,
    f"{API}/executions/{{id}}/cancel": CONTROL,
    f"{API}/executions/{{id}}/pause": CONTROL,
    f"{API}/executions/{{id}}/resume": CONTROL,
    f"{API}/executions/{{id}}/retry": replace(CONTROL, answer=409),
    f"{API}/executions/{{id}}/fork": replace(CONTROL, options={"json": {"task": "echo"}}, answer=202),
    f"{API}/executions/{{id}}/callback": READ_FOREIGN,
    f"{API}/executions/{{id}}/callback/retry": Operation(method="POST", roles=CALLERS, foreign=True),
    f"{API}/callbacks": READ,
    f"{API}/callbacks/secret": Operation(roles=frozenset({Role.TENANT_ADMIN})),
    f"{API}/circuits": READ,
    f"{API}/circuits/health": READ,
    f"{API}/circuits/{{circuit}}": READ_FOREIGN,
    f"{API}/circuits/{{circuit}}/open": ORDER,
    f"{API}/circuits/{{circuit}}/close": ORDER,
    f"{API}/circuits/{{circuit}}/reset": ORDER,
    f"{API}/dlq": READ,
    f"{API}/dlq/analytics": READ,
    f"{API}/dlq/bulk-retry": Operation(method="POST", roles=CALLERS, options={"json": {"filter": {}}}),
    f"{API}/dlq/{{letter}}": READ_FOREIGN,
    f"{API}/dlq/{{letter}}/retry": SETTLE,
    f"{API}/dlq/{{letter}}/retry-with-input": replace(SETTLE, options={"json": {"input": "of-acme"}}),
    f"{API}/dlq/{{letter}}/discard": SETTLE,
    f"{API}/dlq/{{letter}}/archive": SETTLE,
    f"{API}/retention/status": READ_TENANT,
    f"{API}/retention/policies": READ_TENANT,
    f"{API}/retention/logs": READ_TENANT,
    f"{API}/retention/cleanup": Operation(method="POST", roles=frozenset({Role.TENANT_ADMIN})),
    "/healthz": Operation(),
    "/readyz": Operation(),
    "/": Operation(),
}
TENANT_PATHS: Final = [path for path in MATRIX if "{tenant}" in path]


@dataclass(frozen=True)
class Place:
    """A data plane of acme and globex, with an execution and a circuit of each."""

    plane: DataPlane
    executions: dict[str, str]
    circuits: dict[str, str]

    async def ask(self, path: str, *, tenant: str, headers: dict[str, str], owner: str = "") -> Any:
        """The operation in the tenant, on what the owner (the tenant itself) has."""
        operation = MATRIX[path]
        owner = owner or tenant
        url = path.format(
            tenant=tenant,
            name="echo",
            namespace="inner",
            id=self.executions.get(owner, UNKNOWN),
            circuit=self.circuits.get(owner, "unknown"),
            letter=await self.new_letter(owner) if "{letter}" in path else UNKNOWN,
        )
        return await self.plane.client.request(operation.method, url, headers=headers, **operation.options)

    async def new_letter(self, owner: str) -> str:
        """A dead letter of the owner's, if that may execute anything."""
        answer = await self.plane.execute("fail", tenant=owner)
        execution_id = answer.headers.get("Execution-Id", UNKNOWN)
        found = await self.plane.services.history._pool.fetchval(
            "SELECT id::text FROM dead_letters WHERE execution_id = $1::uuid", execution_id
        )
        return str(found or UNKNOWN)


UNKNOWN: Final = "019ca945-0a00-7316-9d6e-83367b976cd1"


def bearer(tenant: str, role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_for(tenant, role)}"}


@pytest.fixture
async def place(make_migrated_database: Callable[[Path], str], tmp_path: Path) -> AsyncIterator[Place]:
    bundles = [served_bundle(tenant, documents=DOCUMENTS) for tenant in ("acme", "globex")]
    async with run_data_plane(make_migrated_database(MIGRATIONS), tmp_path, *bundles) as plane:
        executions, circuits = {}, {}
        for tenant in ("acme", "globex"):
            answer = await plane.execute("echo", {"secret": f"of-{tenant}"}, tenant=tenant)
            executions[tenant] = answer.headers["Execution-Id"]
            circuits[tenant] = await begin_circuit(plane, tenant)
            await owe(
                plane.services.history._pool,
                f"https://of-{tenant}/hook",
                tenant=tenant,
                execution_id=executions[tenant],
                status="delivered",
            )
        yield Place(plane, executions, circuits)


async def begin_circuit(plane: DataPlane, tenant: str) -> str:
    """The name of a circuit that the tenant alone has."""
    circuits, now = plane.services.circuits, plane.services.clock()
    await circuits.admit(TenantId(tenant), f"https://of-{tenant}", CircuitPolicy(), now)
    (view,) = await circuits.snapshot(TenantId(tenant), now)
    return view.name


async def test_every_route_is_in_the_matrix_and_nothing_else_is(place: Place) -> None:
    routes = {
        route.path: getattr(route.endpoint, "method", None)
        for route in place.plane.app.routes
        if isinstance(route, Route)
    }
    assert len(routes) == len(place.plane.app.routes)
    assert routes == {path: operation.method for path, operation in MATRIX.items()}


@pytest.mark.parametrize("path", TENANT_PATHS)
async def test_a_role_may_do_in_its_own_tenant_exactly_what_the_matrix_says(place: Place, path: str) -> None:
    for role in ROLES:
        response = await place.ask(path, tenant="acme", headers=bearer("acme", role))
        if role in MATRIX[path].roles:
            assert response.status_code == MATRIX[path].answer, (role, response.text)
        else:
            assert response.status_code == 403, (role, response.text)
            assert "of-acme" not in response.text


@pytest.mark.parametrize("path", TENANT_PATHS)
async def test_another_tenant_reads_as_one_that_does_not_exist(place: Place, path: str) -> None:
    for role in ROLES:
        headers = bearer("acme", role)
        theirs = await place.ask(path, tenant="globex", headers=headers)
        nobodys = await place.ask(path, tenant="initech", headers=headers)
        assert theirs.status_code == 404, (role, theirs.text)
        assert (theirs.json(), theirs.headers) == (nobodys.json(), nobodys.headers)
        assert "globex" not in theirs.text


@pytest.mark.parametrize("path", [path for path in TENANT_PATHS if MATRIX[path].foreign])
async def test_what_another_tenant_has_reads_as_what_does_not_exist(place: Place, path: str) -> None:
    for role in ROLES:
        headers = bearer("acme", role)
        theirs = await place.ask(path, tenant="acme", headers=headers, owner="globex")
        nobodys = await place.ask(path, tenant="acme", headers=headers, owner="initech")
        assert theirs.status_code == (404 if role in MATRIX[path].roles else 403), (role, theirs.text)
        assert (theirs.json(), theirs.headers) == (nobodys.json(), nobodys.headers)


@pytest.mark.parametrize("path", TENANT_PATHS)
@pytest.mark.parametrize("tenant", ["acme", "globex", "initech"])
async def test_without_a_good_key_every_tenant_looks_the_same(place: Place, path: str, tenant: str) -> None:
    now = place.plane.services.clock()
    expired = msgspec.structs.replace(
        served_bundle("acme", 2, documents=DOCUMENTS), keys=(key_for("acme", "tenant-admin", now - 1),)
    )
    forged = bearer("acme", "tenant-admin")["Authorization"].replace("_acme-", "_globex-")
    for headers in ({}, {"Authorization": forged}, bearer("initech", "tenant-admin")):
        response = await place.ask(path, tenant=tenant, headers=headers)
        assert response.status_code == 401, response.text
    await place.plane.services.registry.install(expired)
    response = await place.ask(path, tenant=tenant, headers=bearer("acme", "tenant-admin"))
    assert (response.status_code, "expired" in response.text) == (401, True)


@pytest.mark.parametrize("path", TENANT_PATHS)
async def test_a_suspended_tenant_may_do_nothing_and_its_neighbour_everything(
    place: Place, path: str
) -> None:
    await place.plane.services.registry.install(served_bundle("acme", 2, documents=DOCUMENTS, suspended=True))
    refused = await place.ask(path, tenant="acme", headers=bearer("acme", "tenant-admin"))
    assert (refused.status_code, refused.json()["title"]) == (403, "Tenant suspended")
    served = await place.ask(path, tenant="globex", headers=bearer("globex", "tenant-admin"))
    assert served.status_code == MATRIX[path].answer


@pytest.mark.parametrize("path", [path for path, operation in MATRIX.items() if not operation.roles])
async def test_what_is_for_everybody_tells_nothing_of_any_tenant(place: Place, path: str) -> None:
    response = await place.ask(path, tenant="", headers={})
    assert response.status_code == 200
    assert "acme" not in response.text


async def test_a_list_holds_nothing_of_another_tenant(place: Place) -> None:
    page = await place.ask(
        f"{API}/workflows/{{name}}/executions", tenant="acme", headers=bearer("acme", "viewer")
    )
    assert [execution["id"] for execution in page.json()["executions"]] == [place.executions["acme"]]
    callbacks = await place.ask(f"{API}/callbacks", tenant="acme", headers=bearer("acme", "viewer"))
    assert [callback["url"] for callback in callbacks.json()["callbacks"]] == ["https://of-acme/hook"]
    circuits = await place.ask(f"{API}/circuits", tenant="acme", headers=bearer("acme", "viewer"))
    assert [circuit["name"] for circuit in circuits.json()["circuits"]] == [place.circuits["acme"]]
    ours, _theirs = [await place.new_letter(tenant) for tenant in ("acme", "globex")]
    letters = await place.ask(f"{API}/dlq", tenant="acme", headers=bearer("acme", "viewer"))
    assert [letter["id"] for letter in letters.json()["deadLetters"]] == [ours]
