"""Several executors on one database, as behind a load balancer; they are stopped, or killed on the spot."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from tenantry.tenants.identity import TenantId
from tests.support.dataplane import run_data_plane, served_bundle
from tests.support.eventually import eventually
from tests.support.gates import gated_upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tenantry.dataplane.executions.lease import Lease
    from tenantry.dataplane.journal.rows import Row
    from tenantry.protocol.bundles import Bundle
    from tests.support.dataplane import DataPlane
    from tests.support.gates import Gates

DOCUMENTS: Final = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: look}}
spec: {{type: http, request: {{method: GET, url: "{url}/{{{{input.at}}}}"}}}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: act}}
spec:
  type: http
  request: {{method: POST, url: "{url}/{{{{input.at}}}}", body: {{given: "{{{{input}}}}"}}}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: act-once}}
spec:
  type: http
  request:
    method: POST
    url: "{url}/{{{{input.at}}}}"
    headers: {{Idempotency-Key: "{{{{execution.id}}}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: chain, labels: {{team: shop}}}}
spec:
  tasks:
    - {{id: a, taskRef: look, input: {{at: a}}}}
    - {{id: b, taskRef: act, input: {{at: b, saw: "{{{{tasks.a.output}}}}"}}}}
    - {{id: c, taskRef: look, input: {{at: c}}, dependsOn: [b]}}
  output: ["{{{{tasks.a.output.call}}}}", "{{{{tasks.b.output.call}}}}", "{{{{tasks.c.output.call}}}}"]
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: brief}}
spec:
  deadline: 300ms
  tasks: [{{id: a, taskRef: look, input: {{at: a}}}}]
  output: "{{{{tasks.a.output.call}}}}"
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: once}}
spec:
  tasks: [{{id: a, taskRef: act-once, input: {{at: a}}}}]
  output: "{{{{tasks.a.output.call}}}}"
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: carry}}
spec:
  tasks:
    - {{id: a, taskRef: look, input: {{at: a}}}}
    - {{id: b, taskRef: look, input: {{at: b}}, dependsOn: [a]}}
  output: {{carried: "{{{{tasks.a.output}}}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: pick}}
spec:
  input: {{type: object, required: [n], properties: {{n: {{type: integer}}}}}}
  tasks: [{{id: a, taskRef: look, input: {{at: a}}}}]
  output: {{n: "{{{{input.n}}}}", call: "{{{{tasks.a.output.call}}}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: fleeting}}
spec:
  durability: none
  tasks: [{{id: a, taskRef: look, input: {{at: a}}}}]
  output: "{{{{tasks.a.output.call}}}}"
"""
"""`chain` looks at `a`, acts on `b` and looks at `c`, and gives how often each had been asked for."""


class Nowhere:
    """A store that was cut off in the middle of everything."""

    unsafe_settings = ()

    async def commit(self, _rows: list[Row]) -> set[str]:
        raise ConnectionResetError

    def disconnect(self) -> None:
        """Nothing to give up."""

    async def close(self) -> None:
        """Nothing to end."""


class Executors:
    """Executors that are started as a test wants them.

    Attributes:
        upstream: what the workflows call.
        database: to look and to interfere.
    """

    def __init__(
        self, url: str, folder: Path, upstream: Gates, database: asyncpg.Connection, stack: AsyncExitStack
    ) -> None:
        self.url, self._folder, self.upstream, self.database = url, folder, upstream, database
        self._stack = stack
        self._running: dict[str, AsyncExitStack] = {}

    def bundle(self, tenant: str = "acme", revision: int = 1, **parts: Any) -> Bundle:
        """A tenant's bundle with the documents of this module."""
        return served_bundle(
            tenant, revision, **{"documents": DOCUMENTS.format(url=self.upstream.url), **parts}
        )

    async def start(self, name: str = "one", *bundles: Bundle, **options: Any) -> DataPlane:
        """An executor of that name; it serves acme and globex unless told otherwise."""
        served = bundles or (self.bundle(), self.bundle("globex"))
        stack = await self._stack.enter_async_context(AsyncExitStack())
        plane = await stack.enter_async_context(
            run_data_plane(
                self.url,
                self._folder / name,
                *served,
                name=name,
                **{"lease_seconds": 3600.0, "drain_seconds": 0.0, **options},
            )
        )
        self._running[lease_of(plane).executor_id] = stack
        return plane

    async def stop(self, plane: DataPlane) -> None:
        """Ends it in good order."""
        await self._running[lease_of(plane).executor_id].aclose()

    async def kill(self, plane: DataPlane) -> None:
        """Ends it without a word: nothing more of it is written, and its lease runs out."""
        services = plane.services
        services.journal._store.disconnect()
        services.journal._store = Nowhere()
        services.history._pool.terminate()
        services.executor.lose_all()
        await self.expire(plane)

    async def expire(self, plane: DataPlane) -> None:
        """Lets its lease run out; it does not know."""
        await self.database.execute(
            "UPDATE executors SET lease_expires_at = now() - interval '1 second' WHERE id = $1::uuid",
            lease_of(plane).executor_id,
        )

    async def begin(
        self, plane: DataPlane, workflow: str, held: str, value: Any = None, *, tenant: str = "acme"
    ) -> str:
        """Begins an execution that comes to wait for the upstream's answer to one path; gives its id."""
        self.upstream.hold(held)
        before = self.upstream.asked[held]
        answer = await plane.execute(workflow, value, tenant=tenant, headers={"Prefer": "respond-async"})
        assert answer.status_code == 202, answer.text
        execution_id = answer.headers["Execution-Id"]
        await self.upstream.called(held, before + 1)
        await plane.services.journal.settled(TenantId(tenant), execution_id)
        return execution_id

    async def output(self, plane: DataPlane, execution_id: str, *, tenant: str = "acme") -> Any:
        """What an execution came to, once it has ended well."""
        await self.status(execution_id, "completed")
        answer = await plane.ask("GET", f"/executions/{execution_id}", tenant=tenant)
        return answer.json()["output"]

    async def row(self, execution_id: str) -> dict[str, Any]:
        """What the database says of an execution."""
        row = await self.database.fetchrow("SELECT * FROM executions WHERE id = $1::uuid", execution_id)
        assert row is not None
        return dict(row)

    async def events(self, execution_id: str) -> list[str]:
        """Its journal: the kinds of its events, whose numbers are checked to have no gaps."""
        rows = await self.database.fetch(
            "SELECT sequence, type FROM events WHERE execution_id = $1::uuid ORDER BY sequence", execution_id
        )
        assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
        return [row["type"] for row in rows]

    async def status(self, execution_id: str, wanted: str) -> None:
        """Waits until the database says so of the execution."""

        async def reached() -> bool:
            return bool((await self.row(execution_id))["status"] == wanted)

        await eventually(reached)


@asynccontextmanager
async def open_executors(url: str, folder: Path) -> AsyncIterator[Executors]:
    """A place for executors; at the end all that still run are stopped."""
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(gated_upstream())
        database = await asyncpg.connect(url)
        stack.push_async_callback(database.close)
        yield Executors(url, folder, upstream, database, stack)


def lease_of(plane: DataPlane) -> Lease:
    """Its lease, which looks around when it is told to."""
    return plane.services.control._lease
