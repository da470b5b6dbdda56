"""One attempt: input, schema, action, schema; whatever is wrong names the step and whose fault it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from threading import current_thread
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.core.events import FailureCode
from tenantry.dataplane.engine.ports import Attempt, AttemptFailedError
from tenantry.dataplane.tasks.http_client import (
    BadRequestError,
    ConnectionFailedError,
    EgressDeniedError,
    HttpRequest,
    HttpResponse,
)
from tenantry.language.plan.expressions import compile_expression
from tenantry.language.plan.model import (
    CachePolicy,
    CallPlan,
    CircuitPolicy,
    HttpRequestPlan,
    RetryOn,
    TaskPlan,
    TransformPlan,
)
from tenantry.language.schemas import compile_validator
from tenantry.language.templates.compiling import compile_value
from tenantry.language.templates.scope import Scope
from tenantry.language.templates.urls import compile_url
from tenantry.protocol.problems import Source
from tests.support.attempts import attempt, failure_of, http_call, make_runner, output_of
from tests.support.plans import call, http, transform

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.runner import CallRunner

PERSON = compile_validator(
    {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}, "maxProperties": 1}
)


@dataclass
class EchoClient:
    """Answers with the URL it was called with, or refuses."""

    refusal: Exception | None = None
    status: int = 200
    calls: int = 0

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.calls += 1
        if self.refusal is not None:
            raise self.refusal
        return HttpResponse(self.status, {}, f'"{request.url}"'.encode())

    async def close(self) -> None:
        """Nothing is held."""


class HangingClient:
    """Never answers, until it `answers`."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.answers = False

    async def send(self, _request: HttpRequest) -> HttpResponse:
        self.called.set()
        while not self.answers:
            await asyncio.Event().wait()
        return HttpResponse(200, {}, b'"late"')

    async def close(self) -> None:
        """Nothing is held."""


@dataclass
class HandMovedClock:
    """Stands still until a test moves it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


async def caught(runner: CallRunner, plan: CallPlan) -> AttemptFailedError:
    with pytest.raises(AttemptFailedError) as error:
        await attempt(runner, plan)
    return error.value


@pytest.fixture
def runner() -> CallRunner:
    return make_runner(EchoClient())


def checked(**validators: Any) -> TaskPlan:
    return replace(transform(name="person"), **validators)


async def test_a_transform_computes_its_output_from_the_bound_input(runner: CallRunner) -> None:
    step = replace(call(transform(evaluate=lambda value: value["n"] + 1)), bind=compile_value({"n": 2}))
    assert await output_of(runner, step) == 3


async def test_a_transform_of_much_is_computed_beside_the_event_loop(runner: CallRunner) -> None:
    threads: list[str] = []

    def at_length(value: Any) -> Any:
        threads.append(current_thread().name)
        return compile_expression("length([?a > `1`])")(value)

    plan = TransformPlan(evaluate=compile_expression("length([?a > `1`])", 10), evaluate_at_length=at_length)
    step = replace(call(replace(transform(), action=plan)), bind=compile_value("{{input}}"))
    rows: list[Any] = [{"a": number} for number in range(1000)]
    assert await output_of(runner, step, rows) == 998
    assert threads != [current_thread().name]


async def test_a_transform_that_takes_too_much_work_fails_its_task(runner: CallRunner) -> None:
    plan = TransformPlan(evaluate=compile_expression("[?a > `1`]", 10))
    step = replace(call(replace(transform(), action=plan)), bind=compile_value("{{input}}"))
    failure = await failure_of(runner, step, [{"a": 2}] * 100)
    assert failure.code is FailureCode.UNRESOLVED
    assert "too much work" in failure.message


async def test_a_request_reads_its_own_input_and_who_runs_it(runner: CallRunner) -> None:
    url = compile_url("http://x/{{tenant.name}}/{{workflow.name}}/{{execution.id}}/{{input}}")
    task = TaskPlan(name="t", digest="t", action=HttpRequestPlan(method="GET", url=url), safe=True)
    step = replace(call(task), bind=compile_value("{{input.a}}"))
    scope = Scope(input={"a": "in"}, tenant_name="acme", workflow_name="w", execution_id="1")
    made = Attempt("call", step, scope, Source.CALLER, runner.clock() + 1.0)
    assert (await runner.run(made)).output == "http://x/acme/w/1/in"


async def test_a_request_cannot_read_other_tasks(runner: CallRunner) -> None:
    task = TaskPlan(
        name="t",
        digest="t",
        action=HttpRequestPlan(method="GET", url=compile_url("http://x/{{tasks.a.output}}")),
        safe=True,
    )
    scope = Scope(input=None, outputs={"a": "secret"})
    made = Attempt("call", call(task), scope, Source.CALLER, 1.0)
    with pytest.raises(AttemptFailedError, match="cannot be resolved"):
        await runner.run(made)


async def test_an_input_without_a_value_fails_the_attempt(runner: CallRunner) -> None:
    step = replace(call(transform()), bind=compile_value("{{input.missing}}"))
    failure = await failure_of(runner, step, {})
    assert (failure.code, failure.task) == (FailureCode.UNRESOLVED, "call")
    assert failure.message.startswith("the input of call cannot be resolved: input.missing")


async def test_values_that_fit_their_schemas_pass(runner: CallRunner) -> None:
    step = call(checked(input_validator=PERSON, output_validator=PERSON))
    assert await output_of(runner, step, {"id": 1}) == {"id": 1}


@pytest.mark.parametrize(
    ("validator", "code", "source"),
    [
        ("input_validator", FailureCode.INPUT_MISMATCH, Source.CALLER),
        ("output_validator", FailureCode.OUTPUT_MISMATCH, Source.UPSTREAM),
    ],
)
async def test_values_that_do_not_fit_are_told_with_every_pointer(
    runner: CallRunner, validator: str, code: FailureCode, source: Source
) -> None:
    failure = await failure_of(runner, call(checked(**{validator: PERSON})), {"id": "one"})
    what = f"the {validator.partition('_')[0]} of task person"
    assert (failure.code, failure.source, failure.task) == (code, source, "call")
    assert failure.message.startswith(f"{what} does not match its schema: /id: ")


async def test_what_may_come_from_another_step_is_not_held_against_the_caller(runner: CallRunner) -> None:
    step = call(checked(input_validator=PERSON))
    failure = await failure_of(runner, step, {"id": "one"}, Source.UPSTREAM)
    assert (failure.code, failure.source) == (FailureCode.INPUT_MISMATCH, Source.UPSTREAM)


async def test_three_mistakes_are_shown_and_the_others_counted(runner: CallRunner) -> None:
    four = compile_validator({"properties": {name: {"type": "integer"} for name in "abcd"}})
    step = call(checked(output_validator=four))
    failure = await failure_of(runner, step, dict.fromkeys("abcd", "text"))
    assert failure.message.count("; ") == 2
    assert failure.message.endswith("(and 1 more)")
    root = compile_validator({"type": "object"})
    failure = await failure_of(runner, call(checked(output_validator=root)), [])
    assert "its schema: /: " in failure.message


async def test_a_wrong_input_is_not_sent() -> None:
    client = EchoClient(refusal=AssertionError("it was sent"))
    task = replace(http_call("http://x/").task, input_validator=PERSON)
    assert (await failure_of(make_runner(client), call(task), [])).code is FailureCode.INPUT_MISMATCH


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
    failure = await failure_of(make_runner(EchoClient(refusal)), http_call("http://x/"))
    assert (failure.code, failure.source, failure.retry_on) == (code, Source.CALLER, None)
    assert failure.message == str(refusal)
    assert not failure.outcome_unknown


async def test_calls_stop_while_the_upstream_s_circuit_is_open(clock: HandMovedClock) -> None:
    client = EchoClient()
    runner = make_runner(client, clock)
    policy = CircuitPolicy(failure_threshold=2, break_seconds=30.0, half_open_requests=1)
    plan = replace(call(http("http://x/", origin="http://x")), circuit=policy)
    client.refusal = ConnectionFailedError("refused", sent=False)
    failures = [await caught(runner, plan) for _ in range(3)]
    assert [error.failure.code for error in failures] == [
        FailureCode.UPSTREAM_CONNECTION,
        FailureCode.UPSTREAM_CONNECTION,
        FailureCode.CIRCUIT_OPEN,
    ]
    assert [error.opened for error in failures] == ["", "http://x", ""]
    assert failures[2].failure.retry_after_seconds == 30.0
    assert failures[2].failure.retry_on is None
    client.refusal = None
    clock.now += 30.0
    assert await output_of(runner, plan) == "http://x/"
    assert await output_of(runner, plan) == "http://x/"


@pytest.mark.parametrize(
    ("status", "opens"), [(500, True), (503, True), (404, False), (429, False), (400, False)]
)
async def test_an_upstream_that_refuses_what_it_was_sent_is_well(*, status: int, opens: bool) -> None:
    runner = make_runner(EchoClient(status=status))
    plan = replace(call(http("http://x/")), circuit=CircuitPolicy(failure_threshold=1))
    await caught(runner, plan)
    again = (await caught(runner, plan)).failure.code
    assert (again is FailureCode.CIRCUIT_OPEN) == opens


@pytest.mark.parametrize(("late", "opens"), [(True, True), (False, False)])
async def test_a_call_cut_off_by_the_deadline_counts_and_one_nobody_wants_does_not(
    clock: HandMovedClock,
    *,
    late: bool,
    opens: bool,
) -> None:
    client = HangingClient()
    runner = make_runner(client, clock)
    plan = replace(call(http("http://x/")), circuit=CircuitPolicy(failure_threshold=1))
    running = asyncio.create_task(attempt(runner, plan, seconds=5.0))
    await client.called.wait()
    clock.now += 5.0 if late else 1.0
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    client.answers = True
    if opens:
        assert (await failure_of(runner, plan)).code is FailureCode.CIRCUIT_OPEN
    else:
        assert await output_of(runner, plan) == "late"


async def test_a_result_stands_for_calls_with_the_same_key(clock: HandMovedClock) -> None:
    client = EchoClient()
    runner = make_runner(client, clock)
    cached = CachePolicy(ttl_seconds=60.0, key=compile_value("{{input.id}}"))
    plan = replace(call(http("http://x/")), cache=cached)
    first = await attempt(runner, plan, {"id": 1, "noise": 1})
    second = await attempt(runner, plan, {"id": 1, "noise": 2})
    other = await attempt(runner, plan, {"id": 2, "noise": 1})
    assert (first.cached, second.cached, other.cached) == (False, True, False)
    assert client.calls == 2
    clock.now += 61.0
    assert not (await attempt(runner, plan, {"id": 1})).cached


async def test_equal_values_of_different_keys_are_different_calls() -> None:
    runner = make_runner(EchoClient())
    one, other = (
        replace(
            call(http("http://x/")),
            cache=CachePolicy(ttl_seconds=60.0, key=compile_value(text), key_text=text),
        )
        for text in ("{{input.a}}", "{{input.b}}")
    )
    assert not (await attempt(runner, one, {"a": 1, "b": 2})).cached
    assert not (await attempt(runner, other, {"a": 2, "b": 1})).cached
    assert (await attempt(runner, one, {"a": 1, "b": 9})).cached


async def test_without_a_key_a_result_stands_for_calls_with_the_same_input() -> None:
    client = EchoClient()
    runner = make_runner(client)
    plan = replace(call(http("http://x/")), cache=CachePolicy(ttl_seconds=60.0))
    await attempt(runner, plan, {"a": 1, "b": 2})
    assert (await attempt(runner, plan, {"b": 2, "a": 1})).cached
    assert not (await attempt(runner, plan, {"b": 2, "a": 3})).cached


async def test_a_failure_is_not_kept() -> None:
    client = EchoClient(ConnectionFailedError("refused", sent=False))
    runner = make_runner(client)
    plan = replace(call(http("http://x/")), cache=CachePolicy(ttl_seconds=60.0))
    await failure_of(runner, plan)
    client.refusal = None
    assert await output_of(runner, plan) == "http://x/"


async def test_waiting_for_somebody_else_s_call_is_bounded() -> None:
    client = HangingClient()
    runner = make_runner(client)
    cached = replace(call(http("http://x/")), cache=CachePolicy(ttl_seconds=60.0))
    failure = await failure_of(runner, replace(cached, timeout_seconds=0.001))
    assert (failure.code, failure.retry_on) == (FailureCode.UPSTREAM_TIMEOUT, RetryOn.TIMEOUT)
