"""A simulated world: executors that crash, a database that fails before and after commits, an upstream, callers.

Everything between the REST door and the two ports at the bottom (the store, the HTTP client) is the real thing.
"""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.bundles.plans import plan_from_source
from tenantry.dataplane.bundles.registry import Registry
from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.engine.record import PlanSource
from tenantry.dataplane.executions.control import ORDER_SECONDS, Control
from tenantry.dataplane.executions.executor import Executor
from tenantry.dataplane.executions.keys import IdempotencyKeys
from tenantry.dataplane.executions.lease import Lease
from tenantry.dataplane.executions.repeating import repeating
from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.journal.writer import JournalWriter
from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.tasks.http_client import ConnectionFailedError, HttpResponse, TimedOutError
from tests.support.reliability.database import Database, MemoryHistory, MemoryKeys, MemoryOwnership
from tests.support.tenants import key_for, make_bundle, token_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.journal.rows import Row
    from tenantry.dataplane.tasks.http_client import HttpRequest
    from tenantry.language.plan.model import Plan

TENANTS: Final = ("acme", "globex")
BEGINNING: Final = 1_772_366_400.0
ORDER: Final = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: quote}
spec:
  type: http
  request: {method: GET, url: "http://127.0.0.1/quote", query: {tenant: "{{tenant.name}}"}}
  timeout: 2s
  retry: {maxAttempts: 2, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: charge}
spec:
  type: http
  request:
    method: POST
    url: "http://127.0.0.1/charge"
    headers: {Idempotency-Key: "{{execution.id}}-charge"}
    body: {execution: "{{execution.id}}", tenant: "{{tenant.name}}"}
  timeout: 2s
  retry: {maxAttempts: 3, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: ship}
spec:
  type: http
  request:
    method: POST
    url: "http://127.0.0.1/ship"
    body: {execution: "{{execution.id}}", tenant: "{{tenant.name}}"}
  timeout: 2s
  retry: {maxAttempts: 2, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: refund}
spec:
  type: http
  request:
    method: POST
    url: "http://127.0.0.1/refund"
    headers: {Idempotency-Key: "{{execution.id}}-refund"}
    body: {execution: "{{execution.id}}", tenant: "{{tenant.name}}"}
  timeout: 2s
  retry: {maxAttempts: 5, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: order}
spec:
  input: {type: object, required: [item], properties: {item: {type: string}}}
  deadline: 20s
  tasks:
    - {id: quote, taskRef: quote}
    - {id: stock, taskRef: quote}
    - {id: charge, taskRef: charge, dependsOn: [quote], compensate: {taskRef: refund}}
    - {id: ship, taskRef: ship, dependsOn: [charge, stock]}
    - {id: tell, taskRef: ship, dependsOn: [charge], optional: true}
  output: {item: "{{input.item}}", tenant: "{{tenant.name}}", execution: "{{execution.id}}"}
"""

_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely what goes wrong is, each from 0 to 1.

    Attributes:
        before, after: a commit fails and was not made, or was.
        query: a statement fails.
        busy, timeout, refused: an upstream answers 503, answers too late, or takes no connection.
    """

    before: float = 0.03
    after: float = 0.03
    query: float = 0.02
    busy: float = 0.03
    timeout: float = 0.03
    refused: float = 0.02


@dataclass
class Effect:
    """Something an upstream did."""

    path: str
    tenant: str
    execution: str
    key: str


@dataclass
class World:
    """Everything there is. `calm` ends the faults, so that what was begun can come to its end."""

    random: Random
    faults: Faults = field(default_factory=Faults)
    calm: bool = False
    processes: list[Process] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    crashes: int = 0
    cuts: int = 0
    injected: int = 0

    def __post_init__(self) -> None:
        self.database = Database(self.clock)
        self._loop = asyncio.get_running_loop()
        self._loop.set_task_factory(_own)

    def clock(self) -> float:
        return BEGINNING + asyncio.get_running_loop().time()

    def happens(self, likelihood: float) -> bool:
        """Whether a fault strikes now."""
        if self.calm or self.random.random() >= likelihood:
            return False
        self.injected += 1
        return True

    async def pause(self, most: float = 0.01) -> None:
        """Something takes a while."""
        await asyncio.sleep(self.random.random() * most)

    async def start(self) -> Process:
        """One more executor."""
        process = Process(self, len(self.processes))
        self.processes.append(process)
        await process.start()
        return process

    def alive(self) -> list[Process]:
        return [process for process in self.processes if process.alive]


def _own(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """A task belongs to the process that made it, and dies with it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    if (process := _PROCESS.get()) is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task


class Process:
    """An executor of the platform, from the REST door to the store and the HTTP client."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number, self.alive = world, number, True
        self.tasks: set[asyncio.Task[Any]] = set()
        self.cut_off_until = 0.0

    async def start(self) -> None:
        token = _PROCESS.set(self)
        try:
            await self._build()
            self.serving = asyncio.create_task(self._serve())
            await asyncio.sleep(0)
        finally:
            _PROCESS.reset(token)

    async def _build(self) -> None:
        world = self.world
        clock = world.clock
        self.registry = Registry(
            lambda _policy: Upstream(self), circuits=MemoryCircuits(), cache=ResultCache(), clock=clock
        )
        for tenant in TENANTS:
            spec = {"egress": {"allow": ["127.0.0.1"]}}
            keys = [key_for(tenant, "caller")]
            await self.registry.install(make_bundle(tenant, spec=spec, keys=keys, documents=ORDER))
            self._remember_plan(self.registry.tenant(tenant))
        self.journal = JournalWriter(MemoryStore(self), source="simulation")
        self.executor = Executor(self.journal, MemoryLimitStore(), clock)
        self.journal.when_lost = self.executor.lost
        ownership: Any = MemoryOwnership(world.database, self.reach, world.sources.__getitem__)
        history: Any = MemoryHistory(world.database, self.reach)
        plans: Any = Plans(world)
        self.lease = Lease(
            name=f"executor-{self.number}",
            ownership=ownership,
            journal=self.journal,
            executor=self.executor,
            registry=self.registry,
            plans=plans,
        )
        self.control = Control(
            executor=self.executor,
            lease=self.lease,
            journal=self.journal,
            ownership=ownership,
            history=history,
            plans=plans,
            registry=self.registry,
        )
        stored: Any = MemoryKeys(world.database, self.reach)
        services: Any = _Services(
            registry=self.registry,
            executor=self.executor,
            control=self.control,
            keys=IdempotencyKeys(stored),
            journal=self.journal,
            history=history,
            clock=clock,
        )
        self.app = create_app(services)

    def _remember_plan(self, tenant: ServedTenant | None) -> None:
        assert tenant is not None
        plan = tenant.plan("order")
        assert plan is not None
        source = tenant.source(plan)
        self.world.sources[source.key] = source.content
        if source.key not in self.world.plans:
            self.world.plans[source.key] = plan_from_source(source.content)

    async def _serve(self) -> None:
        while True:
            try:
                await self.journal.start()
                break
            except Exception:  # noqa: BLE001  (a fault of ours; a process would be started again)
                await asyncio.sleep(0.5)
        while True:
            try:
                async with self.lease.held(), repeating(self.control.obey, every_seconds=ORDER_SECONDS):
                    await asyncio.Event().wait()
            except JournalUnavailableError:
                await asyncio.sleep(0.5)

    async def reach(self) -> None:
        """The way to the database, for a statement."""
        await self.reconnect()
        await self.world.pause()
        if self.world.happens(self.world.faults.query):
            raise JournalUnavailableError("simulated")

    async def reconnect(self) -> None:
        """Waits for the database to be reachable from here."""
        while (remaining := self.cut_off_until - self.world.clock()) > 0:
            await asyncio.sleep(remaining)

    def cut_off(self, seconds: float) -> None:
        """The database is out of its reach for so long; upstreams and callers are not."""
        self.world.cuts += 1
        self.cut_off_until = self.world.clock() + seconds

    def crash(self) -> None:
        """SIGKILL: nothing of it goes on, and nothing is tidied up."""
        self.alive = False
        self.world.crashes += 1
        for task in list(self.tasks):
            task.cancel()

    async def drain(self) -> None:
        """SIGTERM: what cannot end in time is left to others."""
        token = _PROCESS.set(self)
        try:
            await self.executor.drain(0.5)
            await self.journal.stop()
            await self.lease.leave()
        finally:
            _PROCESS.reset(token)
            self.crash()

    async def ask(
        self, method: str, path: str, tenant: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], Any]:
        """A request at this process's door, made as its server would; what it was answered."""
        sent: list[Any] = []
        content = b"" if body is None else json.dumps(body).encode()
        fields = {"authorization": f"Bearer {token_for(tenant, 'caller')}", **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": f"/tenants/{tenant}/api/v1{path}",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
            "root_path": "",
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        token = _PROCESS.set(self)
        try:
            handling = asyncio.create_task(self._handle(scope, receive, send))
        finally:
            _PROCESS.reset(token)
        await handling
        answered = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], answered, json.loads(text) if text else None

    async def _handle(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class _Services(SimpleNamespace):
    """What executing and controlling needs of the gateway's services; the rest is not there."""

    def __getattr__(self, _name: str) -> None:
        return None


class MemoryStore:
    """The journal's `Store` of one process; it fails before a commit, or after it."""

    unsafe_settings: tuple[str, ...] = ()

    def __init__(self, process: Process) -> None:
        self._process = process

    async def commit(self, rows: list[Row]) -> set[str]:
        world = self._process.world
        await self._process.reconnect()
        await world.pause()
        if world.happens(world.faults.before):
            raise OSError("simulated: before the commit")
        written = world.database.commit(rows)
        await world.pause()
        if world.happens(world.faults.after):
            raise OSError("simulated: after the commit")
        return written

    def disconnect(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Plans:
    """`PinnedPlans` without a thread."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, _tenant: str, key: str) -> tuple[Plan, PlanSource]:
        await self._world.pause(0.001)
        return self._world.plans[key], PlanSource(key, self._world.sources[key])


class Upstream:
    """The `HttpClient` of a process: what it is asked for it does, and perhaps the answer is lost."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def send(self, request: HttpRequest) -> HttpResponse:
        world, faults = self._process.world, self._process.world.faults
        await world.pause(0.2)
        if world.happens(faults.refused):
            raise ConnectionFailedError("refused", sent=False)
        if not self._process.alive:
            await asyncio.Event().wait()
        if world.happens(faults.busy):
            return HttpResponse(503, {}, b"{}")
        self._do(request)
        await world.pause(0.5)
        if world.happens(faults.timeout):
            raise TimedOutError("too late", sent=True)
        return HttpResponse(200, {"content-type": "application/json"}, b'{"ok": true}')

    def _do(self, request: HttpRequest) -> None:
        if request.method == "GET":
            return
        key = next(
            (value for name, value in request.headers.items() if name.lower() == "idempotency-key"), ""
        )
        effects = self._process.world.effects
        if key and any(effect.key == key for effect in effects):
            return  # it honours the key
        asked = json.loads(request.body or b"{}")
        path = request.url.rpartition("/")[2]
        effects.append(Effect(path, asked["tenant"], asked["execution"], key))

    async def close(self) -> None:
        pass
