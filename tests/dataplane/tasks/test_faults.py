"""Every way the test API can go wrong ends as a typed failure of the attempt, and nothing hangs."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.engine.core.events import FailureCode
from tenantry.language.plan.model import HttpOutput, RetryOn
from tenantry.protocol.problems import Source
from tests.support.attempts import failure_of, http_call, output_of

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.runner import CallRunner


async def test_a_good_answer_is_its_parsed_body(runner: CallRunner, testapi: str) -> None:
    user = await output_of(runner, http_call(f"{testapi}/users/1"))
    assert user["id"] == 1


async def test_the_whole_response_when_asked_for(runner: CallRunner, testapi: str) -> None:
    step = http_call(f"{testapi}/users/1", output=HttpOutput.RESPONSE)
    response = await output_of(runner, step)
    assert response["status"] == 200
    assert response["headers"]["content-type"] == "application/json"
    assert response["body"]["id"] == 1


async def test_an_empty_body_is_null(runner: CallRunner, testapi: str) -> None:
    assert await output_of(runner, http_call(f"{testapi}/users/1?body=empty")) is None


@pytest.mark.parametrize(
    ("query", "status", "retry_on"),
    [
        ("fail=500", 500, RetryOn.SERVER_ERROR),
        ("fail=503", 503, RetryOn.SERVER_ERROR),
        ("fail=429", 429, RetryOn.TOO_MANY_REQUESTS),
        ("fail=410", 410, None),
    ],
)
async def test_a_status_is_told_with_what_the_upstream_says_and_whether_to_retry(
    runner: CallRunner, testapi: str, query: str, status: int, retry_on: RetryOn | None
) -> None:
    failure = await failure_of(runner, http_call(f"{testapi}/users/1?{query}"))
    assert failure.code is FailureCode.UPSTREAM_STATUS
    assert (failure.status, failure.retry_on, failure.task) == (status, retry_on, "call")
    assert failure.message == f"the upstream answered {status}: the caller asked for this failure"
    assert not failure.outcome_unknown


async def test_retry_after_is_passed_on_only_where_a_retry_helps(runner: CallRunner, testapi: str) -> None:
    busy = await failure_of(runner, http_call(f"{testapi}/users/1?fail=503&retryAfter=7"))
    gone = await failure_of(runner, http_call(f"{testapi}/users/1?fail=410&retryAfter=7"))
    assert (busy.retry_after_seconds, gone.retry_after_seconds) == (7.0, 0.0)


async def test_a_status_listed_as_success_is_one(runner: CallRunner, testapi: str) -> None:
    step = http_call(f"{testapi}/users/99", success=frozenset({404}))
    assert (await output_of(runner, step))["status"] == 404


async def test_an_upstream_that_hangs_times_out_and_its_outcome_is_unknown(
    runner: CallRunner, testapi: str
) -> None:
    step = http_call(f"{testapi}/users/1?hang=true", timeout_seconds=0.05, safe=False)
    failure = await failure_of(runner, step)
    assert (failure.code, failure.retry_on) == (FailureCode.UPSTREAM_TIMEOUT, RetryOn.TIMEOUT)
    assert failure.message == "127.0.0.1 gave no answer within 0.05 s"
    assert failure.outcome_unknown
    safe = http_call(f"{testapi}/users/1?hang=true", timeout_seconds=0.05)
    assert not (await failure_of(runner, safe)).outcome_unknown  # as if it had not been made


@pytest.mark.parametrize("fault", ["reset", "lose"])
async def test_a_broken_connection_may_be_retried_and_its_outcome_is_unknown(
    runner: CallRunner, testapi: str, fault: str
) -> None:
    step = http_call(f"{testapi}/notifications?{fault}=true", "POST", safe=False)
    failure = await failure_of(runner, step)
    assert (failure.code, failure.retry_on) == (FailureCode.UPSTREAM_CONNECTION, RetryOn.CONNECTION)
    assert failure.outcome_unknown


async def test_a_refused_connection_has_a_known_outcome(runner: CallRunner) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, and nobody listens
        failure = await failure_of(runner, http_call(f"http://127.0.0.1:{bound.getsockname()[1]}/"))
    assert (failure.code, failure.retry_on) == (FailureCode.UPSTREAM_CONNECTION, RetryOn.CONNECTION)
    assert "no connection to 127.0.0.1" in failure.message
    assert not failure.outcome_unknown


async def test_a_page_instead_of_json_is_told_and_not_repeated(runner: CallRunner, testapi: str) -> None:
    failure = await failure_of(runner, http_call(f"{testapi}/users/1?body=html"))
    assert (failure.code, failure.source) == (FailureCode.UPSTREAM_RESPONSE, Source.UPSTREAM)
    assert "answered 200 with text/html" in failure.message
    assert "captive" not in failure.message


async def test_a_page_is_a_fine_body_of_a_whole_response(runner: CallRunner, testapi: str) -> None:
    step = http_call(f"{testapi}/users/1?body=html", output=HttpOutput.RESPONSE)
    assert "captive portal" in (await output_of(runner, step))["body"]


@pytest.mark.parametrize("output", HttpOutput)
async def test_json_that_is_cut_off_is_refused(runner: CallRunner, testapi: str, output: HttpOutput) -> None:
    failure = await failure_of(runner, http_call(f"{testapi}/users/1?body=malformed", output=output))
    assert failure.code is FailureCode.UPSTREAM_RESPONSE
    assert "cannot be read: not JSON" in failure.message


async def test_ten_megabytes_are_refused(runner: CallRunner, testapi: str) -> None:
    failure = await failure_of(runner, http_call(f"{testapi}/users/1?size=10000000"))
    assert (failure.code, failure.retry_on) == (FailureCode.RESPONSE_TOO_LARGE, None)
    assert "10000000 bytes, over the limit of 4194304" in failure.message


async def test_a_gzip_bomb_is_refused(runner: CallRunner, testapi: str) -> None:
    failure = await failure_of(runner, http_call(f"{testapi}/users/1?gzipBomb=true"))
    assert failure.code is FailureCode.RESPONSE_TOO_LARGE
    assert "decompresses to over 4194304 bytes" in failure.message


async def test_after_any_fault_the_next_call_is_answered(runner: CallRunner, testapi: str) -> None:
    for fault in ("reset=true", "size=10000000", "body=malformed", "gzipBomb=true", "fail=500"):
        await failure_of(runner, http_call(f"{testapi}/users/1?{fault}"))
        assert (await output_of(runner, http_call(f"{testapi}/users/2")))["id"] == 2
