from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.limits.headers import limit_headers, whole_seconds
from tenantry.tenants.identity import Instant
from tenantry.tenants.limits import (
    Admitted,
    ConcurrencyPolicy,
    Limits,
    PolicyState,
    Rejected,
    Usage,
    WindowPolicy,
    decide,
    limits_of,
)
from tenantry.tenants.spec import TenantSpec

EPOCH = 1_700_000_000.0
RATE = WindowPolicy("rate-limit", 100, 2.0)
HOURLY = WindowPolicy("workflows-per-hour", 1000, 3600.0)
CONCURRENT = ConcurrencyPolicy("concurrent-workflows", 10)

Parameters = dict[str, int | str]


def parse_list(text: str) -> dict[str, Parameters]:
    """A list of strings with parameters, strictly as RFC 9651 section 4.2 parses it (the types we send)."""
    items: dict[str, Parameters] = {}
    rest = text
    while True:
        name, rest = take(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', rest)
        parameters: Parameters = {}
        while rest.startswith(";"):
            key, rest = take(r"; *([a-z*][a-z0-9_.*-]*)=", rest)
            if rest.startswith('"'):
                parameters[key], rest = take(r'"([\x20\x21\x23-\x5b\x5d-\x7e]*)"', rest)
            else:
                number, rest = take(r"(-?[0-9]{1,15})(?![0-9.])", rest)
                parameters[key] = int(number)
        assert name not in items
        items[name] = parameters
        if not rest:
            return items
        _, rest = take(r"([ \t]*,[ \t]*)(?=.)", rest)


def take(pattern: str, text: str) -> tuple[str, str]:
    match = re.match(pattern, text)
    assert match, f"not a structured field at {text!r}"
    return match[1], text[match.end() :]


def test_an_admission_tells_every_policy_and_what_is_left() -> None:
    headers = limit_headers(
        Admitted(
            snapshot=(
                PolicyState(RATE, 50, 1.2),
                PolicyState(HOURLY, 999, 3000.0),
                PolicyState(CONCURRENT, 9, None),
            )
        )
    )
    assert headers == {
        "RateLimit-Policy": '"rate-limit";q=100;w=2, "workflows-per-hour";q=1000;w=3600, '
        '"concurrent-workflows";q=10;qu="concurrent-requests"',
        "RateLimit": '"rate-limit";r=50;t=2, "workflows-per-hour";r=999;t=3001, "concurrent-workflows";r=9',
    }


def test_a_rejection_tells_the_policies_that_refused_and_when_to_come_back() -> None:
    headers = limit_headers(
        Rejected(
            violated=("rate-limit", "concurrent-workflows"),
            retry_after_seconds=1.2,
            snapshot=(
                PolicyState(RATE, 0, 1.2),
                PolicyState(HOURLY, 900, 3000.0),
                PolicyState(CONCURRENT, 0, None),
            ),
        )
    )
    assert headers["Retry-After"] == "2"
    assert headers["RateLimit"] == '"rate-limit";r=0;t=2, "concurrent-workflows";r=0'
    assert set(parse_list(headers["RateLimit-Policy"])) == {
        "rate-limit",
        "workflows-per-hour",
        "concurrent-workflows",
    }


def test_a_tenant_without_limits_is_told_nothing() -> None:
    assert limit_headers(Admitted(snapshot=())) == {}


def test_a_window_that_is_no_whole_number_of_seconds_goes_without_it() -> None:
    headers = limit_headers(Admitted(snapshot=(PolicyState(WindowPolicy("rate-limit", 10, 0.2), 9, 0.1),)))
    assert headers["RateLimit-Policy"] == '"rate-limit";q=10'


@pytest.mark.parametrize(("seconds", "whole"), [(0.0, 1), (0.4, 1), (1.0, 2), (1.2, 2), (1.9999999, 3)])
def test_seconds_are_rounded_up_to_the_first_whole_one_after(seconds: float, whole: int) -> None:
    assert whole_seconds(seconds) == whole


SPECS = st.fixed_dictionaries(
    {
        "rateLimit": st.fixed_dictionaries(
            {"requestsPerSecond": st.sampled_from([0.5, 1, 3, 50]), "burstSize": st.integers(1, 5)}
        ),
        "quotas": st.fixed_dictionaries(
            {"maxWorkflowsPerHour": st.integers(1, 9), "maxConcurrentWorkflows": st.integers(1, 9)}
        ),
    }
)


@given(SPECS, st.lists(st.sampled_from([0.0, 0.3, 1.7, 900.0]), min_size=1, max_size=30))
def test_whatever_is_decided_the_fields_parse_and_retry_after_is_true(
    spec: dict[str, dict[str, int]], pauses: list[float]
) -> None:
    limits = limits_of(TenantSpec.model_validate(spec))
    usage, now = Usage(), EPOCH
    for pause in pauses:
        now += pause
        admission, usage = decide(limits, usage, Instant(now))
        headers = limit_headers(admission)
        policies, states = parse_list(headers["RateLimit-Policy"]), parse_list(headers["RateLimit"])
        assert set(states) <= set(policies)
        assert all(isinstance(state["r"], int) and state["r"] >= 0 for state in states.values())
        if isinstance(admission, Rejected):
            assert set(states) == set(admission.violated)
            _check_retry_after(limits, usage, now, int(headers["Retry-After"]), states)


def _check_retry_after(
    limits: Limits, usage: Usage, now: float, retry_after: int, states: dict[str, Parameters]
) -> None:
    resets = [int(state["t"]) for state in states.values() if "t" in state]
    assert retry_after >= max(resets, default=0)
    retried, _ = decide(limits, Usage(counts=usage.counts, held=0), Instant(now + retry_after))
    assert isinstance(retried, Admitted)
