"""Past and running executions: pages, and details with cost."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.engine.core.events import WorkflowSubmitted
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import Caller, admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.costs import cost
from tenantry.dataplane.gateway.names import workflow_name
from tenantry.dataplane.gateway.outcomes import outcome_told
from tenantry.dataplane.gateway.paging import page_limit
from tenantry.dataplane.identifiers import parse_execution_id
from tenantry.dataplane.journal.history import ExecutionSummary, HistoryFilter
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.gateway.services import Services
    from tenantry.tenants.identity import TenantId
    from tenantry.tenants.rate_card import RateCard

_LOG = logging.getLogger(__name__)
_UNREADABLE: Final = (
    msgspec.MsgspecError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
)
"""What decoding and folding raise when events are damaged, of a later version, or not what the plan does."""


class ExecutionEndpoints:
    """`GET` of executions."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_executions(self, request: Request) -> Response:
        """A page of a workflow's executions, newest first; `nextCursor` asks for the one after."""
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        limit = page_limit(request)
        page = await self._services.history.page(caller.tenant.name, _filter(request), limit + 1)
        card = caller.tenant.rate_card
        items = [summary_view(summary, card) for summary in page[:limit]]
        cursor = page[limit - 1].id if len(page) > limit else None
        return json_answer({"executions": items, "nextCursor": cursor})

    async def get_execution(self, request: Request) -> Response:
        """One execution: input, output or failure, times, cost."""
        caller = self._caller(request, Permission.READ_EXECUTIONS)
        tenant = caller.tenant.name
        summary = await find_execution(self._services, tenant, request)
        with refusing_unreadable(summary.id):
            events = await self._services.history.events(tenant, summary.id)
        base = f"/tenants/{caller.tenant.name}/api/v1/executions/{summary.id}"
        detail = {
            **summary_view(summary, caller.tenant.rate_card, events),
            **_contents(ExecutionStatus(summary.status), events),
            "traceDeleted": summary.trace_deleted,
            "links": {"trace": f"{base}/trace", "events": f"{base}/events"},
        }
        return json_answer(detail)

    def _caller(self, request: Request, permission: Permission) -> Caller:
        return admit_caller(self._services.registry, request, self._services.clock, permission)


async def find_execution(services: Services, tenant: TenantId, request: Request) -> ExecutionSummary:
    """The execution a path names, with everything recorded of it by now.

    Raises:
        RefusedError: 404: the tenant has none of that id.
    """
    execution_id = execution_id_of(request)
    with suppress(JournalUnavailableError):  # then what is stored is shown
        await services.journal.settled(tenant, execution_id)
    summary = await services.history.find(tenant, execution_id)
    if summary is None:
        raise errors.not_found("execution")
    return summary


@contextmanager
def refusing_unreadable(execution_id: str) -> Iterator[None]:
    """Inside, the events of an execution are read, which may be damaged, or of a later version than ours.

    Raises:
        RefusedError: 409: nothing can be made of them.
    """
    try:
        yield
    except _UNREADABLE as error:
        _LOG.error("execution %s cannot be read: %r", execution_id, error)
        raise errors.trace_gone(execution_id) from None


def summary_view(
    summary: ExecutionSummary, card: RateCard, events: Iterable[AnyEvent] = ()
) -> dict[str, Any]:
    """An execution as it is listed; with its events, the cost of one that was retried is known as well."""
    return {
        "id": summary.id,
        "workflow": summary.workflow,
        "version": summary.version,
        "status": summary.status,
        "failureCode": summary.failure_code or None,
        "startedAt": summary.submitted_at,
        "endedAt": summary.ended_at,
        "durationSeconds": summary.duration_seconds,
        "taskAttempts": summary.task_attempts,
        "cost": cost(summary, card, events),
    }


def execution_id_of(request: Request) -> str:
    """The execution a path names.

    Raises:
        RefusedError: 404: it can be none's.
    """
    execution_id = parse_execution_id(request.path_params["id"])
    if execution_id is None:
        raise errors.not_found("execution")
    return execution_id


def _contents(status: ExecutionStatus, events: list[AnyEvent]) -> dict[str, Any]:
    submitted = next((event for event in events if isinstance(event, WorkflowSubmitted)), None)
    outcome = outcome_told(status, events)
    return {
        "input": None if submitted is None else submitted.input,
        "output": outcome.output,
        "failure": outcome.failure,
    }


def _filter(request: Request) -> HistoryFilter:
    query = request.query_params
    status = query.get("status")
    if status is not None and status not in set(ExecutionStatus):
        raise errors.bad_query("status", f"one of {', '.join(ExecutionStatus)}")
    cursor = None
    if "cursor" in query and (cursor := parse_execution_id(query["cursor"])) is None:
        raise errors.bad_query("cursor", "send back a nextCursor as it was given")
    workflow = workflow_name(request)
    if "\0" in workflow:
        raise errors.not_found("workflow")
    return HistoryFilter(
        workflow=workflow,
        status=status,
        since=parse_instant("from", query.get("from")),
        until=parse_instant("to", query.get("to")),
        label=_label(query.get("label")),
        before_id=cursor,
    )


def parse_instant(parameter: str, text: str | None) -> datetime | None:
    """A query parameter that is an instant.

    Raises:
        RefusedError: 400.
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise errors.bad_query(parameter, "an instant such as 2026-01-31T12:00:00Z")


def _label(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    name, separator, value = text.partition("=")
    if not separator or "\0" in text:
        raise errors.bad_query("label", "name=value")
    return name, value
