"""Runs one attempt of any kind of task: input, schema, action, schema."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from tenantry.dataplane.engine.core.decide import source_of_values
from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.engine.ports import AttemptFailedError, TaskResult
from tenantry.dataplane.tasks import http
from tenantry.language.plan.expressions import TooMuchWorkError
from tenantry.language.plan.model import HttpRequestPlan
from tenantry.language.templates.errors import TemplateError
from tenantry.language.templates.scope import Scope
from tenantry.protocol.problems import Source

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.http_client import HttpClient
    from tenantry.language.plan.model import StepPlan, TransformPlan, Validator
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
            source = source_of_values(step)
            failure = Failure(code=FailureCode.UNRESOLVED, message=message, source=source, task=step.id)
            raise AttemptFailedError(failure) from None

    async def _attempt(self, step: StepPlan, scope: Scope, remaining_seconds: float) -> TaskResult:
        task = step.task
        value = step.bind(scope)
        _check(
            task.input_validator,
            value,
            f"the input of task {task.name}",
            FailureCode.INPUT_MISMATCH,
            source_of_values(step),
        )
        if isinstance(task.action, HttpRequestPlan):
            # The execution's deadline may come first: it cancels the attempt by itself.
            bounds = http.Bounds(step.timeout_seconds, remaining_seconds, repeatable=task.safe)
            result = await http.call(self._client, task.action, _request_scope(value, scope), bounds)
        else:
            result = TaskResult(await _transform(task.action, value))
        _check(
            task.output_validator,
            result.output,
            f"the output of task {task.name}",
            FailureCode.OUTPUT_MISMATCH,
            Source.UPSTREAM,
        )
        return result


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


def _check(validator: Validator | None, value: Json, what: str, code: FailureCode, source: Source) -> None:
    if validator is None or validator.is_valid(value):
        return
    found = validator.violations(value)
    named = "; ".join(f"{violation.pointer or '/'}: {violation.message}" for violation in found[:3])
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""  # noqa: PLR2004  (three are shown)
    raise AttemptFailedError(
        Failure(code=code, message=f"{what} does not match its schema: {named}{more}", source=source)
    )
