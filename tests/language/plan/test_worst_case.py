"""The longest a plan can take: attempts, waits, the longest way, and the bounds around it."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.plan.model import ActionPlan, RetryPolicy, SwitchPlan, ValuePlan
from tenantry.language.plan.worst_case import WorstCase, call_seconds, rounds
from tests.support.plans import call, http, loop, transform


def lasting(seconds: float, **options: Any) -> Any:
    return call(http("https://h/"), timeout_seconds=seconds, **options)


def value(given: Any = None) -> ValuePlan:
    return ValuePlan(evaluate=lambda _: given, value=given)


def test_a_call_lasts_all_its_attempts_and_the_longest_waits_between_them() -> None:
    retry = RetryPolicy(
        max_attempts=4, initial_delay_seconds=1.0, max_delay_seconds=3.0, multiplier=2.0, jitter=True
    )
    assert call_seconds(lasting(10.0, retry=retry)) == 4 * 10 + 1 + 2 + 3
    assert call_seconds(lasting(10.0)) == 10


def test_a_transform_and_a_value_take_no_time() -> None:
    assert call_seconds(call(transform(), timeout_seconds=30.0)) == 0
    assert WorstCase().of_body(value()) == 0


def test_a_fallback_comes_after_and_an_else_instead() -> None:
    tried = ActionPlan(body=lasting(2.0), fallback=lasting(3.0), otherwise=lasting(4.0))
    assert WorstCase().of_action(tried) == 5
    assert WorstCase().of_action(ActionPlan(body=lasting(2.0), otherwise=lasting(4.0))) == 4


@pytest.mark.parametrize(("default", "seconds"), [(None, 3.0), (1.0, 3.0), (5.0, 5.0)])
def test_a_switch_goes_the_longest_way(default: float | None, seconds: float) -> None:
    switch = SwitchPlan(
        value=lambda _: 1,
        cases=((1, lasting(2.0)), (2, lasting(3.0))),
        default=None if default is None else lasting(default),
    )
    assert WorstCase().of_body(switch) == seconds


def test_a_loop_lasts_its_rounds_when_its_list_is_written_out_and_one_round_when_not() -> None:
    written = loop([], lasting(2.0), max_parallel=2, text=[1, 2, 3, "{{input}}", 5])
    read = loop([], lasting(2.0), max_parallel=2, text="{{input}}")
    assert (rounds(written), WorstCase().of_body(written)) == (3, 6)
    assert (rounds(read), WorstCase().of_body(read)) == (1, 2)
