"""Forks: which outputs stay when an execution is begun anew from one of its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tenantry.dataplane.engine.core.events import TaskStarted
from tenantry.dataplane.engine.core.forking import (
    StaleReuseError,
    UnknownTaskError,
    check_fork,
    check_inputs,
    reusable,
)
from tenantry.language.plan.model import ActionPlan, SubworkflowPlan, SwitchPlan, ValuePlan
from tests.support.lives import Life
from tests.support.plans import call, group, loop, make_plan, workflow
from tests.support.trees import Trees

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.language.plan.model import Plan

PLAIN = ValuePlan(evaluate=lambda _scope: "plain")


def kept(plan: Plan, path: str, *done: str) -> set[str]:
    return set(reusable(plan, dict.fromkeys(done), path))


def test_a_step_and_everything_after_it_is_done_anew() -> None:
    plan = make_plan({"a": [], "b": ["a"], "c": ["b"], "d": ["a"], "e": ["c", "d"], "ab": []})
    assert kept(plan, "b", "a", "b", "c", "d", "e", "ab") == {"a", "d", "ab"}
    assert kept(plan, "a", "a", "b", "c", "d", "e", "ab") == {"ab"}
    assert kept(plan, "e", "a", "b", "c", "d", "e", "ab") == {"a", "b", "c", "d", "ab"}


def test_of_nested_tasks_what_comes_before_the_one_stays() -> None:
    inner = group({"x": [], "y": ["x"], "z": ["y"]})
    plan = workflow(group({"a": [], "b": ["a"], "c": []}, {"a": inner}))
    done = ("a/x", "a/y", "a/z", "b", "c")
    assert kept(plan, "a/y", *done) == {"a/x", "c"}
    assert kept(plan, "a", *done) == {"c"}
    assert kept(plan, "b", *done) == {"a/x", "a/y", "a/z", "c"}


def test_of_a_loop_the_other_items_stay() -> None:
    plan = workflow(group({"a": [], "b": ["a"]}, {"a": loop([1] * 12)}))
    done = ("a[0]", "a[1]", "a[10]", "a[11]", "b")
    assert kept(plan, "a[1]", *done) == {"a[0]", "a[10]", "a[11]"}
    assert kept(plan, "a", *done) == set()


def test_of_nested_tasks_in_an_item_and_of_loops_in_loops_all_else_stays() -> None:
    inner = group({"x": [], "y": ["x"]})
    plan = workflow(
        group({"a": [], "b": ["a"], "c": []}, {"a": loop([1, 2], inner), "c": loop([1], loop([1, 2]))})
    )
    done = ("a[0]/x", "a[0]/y", "a[1]/x", "a[1]/y", "b", "c[0][0]", "c[0][1]")
    assert kept(plan, "a[1]/y", *done) == {*done} - {"a[1]/y", "b"}
    assert kept(plan, "c[0][1]", *done) == {*done} - {"c[0][1]"}
    assert kept(plan, "c[0]", *done) == {*done} - {"c[0][0]", "c[0][1]"}


def test_sub_workflows_are_looked_into() -> None:
    child = SubworkflowPlan(plan=workflow(group({"x": [], "y": ["x"]})), bind=lambda scope: scope.input)
    plan = workflow(group({"a": [], "b": ["a"]}, {"a": child}))
    assert kept(plan, "a/y", "a/x", "a/y", "b") == {"a/x"}


def test_every_case_of_a_switch_and_what_else_is_done_is_looked_into() -> None:
    switch = SwitchPlan(
        value=lambda _scope: 1,
        cases=((1, group({"x": [], "y": ["x"]})), (2, group({"x": [], "z": ["x"]}))),
        default=SwitchPlan(value=lambda _scope: 1, cases=((1, loop([1])),)),
    )
    other = ActionPlan(body=switch, condition=lambda _scope: True, otherwise=group({"w": []}))
    plan = workflow(group({"a": []}, {"a": other}))
    assert kept(plan, "a/x", "a/x", "a/y", "a/w") == {"a/w"}
    assert kept(plan, "a/x", "a/x", "a/z") == set()
    assert kept(plan, "a/w", "a/w", "a/x") == {"a/x"}
    assert kept(plan, "a[0]", "a[0]", "a[1]") == {"a[1]"}


def test_what_stood_in_for_something_around_the_task_does_so_no_more() -> None:
    inner = ActionPlan(body=group({"x": []}), fallback=call())
    plan = workflow(group({"a": [], "b": []}, {"a": ActionPlan(body=loop([1], inner.body), fallback=call())}))
    assert kept(plan, "a[0]/x", "a~fallback", "a[0]~fallback", "b") == {"b"}
    plan = workflow(group({"a": []}, {"a": inner}))
    assert kept(plan, "a/x", "a~fallback") == set()


def test_a_fallback_is_named_like_a_task() -> None:
    action = ActionPlan(body=call(), fallback=PLAIN)
    plan = workflow(group({"a": [], "b": ["a"], "c": []}, {"a": action, "c": loop([1], fallback=PLAIN)}))
    done = ("a~fallback", "b", "c[0]~fallback")
    assert kept(plan, "a~fallback", *done) == {"c[0]~fallback"}
    assert kept(plan, "c[0]~fallback", *done) == {"a~fallback", "b"}


@pytest.mark.parametrize(
    "path",
    [
        *("", "nobody", "a/x", "a[0]", "a/", "/a", "loop[", "loop[x]", "loop[01]", "loop[0][0]"),
        *("loop[1234567]", "group[0]", "group/nobody", "group/x/y"),
        *("a~fallback", "group~fallback/x", "a~compensate", "a~other"),
    ],
)
def test_a_path_that_is_no_task_is_refused(path: str) -> None:
    nested = ActionPlan(body=group({"x": []}), fallback=PLAIN)
    plan = workflow(group({"a": [], "loop": [], "group": []}, {"loop": loop([1]), "group": nested}))
    with pytest.raises(UnknownTaskError) as caught:
        reusable(plan, {}, path)
    assert caught.value.path == path


def test_of_several_tasks_what_comes_before_all_of_them_stays() -> None:
    plan = make_plan({"a": [], "b": ["a"], "c": [], "d": ["c"], "e": []})
    assert reusable(plan, dict.fromkeys("abcde"), "b", "c").keys() == {"a", "e"}


def nested() -> Plan:
    """With something of every kind, a call or not."""
    switch = SwitchPlan(value=lambda _scope: 1, cases=((1, call()),), default=group({"in": []}))
    return workflow(
        group(
            {"a": [], "group": [], "loop": [], "switch": [], "spare": []},
            {
                "a": ActionPlan(body=call(), compensate=call()),
                "group": ActionPlan(body=group({"x": []}), fallback=PLAIN),
                "loop": loop([1], call()),
                "switch": ActionPlan(body=switch),
                "spare": ActionPlan(body=call(), fallback=call()),
            },
        )
    )


@pytest.mark.parametrize(
    "path",
    ["a", "a~compensate", "group/x", "loop[0]", "switch", "switch/in", "spare", "spare~fallback"],
)
def test_an_input_is_taken_wherever_there_may_be_a_call(path: str) -> None:
    check_inputs(nested(), [path])


@pytest.mark.parametrize(
    "path",
    [
        *("", "nobody", "group", "group~fallback", "loop", "a[0]", "a/x", "a~fallback", "spare~compensate"),
        "~",
    ],
)
def test_an_input_that_nothing_would_take_is_refused(path: str) -> None:
    with pytest.raises(UnknownTaskError) as caught:
        check_inputs(nested(), ["a", path])
    assert caught.value.path == path
    assert repr(path) in str(caught.value)


@pytest.mark.parametrize(("given", "stale"), [("a", "a"), ("b", "b"), ("late", "after-late"), ("d", None)])
def test_a_fork_takes_no_input_that_changes_what_it_reuses(given: str, stale: str | None) -> None:
    """`late` failed, which was tolerated: what came after it went on without."""
    plan = make_plan({"a": [], "b": ["a"], "c": ["b"], "d": ["c"], "late": [], "after-late": ["late"]})
    reused = reusable(plan, dict.fromkeys(["a", "b", "c", "after-late"]), "c")
    if stale is None:
        check_fork(plan, reused, [given])
        return
    with pytest.raises(StaleReuseError) as caught:
        check_fork(plan, reused, [given])
    assert caught.value.path == stale


few = settings(max_examples=max(30, settings().max_examples // 2))
"""Trees cost more to make than to run."""


@few
@given(Trees().plans(), st.integers(0, 10_000))
def test_a_fork_from_any_task_comes_to_what_its_origin_came_to_and_calls_nothing_that_it_reuses(
    plan: Plan, world: int
) -> None:
    origin = Life(plan, world).live()
    for path in paths_of(origin.history):
        reused = reusable(plan, origin.state.done, path)
        assert path not in reused
        fork = Life(plan, world, reused=reused).live()
        assert (fork.state.status, fork.state.output) == (origin.state.status, origin.state.output)
        assert not reused.keys() & {event.task for event in fork.history if isinstance(event, TaskStarted)}


def paths_of(history: list[AnyEvent]) -> set[str]:
    """The tasks that were called, which are those a trace has that are not wholes."""
    called = {event.task for event in history if isinstance(event, TaskStarted)}
    return {path for path in called if "~compensate" not in path}
