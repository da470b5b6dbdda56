"""Outlines: every part of a plan once, by an id of its own, on the time axis and the longest path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.language.plan import outline as outlines
from tenantry.language.plan.outline import Part, Role, outline
from tests.support.explained import everything, plan_of

if TYPE_CHECKING:
    from tenantry.language.plan.model import Plan


def parts_of(plan: Plan) -> dict[str, Part]:
    return {part.id: part for part in outline(plan).walk()}


def critical(plan: Plan) -> set[str]:
    return {name for name, part in parts_of(plan).items() if part.critical}


def way(*seconds: int, default: int = 0) -> dict[str, Any]:
    cases = [{"match": index, "taskRef": f"call{each}"} for index, each in enumerate(seconds)]
    switch: dict[str, Any] = {"value": "{{input}}", "cases": cases}
    return switch | ({"default": {"taskRef": f"call{default}"}} if default else {})


def test_everything_in_a_plan_is_a_part_of_it() -> None:
    parts = list(outline(everything()).walk())

    assert [part.id for part in parts] == [
        "user",
        "lines",
        "audit",
        "pay",
        "pay~case1",
        "pay~case2",
        "pay~case2/ask",
        "pay~case2/wait",
        "pay~default",
        "pay~fallback",
        "pay~compensate",
        "bill",
        "bill/one",
        "bill/two",
        "bill~else",
        "all",
        "all/each",
    ]


def test_a_part_knows_its_loop_its_condition_and_what_it_waits_for() -> None:
    parts = parts_of(everything())

    assert parts["lines"].loop is not None
    assert (parts["lines"].filters, parts["lines"].condition_text) == (True, "{{forEach.order.open}}")
    assert (parts["bill"].filters, parts["bill"].condition_text) == (False, "{{input.bill}}")
    assert (parts["user"].loop, parts["user"].condition_text) == (None, "")
    assert parts["audit"].waits_for == ("lines",)
    assert parts["pay~case2/wait"].waits_for == ("pay~case2/ask",)
    assert parts["bill/two"].waits_for == ("bill/one",)
    assert (parts["pay~case1"].match, parts["pay~case2"].match) == ("card", 7)


def test_parts_stand_on_the_time_axis_of_the_worst_case() -> None:
    plan = everything()
    parts = parts_of(plan)

    assert {name: (part.start_seconds, part.seconds) for name, part in parts.items()} == {
        "user": (0.0, 4.5),
        "lines": (4.5, 1.0),
        "audit": (5.5, 1.0),
        "pay": (0.0, 2.0),
        "pay~case1": (0.0, 2.0),
        "pay~case2": (0.0, 2.0),
        "pay~case2/ask": (0.0, 1.0),
        "pay~case2/wait": (1.0, 1.0),
        "pay~default": (0.0, 0.0),
        "pay~fallback": (2.0, 0.0),
        "pay~compensate": (None, 3.0),
        "bill": (2.0, 1.0),
        "bill/one": (2.0, 1.0),
        "bill/two": (3.0, 0.0),
        "bill~else": (2.0, 0.0),
        "all": (0.0, 2.0),
        "all/each": (0.0, 1.0),
    }
    assert outline(plan).seconds == 6.5
    assert critical(plan) == {"user", "lines", "audit"}


def test_the_longest_path_goes_through_the_longest_way() -> None:
    assert critical(plan_of({"id": "a", "switch": way(1, 3, default=2)})) == {"a", "a~case2"}
    assert critical(plan_of({"id": "a", "switch": way(1, 2, default=3)})) == {"a", "a~default"}
    assert critical(plan_of({"id": "a", "switch": way(2, 2)})) == {"a", "a~case1", "a~case2"}


def test_the_longest_path_goes_through_the_else_when_that_takes_longer() -> None:
    step = {"id": "a", "switch": way(1), "fallback": {"taskRef": "call1"}}
    longer = {**step, "condition": {"if": "true", "else": {"taskRef": "call3"}}}
    shorter = {**step, "condition": {"if": "true", "else": {"taskRef": "call1"}}}

    assert critical(plan_of(longer)) == {"a", "a~else", "a~fallback"}
    assert critical(plan_of(shorter)) == {"a", "a~case1", "a~fallback"}


@pytest.mark.parametrize(("seconds", "taken"), [(4, {"a", "a~else"}), (3, {"a", "a~fallback"})])
def test_the_else_of_a_gated_loop_competes_with_the_whole_loop(seconds: int, taken: set[str]) -> None:
    step = {
        "id": "a",
        "forEach": {"items": [1, 2, 3], "maxParallel": 1},
        "taskRef": "call1",
        "fallback": {"taskRef": "same"},
        "condition": {"if": "true", "else": {"taskRef": f"call{seconds}"}},
    }
    gated = plan_of(step)

    assert critical(gated) == taken
    assert parts_of(gated)["a~fallback"].start_seconds == 1.0


def test_of_several_steps_that_are_waited_for_the_last_to_end_is_on_the_longest_path() -> None:
    plan = plan_of(
        {"id": "short", "taskRef": "call1"},
        {"id": "long", "taskRef": "call2"},
        {"id": "both", "taskRef": "same", "dependsOn": ["short", "long"]},
    )

    assert critical(plan) == {"long", "both"}


def test_what_is_bounded_as_a_whole_takes_no_longer_than_that() -> None:
    child = plan_of({"id": "one", "taskRef": "call4"}, name="child", deadline="3s")
    plan = plan_of(
        {"id": "sub", "workflowRef": "child"},
        {"id": "hurried", "workflowRef": "child", "timeout": "2s"},
        {"id": "nested", "tasks": [{"id": "in", "taskRef": "call4"}], "timeout": "1s"},
        workflows={"child": child},
    )
    parts = parts_of(plan)

    assert [parts[name].seconds for name in ("sub", "hurried", "nested", "nested/in")] == [3, 2, 1, 4]


def test_sub_workflows_of_sub_workflows_are_opened_only_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outlines, "MAX_OPENED", 4)
    leaf = plan_of({"id": "one", "taskRef": "call1"}, name="leaf")
    middle = plan_of(
        *({"id": f"m{number}", "workflowRef": "leaf"} for number in range(3)),
        name="middle",
        workflows={"leaf": leaf},
    )
    plan = plan_of(
        *({"id": f"t{number}", "workflowRef": "middle"} for number in range(3)), workflows={"middle": middle}
    )

    parts = parts_of(plan)

    assert list(parts) == ["t0", "t0/m0", "t0/m0/one", "t0/m1", "t0/m2", "t1", "t2"]
    assert {part.seconds for part in parts.values()} == {1.0}


def test_branches_say_what_they_are() -> None:
    parts = parts_of(everything())

    assert [parts[f"pay~{name}"].role for name in ("case1", "default", "fallback", "compensate")] == [
        Role.CASE,
        Role.DEFAULT,
        Role.FALLBACK,
        Role.COMPENSATE,
    ]
    assert (parts["bill~else"].role, parts["bill/one"].role) == (Role.ELSE, Role.STEP)
