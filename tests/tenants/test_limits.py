from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants.identity import Instant
from tenantry.tenants.limits import (
    CONCURRENCY_RETRY_SECONDS,
    Admitted,
    ConcurrencyPolicy,
    Limits,
    Rejected,
    Usage,
    WindowPolicy,
    decide,
    limits_of,
)
from tenantry.tenants.spec import TenantSpec

EPOCH = 1_700_000_000.0
RATE = WindowPolicy("rate-limit", 2, 2.0)
HOURLY = WindowPolicy("workflows-per-hour", 3, 3600.0)
CONCURRENT = ConcurrencyPolicy("concurrent-workflows", 2)
ALL = Limits(windows=(RATE, HOURLY), concurrency=CONCURRENT)

LIMITS = st.builds(
    Limits,
    windows=st.tuples(
        st.builds(
            WindowPolicy, st.just("rate-limit"), st.integers(1, 5), st.sampled_from([0.5, 2.0, 10 / 3])
        ),
        st.builds(WindowPolicy, st.just("workflows-per-hour"), st.integers(1, 8), st.just(3600.0)),
    ),
    concurrency=st.none() | st.builds(ConcurrencyPolicy, st.just("concurrent-workflows"), st.integers(1, 9)),
)
PAUSES = st.lists(st.sampled_from([0.0, 0.125, 0.5, 1.0, 3.0, 600.0, 3600.0]), min_size=1, max_size=40)


def admit_all(limits: Limits, moments: list[float]) -> Usage:
    usage = Usage()
    for moment in moments:
        admission, usage = decide(limits, usage, Instant(moment))
        assert isinstance(admission, Admitted)
    return usage


def moments_after(pauses: list[float]) -> list[float]:
    return [EPOCH + sum(pauses[: index + 1]) for index in range(len(pauses))]


@given(LIMITS, PAUSES)
def test_a_rejected_request_consumes_nothing(limits: Limits, pauses: list[float]) -> None:
    usage = Usage()
    for moment in moments_after(pauses):
        admission, after = decide(limits, usage, Instant(moment))
        if isinstance(admission, Rejected):
            assert after is usage
        usage = after


@given(LIMITS, PAUSES)
def test_no_window_admits_more_than_its_limit(limits: Limits, pauses: list[float]) -> None:
    usage, admitted = Usage(), []
    for moment in moments_after(pauses):
        admission, usage = decide(limits, usage, Instant(moment))
        if isinstance(admission, Admitted):
            admitted.append(moment)
            assert all(state.remaining >= 0 for state in admission.snapshot)
    for policy in limits.windows:
        for moment in admitted:
            same = [
                other
                for other in admitted
                if other // policy.window_seconds == moment // policy.window_seconds
            ]
            assert len(same) <= policy.limit


@given(LIMITS, PAUSES)
def test_retry_after_is_true(limits: Limits, pauses: list[float]) -> None:
    usage = Usage()
    for moment in moments_after(pauses):
        admission, usage = decide(limits, usage, Instant(moment))
        if isinstance(admission, Rejected):
            # When the running ones end nobody can know: here they do.
            later = Instant(moment + admission.retry_after_seconds + 1e-5)
            retried, _ = decide(limits, Usage(counts=usage.counts, held=0), later)
            assert isinstance(retried, Admitted)


@given(LIMITS, PAUSES)
def test_remaining_is_what_would_still_be_admitted_now(limits: Limits, pauses: list[float]) -> None:
    usage = Usage()
    for moment in moments_after(pauses):
        admission, usage = decide(limits, usage, Instant(moment))
        room = min(state.remaining for state in admission.snapshot)
        filled = usage
        for _ in range(room):
            another, filled = decide(limits, filled, Instant(moment))
            assert isinstance(another, Admitted)
        assert isinstance(decide(limits, filled, Instant(moment))[0], Rejected)


def test_every_policy_that_refuses_is_named() -> None:
    usage = admit_all(Limits(windows=(RATE, HOURLY)), [EPOCH, EPOCH])
    admission, _ = decide(ALL, Usage(counts=usage.counts, held=2), Instant(EPOCH))
    assert isinstance(admission, Rejected)
    assert admission.violated == ("rate-limit", "concurrent-workflows")


def test_the_longest_wait_is_the_one_that_is_told() -> None:
    limits = Limits(
        windows=(WindowPolicy("rate-limit", 1, 2.0), WindowPolicy("workflows-per-hour", 1, 3600.0))
    )
    usage = admit_all(limits, [EPOCH])
    admission, _ = decide(limits, usage, Instant(EPOCH))
    assert isinstance(admission, Rejected)
    assert admission.retry_after_seconds == 3600 - EPOCH % 3600


def test_a_full_house_asks_to_come_back_soon() -> None:
    limits = Limits(concurrency=CONCURRENT)
    admission, _ = decide(limits, Usage(held=2), Instant(EPOCH))
    assert isinstance(admission, Rejected)
    assert admission.retry_after_seconds == CONCURRENCY_RETRY_SECONDS
    assert [(state.remaining, state.reset_seconds) for state in admission.snapshot] == [(0, None)]


def test_a_tenant_without_limits_is_always_admitted() -> None:
    admission, after = decide(Limits(), Usage(held=10**6), Instant(EPOCH))
    assert admission == Admitted(snapshot=())
    assert after.held == 10**6 + 1


def test_a_lowered_limit_refuses_until_use_has_fallen_below_it() -> None:
    usage = admit_all(Limits(windows=(WindowPolicy("workflows-per-hour", 100, 3600.0),)), [EPOCH] * 100)
    lowered = Limits(windows=(WindowPolicy("workflows-per-hour", 10, 3600.0),))
    admission, _ = decide(lowered, usage, Instant(EPOCH))
    assert isinstance(admission, Rejected)
    (state,) = admission.snapshot
    assert state.remaining == 0
    # A tenth of the window is left to weigh once the hundred count for ten.
    assert state.reset_seconds == pytest.approx(3600 - EPOCH % 3600 + 3240)


def test_a_raised_limit_keeps_what_was_counted() -> None:
    usage = admit_all(Limits(windows=(HOURLY,)), [EPOCH] * 3)
    raised = Limits(windows=(WindowPolicy("workflows-per-hour", 5, 3600.0),))
    admission, _ = decide(raised, usage, Instant(EPOCH))
    assert admission.snapshot[0].remaining == 1


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, Limits()),
        (
            {"rateLimit": {"requestsPerSecond": 50, "burstSize": 100}},
            Limits(windows=(WindowPolicy("rate-limit", 100, 2.0),)),
        ),
        ({"rateLimit": {"requestsPerSecond": 0.5}}, Limits(windows=(WindowPolicy("rate-limit", 1, 2.0),))),
        (
            {"quotas": {"maxConcurrentWorkflows": 7, "maxWorkflowsPerHour": 8, "maxWorkflowsPerDay": 9}},
            Limits(
                windows=(
                    WindowPolicy("workflows-per-hour", 8, 3600.0),
                    WindowPolicy("workflows-per-day", 9, 86_400.0),
                ),
                concurrency=ConcurrencyPolicy("concurrent-workflows", 7),
            ),
        ),
    ],
)
def test_a_spec_declares_its_policies(spec: dict[str, Any], expected: Limits) -> None:
    assert limits_of(TenantSpec.model_validate(spec)) == expected
