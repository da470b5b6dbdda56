"""Runs one attempt of any kind of task: input, schema, action, schema."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.engine.ports import AttemptFailedError, TaskResult
from tenantry.dataplane.tasks import http
from tenantry.language.plan.model import HttpRequestPlan, RetryOn
from tenantry.language.templates.errors import TemplateError
from tenantry.language.templates.scope import Scope
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.http_client import HttpClient
    from tenantry.language.plan.model import StepPlan, TaskPlan, Validator
    from tenantry.language.values import Json


class StepRunner:
    """The `TaskRunner` of a tenant."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def run(self, step: StepPlan, scope: Scope, remaining_seconds: float) -> TaskResult:
        """Makes one attempt; see `TaskRunner.run`. Failures name the step."""
        try:
            return await self._attempt(step, scope, remaining_seconds)
        except AttemptFailedError as error:
            failure = msgspec.structs.replace(error.failure, task=step.id)
            raise AttemptFailedError(failure, error.egress_bytes) from None
        except TemplateError as error:
            message = f"the input of {step.id} cannot be resolved: {error}"
            failure = Failure(code=FailureCode.UNRESOLVED, message=message, task=step.id)
            raise AttemptFailedError(failure) from None

    async def _attempt(self, step: StepPlan, scope: Scope, remaining_seconds: float) -> TaskResult:
        task = step.task
        value = step.bind(scope)
        _check(task.input_validator, value, FailureCode.INPUT_MISMATCH, f"the input of task {task.name}")
        if not isinstance(task.action, HttpRequestPlan):
            result = TaskResult(task.action.evaluate(value))
        elif remaining_seconds <= step.timeout_seconds:
            # The execution's deadline comes first and cancels this attempt by itself.
            result = await self._call(task.action, value, scope, remaining_seconds)
        else:
            result = await self._call_within(step, task.action, value, scope)
        _check(
            task.output_validator,
            result.output,
            FailureCode.OUTPUT_MISMATCH,
            f"the output of task {task.name}",
        )
        return result

    async def _call(self, action: HttpRequestPlan, value: Json, outer: Scope, seconds: float) -> TaskResult:
        scope = Scope(
            input=value,
            workflow_name=outer.workflow_name,
            execution_id=outer.execution_id,
            tenant_name=outer.tenant_name,
            secrets=outer.secrets,
        )
        return await http.call(self._client, action, scope, seconds)

    async def _call_within(
        self, step: StepPlan, action: HttpRequestPlan, value: Json, scope: Scope
    ) -> TaskResult:
        try:
            async with asyncio.timeout(step.timeout_seconds):
                return await self._call(action, value, scope, step.timeout_seconds)
        except TimeoutError:
            raise AttemptFailedError(_timeout(step.task, step.timeout_seconds)) from None


def _timeout(task: TaskPlan, seconds: float) -> Failure:
    return Failure(
        code=FailureCode.UPSTREAM_TIMEOUT,
        message=f"task {task.name} got no answer within {seconds:g} s",
        retry_on=RetryOn.TIMEOUT,
        outcome_unknown=True,
    )


def _check(validator: Validator | None, value: Json, code: FailureCode, what: str) -> None:
    if validator is None or validator.is_valid(value):
        return
    found = validator.violations(value)
    named = "; ".join(f"{violation.pointer or '/'}: {violation.message}" for violation in found[:3])
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""  # noqa: PLR2004  (three are shown)
    raise AttemptFailedError(
        Failure(code=code, message=f"{what} does not match its schema: {named}{more}", source=Source.UPSTREAM)
    )
