"""One executor of the simulated world: everything from the REST door to the ports at the bottom is real."""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from dataclasses import fields
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.bundles.plans import plan_from_source
from tenantry.dataplane.bundles.registry import Registry
from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.executions.control import ORDER_SECONDS, Control
from tenantry.dataplane.executions.executor import Executor
from tenantry.dataplane.executions.keys import IdempotencyKeys
from tenantry.dataplane.executions.lease import Lease
from tenantry.dataplane.executions.repeating import repeating
from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.gateway.services import Services
from tenantry.dataplane.journal.writer import JournalWriter
from tenantry.dataplane.limits.memory import MemoryLimitStore
from tests.support.reliability.ports import (
    MemoryHistory,
    MemoryKeys,
    MemoryOwnership,
    MemoryPlans,
    MemoryStore,
)
from tests.support.reliability.upstream import Upstream
from tests.support.reliability.workload import ORDER, TENANTS
from tests.support.tenants import key_for, make_bundle, token_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tests.support.reliability.world import World

_MOST_SKEW_SECONDS: Final = 0.5
_JUMPED: Final = 0.1
"""So many processes begin after their machine's clock has jumped, either way."""

_MOST_JUMP_SECONDS: Final = 7200.0
_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def own_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """A task belongs to the process that made it, and dies with it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    if (process := _PROCESS.get()) is not None:
        process.tasks[task] = None
        task.add_done_callback(process.tasks.pop)
    return task


class Process:
    """An executor of the platform, from the REST door to the store and the HTTP client."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number, self.alive = world, number, True
        self.tasks: dict[asyncio.Task[Any], None] = {}  # in order: a set's would be another every time
        self._cut_off_until = 0.0
        most = _MOST_JUMP_SECONDS if world.random.random() < _JUMPED else _MOST_SKEW_SECONDS
        self._skew = world.random.uniform(-most, most)

    async def start(self) -> None:
        token = _PROCESS.set(self)
        try:
            await self._build()
            self.serving = asyncio.create_task(self._serve())
            await asyncio.sleep(0)
        finally:
            _PROCESS.reset(token)

    @property
    def at_rest(self) -> bool:
        """Whether it runs nothing, and has written everything."""
        journal = self.journal
        return not (self.executor._runs or journal._dirty or journal._committing or journal._backlog)

    def clock(self) -> float:
        """This machine's: a little off, like all of them, or wrong since it jumped."""
        return self.world.clock() + self._skew

    async def _build(self) -> None:
        await self._install()
        database = self.world.database
        self.journal = JournalWriter(MemoryStore(self), source="simulation")
        self.limits = MemoryLimitStore()
        self.executor = Executor(self.journal, self.limits, self.clock)
        self.journal.when_lost = self.executor.lost
        # The product names the classes over PostgreSQL where any that does the same will do.
        ownership: Any = MemoryOwnership(database, self.reach, self.world.sources.__getitem__)
        history: Any = MemoryHistory(database, self.reach)
        stored: Any = MemoryKeys(database, self.reach)
        self.keys = IdempotencyKeys(stored)
        plans: Any = MemoryPlans(self.world)
        shared: dict[str, Any] = {
            "journal": self.journal,
            "executor": self.executor,
            "registry": self.registry,
        }
        self.lease = Lease(name=f"executor-{self.number}", ownership=ownership, plans=plans, **shared)
        self.control = Control(lease=self.lease, ownership=ownership, history=history, plans=plans, **shared)
        there: dict[str, Any] = {
            **shared,
            "control": self.control,
            "keys": self.keys,
            "history": history,
            "clock": self.clock,
            "callback_secrets": SimpleNamespace(available=True),
        }
        # What executing and controlling does not need is not there.
        absent: dict[str, Any] = dict.fromkeys(field.name for field in fields(Services))
        services = Services(**(absent | there))
        self.app = create_app(services)

    async def _install(self) -> None:
        self.registry = Registry(
            lambda _policy: Upstream(self), circuits=MemoryCircuits(), cache=ResultCache(), clock=self.clock
        )
        for tenant in TENANTS:
            spec = {"egress": {"allow": ["127.0.0.1"]}}
            keys = [key_for(tenant, "caller")]
            await self.registry.install(make_bundle(tenant, spec=spec, keys=keys, documents=ORDER))
            self._remember_plan(self.registry.tenant(tenant))

    def _remember_plan(self, tenant: ServedTenant | None) -> None:
        assert tenant is not None
        plan = tenant.plan("order")
        assert plan is not None
        source = tenant.source(plan)
        self.world.sources[source.key] = source.content
        if source.key not in self.world.plans:
            self.world.plans[source.key] = plan_from_source(source.content)

    async def _serve(self) -> None:
        await self._until_it_works(self.journal.start)
        await self._until_it_works(self._hold)

    async def _until_it_works(self, start: Callable[[], Awaitable[None]]) -> None:
        """Whatever starts a process starts it again."""
        while True:
            try:
                return await start()
            except (JournalUnavailableError, OSError):
                await asyncio.sleep(0.5)

    async def _hold(self) -> None:
        async with self.lease.held(), repeating(self.control.obey, every_seconds=ORDER_SECONDS):
            await asyncio.Event().wait()

    async def reach(self) -> None:
        """The way to the database, for a statement."""
        await self.reconnect()
        await self.world.pause()
        if self.world.happens(self.world.faults.query):
            raise JournalUnavailableError("simulated")

    async def reconnect(self) -> None:
        """Waits for the database to be reachable from here."""
        if (remaining := self._cut_off_until - self.world.clock()) > 0:
            await asyncio.sleep(remaining)

    def cut_off(self, seconds: float) -> None:
        """The database is out of its reach for so long; upstreams and callers are not."""
        self.world.cuts += 1
        self._cut_off_until = self.world.clock() + seconds

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

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        token = _PROCESS.set(self)
        try:
            handling = asyncio.create_task(self._handle(_scope(method, path, tenant, headers), receive, send))
        finally:
            _PROCESS.reset(token)
        await handling
        answered = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], answered, json.loads(text) if text else None

    async def _handle(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def _scope(method: str, path: str, tenant: str, headers: Mapping[str, str] | None) -> dict[str, Any]:
    fields = {"authorization": f"Bearer {token_for(tenant, 'caller')}", **(headers or {})}
    return {
        "type": "http",
        "method": method,
        "path": f"/tenants/{tenant}/api/v1{path}",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        "root_path": "",
    }
