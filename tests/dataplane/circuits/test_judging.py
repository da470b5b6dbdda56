"""Which failed attempts count against an upstream, which speak for it, and which say nothing."""

from __future__ import annotations

import pytest

from tenantry.dataplane.circuits.breaker import Outcome
from tenantry.dataplane.circuits.judging import judge
from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.language.plan.model import CircuitPolicy, RetryOn
from tenantry.protocol.problems import Source


def status(code: int, retry_on: RetryOn | None = None) -> Failure:
    return Failure(code=FailureCode.UPSTREAM_STATUS, message="", status=code, retry_on=retry_on)


def of(code: FailureCode, retry_on: RetryOn | None = None) -> Failure:
    return Failure(code=code, message="", retry_on=retry_on)


SERVER_ERROR = status(503, RetryOn.SERVER_ERROR)
TOO_MANY = status(429, RetryOn.TOO_MANY_REQUESTS)
TIMEOUT = of(FailureCode.UPSTREAM_TIMEOUT, RetryOn.TIMEOUT)
CONNECTION = of(FailureCode.UPSTREAM_CONNECTION, RetryOn.CONNECTION)


@pytest.mark.parametrize("failure", [SERVER_ERROR, TIMEOUT, CONNECTION])
def test_server_errors_timeouts_and_lost_connections_count_by_default(failure: Failure) -> None:
    assert judge(failure, CircuitPolicy()) is Outcome.FAILURE


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (SERVER_ERROR, Outcome.SUCCESS),
        (TIMEOUT, Outcome.NEUTRAL),
        (CONNECTION, Outcome.NEUTRAL),
        (TOO_MANY, Outcome.FAILURE),
    ],
)
def test_the_policy_says_what_counts(failure: Failure, outcome: Outcome) -> None:
    assert judge(failure, CircuitPolicy(counts=frozenset({RetryOn.TOO_MANY_REQUESTS}))) is outcome


@pytest.mark.parametrize(
    "failure",
    [
        TOO_MANY,
        status(404),
        Failure(code=FailureCode.UPSTREAM_RESPONSE, message="not JSON", status=200),
        of(FailureCode.RESPONSE_TOO_LARGE),
        of(FailureCode.OUTPUT_MISMATCH),
    ],
)
def test_an_upstream_that_answers_is_up_whatever_it_answers(failure: Failure) -> None:
    assert judge(failure, CircuitPolicy()) is Outcome.SUCCESS


@pytest.mark.parametrize(
    "failure",
    [
        of(FailureCode.UPSTREAM_RESPONSE),
        of(FailureCode.UNRESOLVED),
        of(FailureCode.INPUT_MISMATCH),
        Failure(code=FailureCode.EGRESS_DENIED, message="", source=Source.CALLER),
    ],
)
def test_what_never_was_an_answer_says_nothing(failure: Failure) -> None:
    assert judge(failure, CircuitPolicy()) is Outcome.NEUTRAL
