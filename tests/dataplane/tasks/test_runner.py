"""One attempt: input, schema, action, schema; whatever is wrong names the step and whose fault it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import current_thread
from typing import Any

import pytest

from tenantry.dataplane.engine.core.events import FailureCode
from tenantry.dataplane.tasks.http_client import BadRequestError, EgressDeniedError, HttpRequest, HttpResponse
from tenantry.dataplane.tasks.runner import StepRunner
from tenantry.language.plan.expressions import compile_expression
from tenantry.language.plan.model import HttpRequestPlan, TaskPlan, TransformPlan
from tenantry.language.schemas import compile_validator
from tenantry.language.templates.compiling import compile_value
from tenantry.language.templates.scope import Scope
from tenantry.language.templates.urls import compile_url
from tenantry.protocol.problems import Source
from tests.support.attempts import failure_of, http_step, output_of, step_of
from tests.support.plans import transform

PERSON = compile_validator(
    {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}, "maxProperties": 1}
)


@dataclass
class EchoClient:
    """Answers with the URL it was called with, or refuses."""

    refusal: Exception | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        if self.refusal is not None:
            raise self.refusal
        return HttpResponse(200, {}, f'"{request.url}"'.encode())

    async def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def runner() -> StepRunner:
    return StepRunner(EchoClient())


def checked(**validators: Any) -> TaskPlan:
    return replace(transform(name="person"), **validators)


async def test_a_transform_computes_its_output_from_the_bound_input(runner: StepRunner) -> None:
    step = replace(step_of(transform(evaluate=lambda value: value["n"] + 1)), bind=compile_value({"n": 2}))
    assert await output_of(runner, step) == 3


async def test_a_transform_of_much_is_computed_beside_the_event_loop(runner: StepRunner) -> None:
    threads: list[str] = []

    def at_length(value: Any) -> Any:
        threads.append(current_thread().name)
        return compile_expression("length([?a > `1`])")(value)

    plan = TransformPlan(evaluate=compile_expression("length([?a > `1`])", 10), evaluate_at_length=at_length)
    step = replace(step_of(replace(transform(), action=plan)), bind=compile_value("{{input}}"))
    rows: list[Any] = [{"a": number} for number in range(1000)]
    assert await output_of(runner, step, rows) == 998
    assert threads != [current_thread().name]


async def test_a_transform_that_takes_too_much_work_fails_its_task(runner: StepRunner) -> None:
    plan = TransformPlan(evaluate=compile_expression("[?a > `1`]", 10))
    step = replace(step_of(replace(transform(), action=plan)), bind=compile_value("{{input}}"))
    failure = await failure_of(runner, step, [{"a": 2}] * 100)
    assert failure.code is FailureCode.UNRESOLVED
    assert "too much work" in failure.message


async def test_a_request_reads_its_own_input_and_who_runs_it(runner: StepRunner) -> None:
    url = compile_url("http://x/{{tenant.name}}/{{workflow.name}}/{{execution.id}}/{{input}}")
    task = TaskPlan(name="t", action=HttpRequestPlan(method="GET", url=url), safe=True)
    step = replace(step_of(task), bind=compile_value("{{input.a}}"))
    scope = Scope(input={"a": "in"}, tenant_name="acme", workflow_name="w", execution_id="1")
    assert (await runner.run(step, scope, 1.0)).output == "http://x/acme/w/1/in"


async def test_a_request_cannot_read_other_tasks(runner: StepRunner) -> None:
    task = TaskPlan(
        name="t",
        action=HttpRequestPlan(method="GET", url=compile_url("http://x/{{tasks.a.output}}")),
        safe=True,
    )
    with pytest.raises(Exception, match="cannot be resolved"):
        await runner.run(step_of(task), Scope(input=None, outputs={"a": "secret"}), 1.0)


async def test_an_input_without_a_value_fails_the_attempt(runner: StepRunner) -> None:
    step = replace(step_of(transform()), bind=compile_value("{{input.missing}}"))
    failure = await failure_of(runner, step, {})
    assert (failure.code, failure.task) == (FailureCode.UNRESOLVED, "call")
    assert failure.message.startswith("the input of call cannot be resolved: input.missing")


async def test_values_that_fit_their_schemas_pass(runner: StepRunner) -> None:
    step = step_of(checked(input_validator=PERSON, output_validator=PERSON))
    assert await output_of(runner, step, {"id": 1}) == {"id": 1}


@pytest.mark.parametrize(
    ("validator", "code", "source"),
    [
        ("input_validator", FailureCode.INPUT_MISMATCH, Source.CALLER),
        ("output_validator", FailureCode.OUTPUT_MISMATCH, Source.UPSTREAM),
    ],
)
async def test_values_that_do_not_fit_are_told_with_every_pointer(
    runner: StepRunner, validator: str, code: FailureCode, source: Source
) -> None:
    failure = await failure_of(runner, step_of(checked(**{validator: PERSON})), {"id": "one"})
    what = f"the {validator.partition('_')[0]} of task person"
    assert (failure.code, failure.source, failure.task) == (code, source, "call")
    assert failure.message.startswith(f"{what} does not match its schema: /id: ")


async def test_what_may_come_from_another_step_is_not_held_against_the_caller(runner: StepRunner) -> None:
    step = replace(step_of(checked(input_validator=PERSON)), dependencies=(0,))
    failure = await failure_of(runner, step, {"id": "one"})
    assert (failure.code, failure.source) == (FailureCode.INPUT_MISMATCH, Source.UPSTREAM)


async def test_three_mistakes_are_shown_and_the_others_counted(runner: StepRunner) -> None:
    four = compile_validator({"properties": {name: {"type": "integer"} for name in "abcd"}})
    step = step_of(checked(output_validator=four))
    failure = await failure_of(runner, step, dict.fromkeys("abcd", "text"))
    assert failure.message.count("; ") == 2
    assert failure.message.endswith("(and 1 more)")
    root = compile_validator({"type": "object"})
    failure = await failure_of(runner, step_of(checked(output_validator=root)), [])
    assert "its schema: /: " in failure.message


async def test_a_wrong_input_is_not_sent() -> None:
    client = EchoClient(refusal=AssertionError("it was sent"))
    task = replace(http_step("http://x/").task, input_validator=PERSON)
    assert (await failure_of(StepRunner(client), step_of(task), [])).code is FailureCode.INPUT_MISMATCH


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (EgressDeniedError("not there", sent=False), FailureCode.EGRESS_DENIED),
        (BadRequestError("no such URL", sent=False), FailureCode.REQUEST_INVALID),
    ],
)
async def test_a_call_that_may_not_be_made_is_the_caller_s_fault(
    refusal: Exception, code: FailureCode
) -> None:
    failure = await failure_of(StepRunner(EchoClient(refusal)), http_step("http://x/"))
    assert (failure.code, failure.source, failure.retry_on) == (code, Source.CALLER, None)
    assert failure.message == str(refusal)
    assert not failure.outcome_unknown
