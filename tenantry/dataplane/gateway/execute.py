"""Execute and dry run: the request path."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.answers import completed_answer, json_answer
from tenantry.dataplane.gateway.body import parse_body, read_body
from tenantry.dataplane.gateway.costs import estimate
from tenantry.dataplane.gateway.plans import find_plan
from tenantry.dataplane.limits.headers import limit_headers
from tenantry.language.plan.model import Durability
from tenantry.language.plan.preview import preview
from tenantry.protocol.problems import Source
from tenantry.tenants.limits import Rejected
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.engine.driver import Run
    from tenantry.dataplane.gateway.access import Caller
    from tenantry.dataplane.gateway.services import Services
    from tenantry.language.plan.model import Plan
    from tenantry.language.values import Json

EXECUTION_ID_HEADER = "Execution-Id"


class ExecuteEndpoints:
    """`POST /workflows/{name}/execute` and `/test`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def execute(self, request: Request) -> Response:
        """Runs the workflow and answers with its output."""
        caller, plan = await find_plan(self._services, request, Permission.EXECUTE)
        services, executor = self._services, self._services.executor
        if executor.draining:
            raise errors.unavailable("draining", "this executor is shutting down: send the request again")
        journal = services.journal
        if not (journal.available if plan.durability is Durability.JOURNALED else journal.has_room):
            raise errors.unavailable("journal-unavailable", "the journal's database is not reachable")
        data = await read_body(request)  # before admission: who sends slowly occupies nothing
        execution_id, admission = await executor.admit(caller.tenant)
        headers = limit_headers(admission)
        if isinstance(admission, Rejected):
            raise errors.rate_limited(admission.violated, headers)
        headers[EXECUTION_ID_HEADER] = execution_id
        try:
            value = _input(data, plan)
        except errors.RefusedError as error:
            await executor.abandon(caller.tenant, execution_id)
            error.headers.update(headers)
            raise
        run = await self._run(caller, execution_id, plan, value)
        return _answer(run, headers)

    async def dry_run(self, request: Request) -> Response:
        """Validates the input and shows what would happen; calls nothing, consumes nothing."""
        caller, plan = await find_plan(self._services, request, Permission.EXECUTE)
        value = _input(await read_body(request), plan)
        # Beside the event loop: an input may be long, and be shown in many places.
        shown = await asyncio.to_thread(preview, plan, value, tenant=caller.tenant.name)
        past = await self._services.history.past_runs(caller.tenant.name, plan.workflow)
        return json_answer({**shown, "estimate": estimate(past, caller.tenant.rate_card)})

    async def _run(self, caller: Caller, execution_id: str, plan: Plan, value: Json) -> Run:
        try:
            return await self._services.executor.run(
                caller.tenant, execution_id, plan, value, caller.principal.key_id
            )
        except JournalUnavailableError as error:
            raise errors.unavailable("journal-unavailable", str(error), execution_id) from None


def _input(data: bytes, plan: Plan) -> Json:
    value = parse_body(data)
    validator = plan.input_validator
    if validator is not None and not validator.is_valid(value):
        raise errors.invalid_input(validator.violations(value))
    return value


def _answer(run: Run, headers: dict[str, str]) -> Response:
    state = run.state
    if state.status is ExecutionStatus.COMPLETED:
        return completed_answer(state.output, state.answer, headers)
    failure = state.failure or Failure(
        code=FailureCode.CANCELLED, message="the execution was cancelled", source=Source.CALLER
    )
    error = errors.execution_failed(failure, run.record.id)
    error.headers.update({**headers, **error.headers})
    raise error
