"""The longest a plan can take: attempts, waits, the longest way, and the bounds around it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.graph.critical_path import CriticalPaths, Surroundings
from tenantry.language.plan.model import ActionPlan, RetryPolicy, SwitchPlan, ValuePlan
from tenantry.language.plan.outline import outline
from tenantry.language.plan.worst_case import WorstCase, call_seconds, rounds
from tenantry.language.validation.item_counts import ItemCounts
from tenantry.language.validation.library import Library
from tests.support.definitions import make_workflow
from tests.support.explained import plan_of, task_documents
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
    assert call_seconds(lasting(10.0, retry=RetryPolicy(max_attempts=4, retry_on=frozenset()))) == 10


def test_a_transform_and_a_value_take_no_time() -> None:
    assert call_seconds(call(transform(), timeout_seconds=30.0)) == 0
    assert WorstCase().of_body(value()) == 0


def test_a_fallback_comes_after_and_an_else_instead() -> None:
    tried = ActionPlan(body=lasting(2.0), fallback=lasting(3.0), otherwise=lasting(4.0))
    assert WorstCase().of_action(tried) == 7
    assert WorstCase().of_action(ActionPlan(body=lasting(2.0), otherwise=lasting(4.0))) == 4


@pytest.mark.parametrize(("default", "seconds"), [(None, 3.0), (1.0, 3.0), (5.0, 5.0)])
def test_a_switch_goes_the_longest_way(default: float | None, seconds: float) -> None:
    switch = SwitchPlan(
        value=lambda _: 1,
        cases=((1, lasting(2.0)), (2, lasting(3.0))),
        default=None if default is None else lasting(default),
    )
    assert WorstCase().of_body(switch) == seconds


@pytest.mark.parametrize(
    ("text", "most", "number", "seconds"),
    [
        ([1, 2, 3, "{{input}}", 5], 10_000, 3, 6.0),
        ([1, 2, 3, "{{input}}", 5], 3, 2, 4.0),
        ("{{input}}", 7, 4, 8.0),
        ("{{input}}", 10_000, None, 2.0),
        ([], 10_000, 0, 0.0),
    ],
)
def test_a_loop_lasts_its_rounds_as_far_as_they_are_known(
    text: Any, most: int, number: int | None, seconds: float
) -> None:
    over = loop([], lasting(2.0), max_parallel=2, max_items=most, text=text)

    assert (rounds(over), WorstCase().of_body(over)) == (number, seconds)


STEPS: list[dict[str, Any]] = [
    {"id": "one", "taskRef": "twice"},
    {"id": "or", "taskRef": "call1", "condition": {"if": "true", "else": {"taskRef": "call2"}}},
    {
        "id": "saved",
        "dependsOn": ["or"],
        "taskRef": "call1",
        "condition": {"if": "true", "else": {"taskRef": "call2"}},
        "fallback": {"taskRef": "call3"},
    },
    {
        "id": "loop",
        "dependsOn": ["one"],
        "forEach": {"items": [1, 2, 3, 4, 5], "maxParallel": 2},
        "condition": {"if": "{{forEach.item}} > 1", "else": {"taskRef": "call2"}},
        "taskRef": "call1",
    },
    {
        "id": "gated",
        "forEach": {"items": "{{input}}", "maxItems": 4, "maxParallel": 1},
        "condition": {"if": "{{input.x}}", "else": {"taskRef": "call4"}},
        "tasks": [
            {"id": "in", "taskRef": "call1"},
            {"id": "then", "taskRef": "call1", "dependsOn": ["in"], "retry": {"maxAttempts": 3}},
        ],
        "timeout": "3s",
    },
    {
        "id": "way",
        "switch": {
            "value": "{{input}}",
            "cases": [
                {"match": 1, "taskRef": "call1"},
                {"match": 2, "forEach": {"items": [1, 2]}, "taskRef": "call3"},
            ],
            "default": {"taskRef": "same"},
        },
    },
]


@given(st.lists(st.sampled_from(STEPS), min_size=1, unique_by=lambda step: step["id"]))
def test_plans_and_documents_are_given_the_same_time(steps: list[dict[str, Any]]) -> None:
    ids = {step["id"] for step in steps}
    spec = {
        "tasks": [
            step | {"dependsOn": [name for name in step.get("dependsOn", ()) if name in ids]}
            for step in steps
        ]
    }
    workflow = make_workflow("flow", spec)
    library = Library(tasks=task_documents())
    paths = CriticalPaths(
        Surroundings(
            tasks=library.tasks,
            find_workflow=library.workflow,
            count_items=lambda flow: ItemCounts(flow, library).most,
        )
    )

    assert outline(plan_of(*spec["tasks"])).seconds == paths.of(workflow).seconds
