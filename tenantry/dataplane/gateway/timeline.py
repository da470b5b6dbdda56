"""An execution through time: its trace, with or without what its templates came to, and its events.

Both may be long: they are given in pages, and made of portions of the journal beside the event loop, so that
nothing here keeps others from their turns.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import Response

from tenantry.dataplane.engine.core.state import ExecutionState, ExecutionStatus
from tenantry.dataplane.engine.core.trace import TraceBuilder
from tenantry.dataplane.engine.core.trace.resolutions import Resolutions, TaskKey
from tenantry.dataplane.executions.pinned import PlanGoneError
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import Caller, admit_caller
from tenantry.dataplane.gateway.actions import possible_actions
from tenantry.dataplane.gateway.executions import find_execution, refusing_unreadable
from tenantry.dataplane.gateway.flags import query_flag
from tenantry.dataplane.gateway.paging import page_after, page_limit
from tenantry.dataplane.journal.segments import decoded, numbered
from tenantry.dataplane.telemetry.context import trace_id_of
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from tenantry.dataplane.engine.core.trace import Trace
    from tenantry.dataplane.gateway.services import Services
    from tenantry.dataplane.journal.history import ExecutionSummary
    from tenantry.dataplane.journal.ownership import Segment
    from tenantry.tenants.identity import TenantId

_LOG = logging.getLogger(__name__)

DEFAULT_ITEMS: Final = 1_000
MAX_ITEMS: Final = 10_000
MAX_RESOLVED: Final = 1_000
"""Tasks on a page of a trace with templates."""

MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
"""A page of events ends with the one that reaches this."""

MAX_TRACES_AT_ONCE: Final = 2
"""Traces being made: more threads would only keep the event loop from its turns."""

_ENGINE: Final = "engine"
"""The actor of what nobody asked for."""


class TimelineEndpoints:
    """`GET /executions/{id}/trace` and `/events`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._room = asyncio.Semaphore(MAX_TRACES_AT_ONCE)

    async def get_trace(self, request: Request) -> Response:
        """A page of one execution's timeline; `nextAfter` asks for the one after."""
        caller = self._caller(request)
        resolved = query_flag(request, "templates")
        most = MAX_RESOLVED if resolved else MAX_ITEMS
        after, limit = page_after(request), page_limit(request, DEFAULT_ITEMS, most)
        summary = await self._find(caller.tenant.name, request)
        async with self._room:
            page = (await self._trace(caller.tenant.name, summary.id)).page(after, limit)
            location = f"/tenants/{caller.tenant.name}/api/v1/executions/{summary.id}"
            page.actions = possible_actions(location, ExecutionStatus(page.status))
            if resolved:
                await self._resolve(caller.tenant.name, summary, page)
            return await asyncio.to_thread(_trace_answer, page)

    async def get_events(self, request: Request) -> Response:
        """A page of one execution's journal; `nextAfter` asks for the one after."""
        caller = self._caller(request)
        after, limit = page_after(request), page_limit(request, DEFAULT_ITEMS, MAX_ITEMS)
        tenant = caller.tenant.name
        summary = await self._find(tenant, request)
        page = EventPage(tenant, summary.id, after, limit)
        with refusing_unreadable(summary.id):
            await self._read(tenant, summary.id, page.add, after)
        return page.answer()

    def _caller(self, request: Request) -> Caller:
        services = self._services
        return admit_caller(services.registry, request, services.clock, Permission.READ_EXECUTIONS)

    async def _find(self, tenant: TenantId, request: Request) -> ExecutionSummary:
        """The execution a path names, whose events are kept."""
        summary = await find_execution(self._services, tenant, request)
        if summary.trace_deleted:
            raise errors.trace_gone(summary.id)
        return summary

    async def _trace(self, tenant: TenantId, execution_id: str) -> Trace:
        builder = TraceBuilder(execution_id)

        def add(portion: list[Segment]) -> bool:
            builder.add(decoded(portion))
            return False

        with refusing_unreadable(execution_id):
            await self._read(tenant, execution_id, add)
            found = await asyncio.to_thread(builder.finish)
        if not found.runs:
            raise errors.trace_gone(execution_id)
        found.trace_id = trace_id_of(execution_id, found.traceparent)
        return found

    async def _resolve(self, tenant: TenantId, summary: ExecutionSummary, page: Trace) -> None:
        """Adds to the tasks of a page what their templates came to."""
        try:
            plan, _ = await self._services.plans.get(tenant, summary.plan)
        except PlanGoneError as error:
            _LOG.error("execution %s: %s", summary.id, error)
            raise errors.trace_gone(summary.id) from None
        state = ExecutionState(plan, summary.id, tenant)
        resolutions = Resolutions(state, [TaskKey(task.run, task.id) for task in page.tasks])

        def add(portion: list[Segment]) -> bool:
            resolutions.add(decoded(portion))
            return resolutions.complete

        with refusing_unreadable(summary.id):
            await self._read(tenant, summary.id, add)
            for task in page.tasks:
                task.templates = resolutions.found[TaskKey(task.run, task.id)]

    async def _read(
        self, tenant: TenantId, execution_id: str, add: Callable[[list[Segment]], bool], after: int = 0
    ) -> None:
        """Has the journal added portion by portion in a thread, until `add` says that it is enough."""
        async for portion in self._services.history.segments(tenant, execution_id, after):
            if await asyncio.to_thread(add, portion):
                return


class EventPage:
    """A page of events in the making; each is encoded by itself."""

    def __init__(self, tenant: TenantId, execution_id: str, after: int, limit: int) -> None:
        self._tenant, self._execution_id, self._after, self._limit = tenant, execution_id, after, limit
        self._last = after
        self._items: list[bytes] = []
        self._bytes = 0
        self._more = False

    def add(self, portion: list[Segment]) -> bool:
        """Adds the next segments; whether the page is full, and another follows."""
        for sequence, raw in numbered(portion):
            if sequence <= self._after:
                continue
            if len(self._items) == self._limit or self._bytes >= MAX_PAGE_BYTES:
                self._more = True
                break
            item = self._encode(sequence, raw)
            self._items.append(item)
            self._bytes += len(item)
            self._last = sequence
        return self._more

    def answer(self) -> Response:
        """The page."""
        if not self._items and not self._after:
            raise errors.trace_gone(self._execution_id)
        frame = {"executionId": self._execution_id, "nextAfter": self._last if self._more else None}
        return _framed(frame, b"events", self._items)

    def _encode(self, sequence: int, raw: msgspec.Raw) -> bytes:
        data: dict[str, Any] = msgspec.json.decode(raw)
        kind, at, actor = data.pop("type"), data.pop("at"), data.pop("actor", _ENGINE)
        return msgspec.json.encode(
            {
                "id": f"{self._execution_id}/{sequence}",
                "sequence": sequence,
                "executionId": self._execution_id,
                "tenant": self._tenant,
                "timestamp": _timestamp(at),
                "actor": actor,
                "type": kind,
                "data": data,
            }
        )


def _trace_answer(page: Trace) -> Response:
    return _framed(
        msgspec.structs.replace(page, tasks=[]), b"tasks", [msgspec.json.encode(task) for task in page.tasks]
    )


def _framed(frame: Any, name: bytes, items: list[bytes]) -> Response:
    """The frame, an object that is not empty, with one more member: items that were encoded one by one."""
    start = msgspec.json.encode(frame).removesuffix(b"}")
    content = b"".join((start, b',"', name, b'":[', b",".join(items), b"]}"))
    return Response(content, media_type="application/json")


def _timestamp(at: float) -> str:
    """An instant as in RFC 3339, to the microsecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
