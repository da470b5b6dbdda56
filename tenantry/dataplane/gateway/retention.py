"""Retention as a tenant sees it: what is kept, by which policy, what cleanups did; one made by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.access import Caller, admit_caller
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.flags import query_flag
from tenantry.dataplane.gateway.paging import page_limit
from tenantry.dataplane.identifiers import parse_execution_id
from tenantry.dataplane.retention.cleanups import CleanupRunningError
from tenantry.dataplane.retention.counts import Kept
from tenantry.dataplane.retention.policies import policies_of
from tenantry.tenants.identity import Instant
from tenantry.tenants.retention import GRACE_SECONDS
from tenantry.tenants.roles import Permission
from tenantry.tenants.schedules import next_tick

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.gateway.services import Services
    from tenantry.dataplane.retention.holdings import Holding
    from tenantry.dataplane.retention.log import Entry
    from tenantry.tenants.retention import Period, Policy

PATIENCE_SECONDS: Final = 25.0
"""How long an answer waits for a cleanup; one that takes longer goes on, and is in the log when done."""


class RetentionEndpoints:
    """`GET /retention/status`, `policies` and `logs`; `POST /retention/cleanup`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def get_status(self, request: Request) -> Response:
        """What is kept, when it was cleaned up last, when it will be next."""
        caller = self._caller(request, Permission.READ_TENANT)
        tenant, now = caller.tenant.name, self._services.clock()
        kept = await self._services.holdings.kept(tenant, now)
        last = await self._services.holdings.cleanups(tenant, 1, dry_runs=False)
        schedule = caller.tenant.spec.data_retention.cleanup_schedule
        return json_answer(
            {
                "kept": {name: _holding(holding) for name, holding in kept.items()},
                "cleanupSchedule": schedule,
                "nextRun": datetime.fromtimestamp(next_tick(schedule, Instant(now)), UTC),
                "lastRun": _entry(last[0]) if last else None,
            }
        )

    async def get_policies(self, request: Request) -> Response:
        """How long what is kept, of each workflow, and which level said so."""
        caller = self._caller(request, Permission.READ_TENANT)
        policies = policies_of(caller.tenant)
        workflows = [
            {"workflow": one.name, **_of_executions(policies.of_workflows.get(one.name, policies.general))}
            for one in caller.tenant.workflows()
        ]
        general = policies.general
        return json_answer(
            {
                "general": {**_of_executions(general), Kept.API_LOGS: _period(general.api_logs)},
                "workflows": workflows,
                "graceSeconds": GRACE_SECONDS,
                "cleanupSchedule": caller.tenant.spec.data_retention.cleanup_schedule,
            }
        )

    async def list_logs(self, request: Request) -> Response:
        """A page of cleanups, the latest first; `nextCursor` asks for the one after."""
        caller = self._caller(request, Permission.READ_TENANT)
        limit = page_limit(request)
        cursor = None
        if "cursor" in request.query_params:
            cursor = parse_execution_id(request.query_params["cursor"])
            if cursor is None:
                raise errors.bad_query("cursor", "send back a nextCursor as it was given")
        page = await self._services.holdings.cleanups(caller.tenant.name, limit + 1, cursor)
        following = page[limit - 1].id if len(page) > limit else None
        return json_answer({"logs": [_entry(one) for one in page[:limit]], "nextCursor": following})

    async def clean_up(self, request: Request) -> Response:
        """Cleans up now, or only counts what that would do."""
        caller = self._caller(request, Permission.MANAGE_RETENTION)
        dry_run = query_flag(request, "dryRun")
        task = self._services.cleanups.begin(caller.tenant, caller.principal.key_id, dry_run=dry_run)
        # Not cancelled with the request: it ends whoever waits for it.
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        if not done:
            log = f"/tenants/{caller.tenant.name}/api/v1/retention/logs"
            return json_answer({"status": "running", "links": {"log": log}}, status=HTTPStatus.ACCEPTED)
        try:
            entry = task.result()
        except CleanupRunningError:
            detail = "this tenant is being cleaned up already: see the log when it is done"
            raise errors.conflict("cleanup-running", "Cleanup under way", detail) from None
        if entry.error is not None:
            detail = (
                f"the cleanup ended early ({entry.error}), and goes on where it was when it is made again"
            )
            raise errors.unavailable("cleanup-failed", detail)
        return json_answer(_entry(entry))

    def _caller(self, request: Request, permission: Permission) -> Caller:
        return admit_caller(self._services.registry, request, self._services.clock, permission)


def _holding(holding: Holding) -> dict[str, Any]:
    return {
        "count": holding.count,
        "bytes": holding.size_bytes,
        "oldest": holding.oldest,
        "softDeleted": holding.soft_deleted,
    }


def _of_executions(policy: Policy) -> dict[str, Any]:
    return {
        Kept.EXECUTION_HISTORY: _period(policy.execution_history),
        Kept.TASK_TRACES: _period(policy.task_traces),
    }


def _period(period: Period) -> dict[str, Any]:
    return {"seconds": period.seconds, "from": period.level}


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "actor": entry.actor,
        "dryRun": entry.dry_run,
        "startedAt": entry.started_at,
        "endedAt": entry.ended_at,
        "counts": entry.counts,
        "error": entry.error,
    }
