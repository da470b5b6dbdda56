"""Runs one attempt of any kind of task: input, schema, cache, circuit, action, schema."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from tenantry.dataplane.circuits.breaker import Change, Outcome, Refusal
from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.engine.core.mismatch import find_mismatch
from tenantry.dataplane.engine.ports import AttemptFailedError, TaskResult
from tenantry.dataplane.tasks import http
from tenantry.dataplane.telemetry.context import traceparent_of
from tenantry.language.plan.expressions import TooMuchWorkError
from tenantry.language.plan.model import HttpRequestPlan, RetryOn
from tenantry.language.templates.errors import TemplateError
from tenantry.language.templates.scope import Scope
from tenantry.language.values import canonical_json
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from tenantry.dataplane.cache.results import ResultCache
    from tenantry.dataplane.circuits.port import Circuits, Permit
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.engine.ports import Attempt
    from tenantry.dataplane.tasks.http_client import HttpClient, HttpRequest
    from tenantry.language.plan.model import CachePolicy, CallPlan, CircuitPolicy, TransformPlan
    from tenantry.language.values import Json
    from tenantry.tenants.identity import TenantId

_RETRY_AFTER_UNKNOWN: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRunner:
    """The `TaskRunner` of a tenant: its own connections; circuits and cache are the process's."""

    tenant: TenantId
    client: HttpClient
    circuits: Circuits
    cache: ResultCache
    clock: Clock

    async def run(self, attempt: Attempt) -> TaskResult:
        """Makes one attempt; see `TaskRunner.run`. Failures name the task by its path."""
        try:
            return await self._run(attempt)
        except AttemptFailedError as error:
            unknown = error.failure.outcome_unknown and not attempt.call.task.safe
            failure = msgspec.structs.replace(error.failure, task=attempt.path, outcome_unknown=unknown)
            raise AttemptFailedError(failure, error.egress_bytes, error.opened) from None
        except TemplateError as error:
            message = f"the input of {attempt.path} cannot be resolved: {error}"
            failure = Failure(
                code=FailureCode.UNRESOLVED, message=message, source=attempt.source, task=attempt.path
            )
            raise AttemptFailedError(failure) from None

    async def _run(self, attempt: Attempt) -> TaskResult:
        call = attempt.call
        task = call.task
        value = attempt.bind()
        mismatch = find_mismatch(
            task.input_validator,
            value,
            what=f"the input of task {task.name}",
            code=FailureCode.INPUT_MISMATCH,
            source=attempt.source,
            task=attempt.path,
        )
        if mismatch is not None:
            raise AttemptFailedError(mismatch)
        if call.cache is None:
            return await self._perform(attempt, value)
        return await self._fetch(attempt, call.cache, value)

    async def _fetch(self, attempt: Attempt, policy: CachePolicy, value: Json) -> TaskResult:
        """The result of an earlier call, or of one in progress elsewhere, or of a call of our own."""
        call = attempt.call
        key = _cache_key(policy, value, attempt.scope)
        try:
            # As long as somebody else's call may take, and then one of our own.
            async with asyncio.timeout(2 * call.timeout_seconds):
                result, cached = await self.cache.fetch(
                    self.tenant,
                    call.task.digest,
                    key,
                    ttl_seconds=policy.ttl_seconds,
                    now=self.clock,
                    produce=lambda: self._perform(attempt, value),
                )
        except TimeoutError:
            raise AttemptFailedError(_too_slow(call)) from None
        return TaskResult(result.output, cached=True) if cached else result

    async def _perform(self, attempt: Attempt, value: Json) -> TaskResult:
        task = attempt.call.task
        if isinstance(task.action, HttpRequestPlan):
            result = await self._call(attempt, task.action, value)
        else:
            result = TaskResult(await _transform(task.action, value))
        mismatch = find_mismatch(
            task.output_validator,
            result.output,
            what=f"the output of task {task.name}",
            code=FailureCode.OUTPUT_MISMATCH,
            source=Source.UPSTREAM,
            task=attempt.path,
        )
        if mismatch is not None:
            raise AttemptFailedError(mismatch, result.egress_bytes)
        return result

    async def _call(self, attempt: Attempt, action: HttpRequestPlan, value: Json) -> TaskResult:
        call = attempt.call
        # The execution's deadline may come first: it cancels the attempt by itself.
        remaining = attempt.deadline_at - self.clock()
        bounds = http.Bounds(
            call.timeout_seconds, remaining, repeatable=call.task.safe, traceparent=_traceparent(attempt)
        )
        request = http.render(action, _request_scope(value, attempt.scope), bounds)
        if call.circuit is None:
            return await http.exchange(self.client, action, request)
        return await self._guarded(attempt, action, request, call.circuit)

    async def _guarded(
        self, attempt: Attempt, action: HttpRequestPlan, request: HttpRequest, policy: CircuitPolicy
    ) -> TaskResult:
        """The exchange, unless the upstream's circuit is open; how it ends is reported to the circuit."""
        permit = await self.circuits.admit(self.tenant, action.origin, policy, self.clock())
        if isinstance(permit, Refusal):
            raise AttemptFailedError(_circuit_open(action.origin, permit))
        try:
            result = await http.exchange(self.client, action, request)
        except AttemptFailedError as error:
            change = await self._report(permit, _outcome(error.failure, policy))
            opened = action.origin if change is Change.OPENED else ""
            raise AttemptFailedError(error.failure, error.egress_bytes, opened) from None
        except BaseException:
            # Cut off by a deadline the upstream was too slow for, or by somebody who lost interest.
            too_slow = self.clock() >= attempt.deadline_at and RetryOn.TIMEOUT in policy.counts
            await self._report(permit, Outcome.FAILURE if too_slow else Outcome.NEUTRAL)
            raise
        await self._report(permit, Outcome.SUCCESS)
        return result

    async def _report(self, permit: Permit, outcome: Outcome) -> Change | None:
        return await self.circuits.report(permit, outcome, self.clock())


def _traceparent(attempt: Attempt) -> str:
    execution_id = attempt.scope.execution_id
    return traceparent_of(execution_id, attempt.traceparent, attempt.run, attempt.path, attempt.number)


def _cache_key(policy: CachePolicy, value: Json, scope: Scope) -> str:
    """What calls with the same result have in common: the key as written, or the whole input."""
    key = value if policy.key is None else policy.key(_request_scope(value, scope))
    return canonical_json([policy.key_text, key]).decode()


def _outcome(failure: Failure, policy: CircuitPolicy) -> Outcome:
    """What a failed call says of its upstream: one that refuses what it was sent is well."""
    if failure.retry_on in policy.counts:
        return Outcome.FAILURE
    return Outcome.SUCCESS if failure.status is not None and failure.retry_on is None else Outcome.NEUTRAL


def _too_slow(call: CallPlan) -> Failure:
    return Failure(
        code=FailureCode.UPSTREAM_TIMEOUT,
        message=f"no result within {2 * call.timeout_seconds:g} s",
        retry_on=RetryOn.TIMEOUT,
        outcome_unknown=True,
    )


def _circuit_open(upstream: str, refusal: Refusal) -> Failure:
    return Failure(
        code=FailureCode.CIRCUIT_OPEN,
        message=f"the circuit of {upstream} is open after too many failures; nothing was sent",
        retry_after_seconds=max(refusal.retry_after_seconds, _RETRY_AFTER_UNKNOWN),
    )


async def _transform(plan: TransformPlan, value: Json) -> Json:
    try:
        return plan.evaluate(value)
    except TooMuchWorkError:
        if plan.evaluate_at_length is None:
            raise
        # Pure, so it can be done over; in a thread, so that nobody else waits for it.
        return await asyncio.to_thread(plan.evaluate_at_length, value)


def _request_scope(value: Json, outer: Scope) -> Scope:
    return Scope(
        input=value,
        workflow_name=outer.workflow_name,
        execution_id=outer.execution_id,
        tenant_name=outer.tenant_name,
        secrets=outer.secrets,
    )
