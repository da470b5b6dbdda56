"""Execute and dry run: the request path."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.engine.ports import ExecutionLostError, JournalUnavailableError
from tenantry.dataplane.engine.record import IdempotencyKey
from tenantry.dataplane.executions.following import follow
from tenantry.dataplane.executions.submission import Submission
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.answers import json_answer
from tenantry.dataplane.gateway.body import parse_body, read_body
from tenantry.dataplane.gateway.costs import estimate
from tenantry.dataplane.gateway.executions import refusing_unreadable
from tenantry.dataplane.gateway.outcomes import (
    accepted_answer,
    answer_outcome,
    outcome_of,
    outcome_told,
)
from tenantry.dataplane.gateway.plans import find_plan
from tenantry.dataplane.gateway.wishes import Wishes, parse_wishes
from tenantry.dataplane.journal.keys import KeyHolder
from tenantry.dataplane.limits.headers import limit_headers
from tenantry.language.plan.model import Durability
from tenantry.language.plan.preview import preview
from tenantry.language.values import canonical_json
from tenantry.tenants.limits import Rejected
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.engine.driver import Run
    from tenantry.dataplane.executions.keys import Claim
    from tenantry.dataplane.gateway.access import Caller
    from tenantry.dataplane.gateway.services import Services
    from tenantry.language.plan.model import Plan
    from tenantry.language.values import Json

EXECUTION_ID_HEADER: Final = "Execution-Id"
REPLAYED_HEADER: Final = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request to execute: who asks, for what, and how it is to be handled."""

    caller: Caller
    plan: Plan
    wishes: Wishes

    @property
    def tenant(self) -> ServedTenant:
        return self.caller.tenant

    @property
    def journaled(self) -> bool:
        return self.plan.durability is Durability.JOURNALED

    @property
    def base(self) -> str:
        return f"/tenants/{self.tenant.name}/api/v1"

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """These, and which of the caller's preferences is heeded."""
        if self.wishes.wait_seconds is None or not self.journaled:
            return dict(headers)
        return {**headers, "Preference-Applied": self.wishes.applied}


class ExecuteEndpoints:
    """`POST /workflows/{name}/execute` and `/test`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def execute(self, request: Request) -> Response:
        """Runs the workflow and answers with its output, or with where to ask for it."""
        caller, plan = await find_plan(self._services, request, Permission.EXECUTE)
        asked = _Asked(caller, plan, parse_wishes(request.headers))
        self._check_ready(asked)
        data = await read_body(request)  # before admission: who sends slowly occupies nothing
        if not asked.wishes.key:
            return await self._start(asked, data)
        try:
            fingerprint = _fingerprint(request.path_params, _input(data, plan))
        except errors.RefusedError:
            return await self._start(asked, data)  # it is refused there, and counted like any other
        async with self._services.keys.claim(asked.tenant.name, asked.wishes.key) as claim:
            if claim.holder is None:
                return await self._start(asked, data, claim, fingerprint)
        return await self._attach(asked, claim.holder, fingerprint)

    async def dry_run(self, request: Request) -> Response:
        """Validates the input and shows what would happen; calls nothing, consumes nothing."""
        caller, plan = await find_plan(self._services, request, Permission.EXECUTE)
        value = _input(await read_body(request), plan)
        # Beside the event loop: an input may be long, and be shown in many places.
        shown = await asyncio.to_thread(preview, plan, value, tenant=caller.tenant.name)
        past = await self._services.history.past_runs(caller.tenant.name, plan.workflow)
        return json_answer({**shown, "estimate": estimate(past, caller.tenant.rate_card)})

    def _check_ready(self, asked: _Asked) -> None:
        services, journal = self._services, self._services.journal
        services.refuse_while_draining()
        if not (journal.available if asked.journaled else journal.has_room):
            raise JournalUnavailableError
        if asked.wishes.callback and not services.callback_secrets.available:
            raise errors.callbacks_unavailable()
        if asked.wishes.callback and not asked.journaled:
            reason = "a workflow with durability none tells nobody of its end: leave the header out"
            raise errors.invalid_callback(reason)

    async def _start(
        self, asked: _Asked, data: bytes, claim: Claim | None = None, fingerprint: str = ""
    ) -> Response:
        executor, tenant, wishes = self._services.executor, asked.tenant, asked.wishes
        execution_id, admission = await executor.admit(tenant)
        headers = limit_headers(admission)
        if isinstance(admission, Rejected):
            raise errors.rate_limited(admission.violated, headers)
        headers[EXECUTION_ID_HEADER] = execution_id
        try:
            value = _input(data, asked.plan)
        except errors.RefusedError as error:
            executor.abandon(tenant, execution_id)
            error.headers.update(headers)
            raise
        submission = Submission(
            plan=asked.plan,
            value=value,
            actor=asked.caller.principal.key_id,
            key=None if claim is None else IdempotencyKey(wishes.key, fingerprint),
            traceparent=wishes.traceparent,
            callback=wishes.callback,
        )
        run = executor.begin(tenant, execution_id, submission)
        if claim is not None:
            claim.settle(KeyHolder(fingerprint, execution_id))
        try:
            return await self._answer(asked, run, headers)
        except ExecutionLostError:
            return await self._answer_elsewhere(asked, KeyHolder(fingerprint, execution_id), headers)

    async def _answer(self, asked: _Asked, run: Run, headers: dict[str, str]) -> Response:
        """The run's answer, when it has one in the time the caller wants to wait."""
        execution_id = run.record.id
        try:
            in_time = await self._wait(asked, run)
        except JournalUnavailableError as error:
            raise errors.unavailable("journal-unavailable", str(error), execution_id) from None
        headers = asked.headers(headers)
        if not in_time:
            return accepted_answer(run.state.status, execution_id, asked.base, headers)
        if not asked.journaled and not run.state.ended and run.over:
            detail = "this executor is shutting down, and what is not journaled ends with it: send it again"
            raise errors.unavailable("draining", detail, execution_id)
        return answer_outcome(outcome_of(run.state), execution_id, asked.base, headers)

    async def _wait(self, asked: _Asked, run: Run) -> bool:
        """Waits for the run, and for what is answered to be durable; whether it had the time."""
        seconds = asked.wishes.wait_seconds
        if seconds is None or not asked.journaled:
            await run.wait()
            if run.record.key is not None:
                await self._services.journal.durable(run.record)
            return True
        try:
            async with asyncio.timeout(seconds):
                await run.wait()
        except TimeoutError:
            await self._services.journal.durable(run.record)
            return False
        return True

    async def _attach(self, asked: _Asked, holder: KeyHolder, fingerprint: str) -> Response:
        """The answer of the request that has the key: its end, or where to ask for it."""
        if holder.fingerprint != fingerprint:
            raise errors.key_reused(holder.execution_id)
        headers = {EXECUTION_ID_HEADER: holder.execution_id, REPLAYED_HEADER: "true"}
        run = self._services.executor.find(asked.tenant.name, holder.execution_id)
        if run is not None:
            with suppress(ExecutionLostError):
                return await self._answer(asked, run, headers)
        return await self._answer_elsewhere(asked, holder, headers)

    async def _answer_elsewhere(self, asked: _Asked, holder: KeyHolder, headers: dict[str, str]) -> Response:
        """The answer of what does not run here, or not any more.

        One that is stored goes on at another executor, or has ended. One that is not came too late for its
        key: the answer is that of the execution which has it. Or it had the key, and is not kept any more.
        """
        tenant, key = asked.tenant.name, asked.wishes.key
        # The key first: it is stored with its execution, so that what is not there afterwards is gone.
        first = await self._services.keys.find(tenant, key) if key else None
        if first is not None and await self._services.history.find(tenant, holder.execution_id) is None:
            if first.execution_id == holder.execution_id:
                raise errors.trace_gone(holder.execution_id)
            return await self._attach(asked, first, holder.fingerprint)
        return await self._follow(asked, holder.execution_id, headers)

    async def _follow(self, asked: _Asked, execution_id: str, headers: dict[str, str]) -> Response:
        services, tenant = self._services, asked.tenant.name
        seconds, wanted = asked.plan.deadline_seconds, asked.wishes.wait_seconds
        seconds = seconds if wanted is None else min(seconds, wanted)
        clock = services.clock
        summary = await follow(services.history, tenant, execution_id, clock() + seconds, clock)
        if summary is None:
            detail = "it is not stored yet: send the request again"
            raise errors.unavailable("journal-unavailable", detail, execution_id)
        status = ExecutionStatus(summary.status)
        headers = asked.headers(headers)
        if wanted == 0:
            return accepted_answer(status, execution_id, asked.base, headers)
        with refusing_unreadable(execution_id):
            events = await services.history.events(tenant, execution_id)
        if not events:
            raise errors.trace_gone(execution_id)
        return answer_outcome(outcome_told(status, events), execution_id, asked.base, headers)


def _input(data: bytes, plan: Plan) -> Json:
    value = parse_body(data)
    validator = plan.input_validator
    if validator is not None and not validator.is_valid(value):
        raise errors.invalid_input(validator.violations(value))
    return value


def _fingerprint(path: Mapping[str, str], value: Json) -> str:
    """A digest of what is asked for: the workflow as the path calls it, and the input."""
    asked = [path.get("namespace", ""), path["name"], value]
    return hashlib.sha256(canonical_json(asked)).hexdigest()
