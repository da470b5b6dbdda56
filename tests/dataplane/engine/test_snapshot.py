"""Snapshots: what people are shown of an execution as it was at some moment."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
from hypothesis import given, settings

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.snapshot import Snapshot, TaskSnapshot, snapshot
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.language.plan.model import ActionPlan, Plan, RetryPolicy, ValuePlan
from tests.support.deciding import BUSY, GONE, complete, fail, of, retry, submit
from tests.support.lives import Life
from tests.support.plans import call, group, loop, make_plan, transform, workflow
from tests.support.stages import compensating, one
from tests.support.trees import Trees

TWICE = RetryPolicy(max_attempts=2, initial_delay_seconds=0.5, jitter=False)


def shown(state: ExecutionState) -> dict[str, TaskSnapshot]:
    return {task.id: task for task in snapshot(state).tasks}


def statuses(state: ExecutionState) -> dict[str, str]:
    return {path: task.status for path, task in shown(state).items()}


def test_an_execution_says_where_it_stands() -> None:
    state, _ = submit(make_plan({"a": [], "b": ["a"]}), {"n": 1})
    complete(state, "a", output={"id": 7}, at=2.0)
    assert snapshot(state) == Snapshot(
        execution_id="id",
        workflow="made-by-hand",
        version=1,
        status="running",
        run=1,
        at=2.0,
        deadline_at=30.0,
        input={"n": 1},
        tasks=[
            TaskSnapshot(id="a", status="completed", attempt=1, output={"id": 7}),
            TaskSnapshot(id="b", status="running", attempt=1),
        ],
    )
    complete(state, "b", output=1, at=3.0)
    ended = snapshot(state)
    assert (ended.status, ended.at, ended.output) == ("completed", 3.0, {"a": {"id": 7}, "b": 1})


def test_a_submission_alone_has_no_tasks_yet() -> None:
    plan = make_plan({"a": []})
    state = ExecutionState(plan, "id", "acme")
    evolve(state, submit(plan)[1][0])
    assert (snapshot(state).status, snapshot(state).tasks) == ("submitted", [])


def test_a_task_that_waits_says_for_what() -> None:
    state, _ = submit(make_plan({"a": [], "b": [], "c": ["a", "b"]}, max_parallel=1))
    tasks = shown(state)
    assert tasks["b"] == TaskSnapshot(id="b", status="waiting")
    assert tasks["c"] == TaskSnapshot(id="c", status="waiting", waiting_for=("a", "b"))
    complete(state, "a")
    assert shown(state)["c"].waiting_for == ("b",)


def test_a_task_that_failed_says_how_and_whether_it_is_tried_again() -> None:
    state, _ = submit(make_plan({"a": [], "b": []}, retries={"a": TWICE}))
    fail(state, "a", BUSY)
    assert shown(state)["a"] == TaskSnapshot(id="a", status="retrying", attempt=1, failure=of("a", BUSY))
    advance(state, None, 1.5)
    fail(state, "a", GONE)
    assert statuses(state) == {"a": "failed", "b": "cancelled"}
    assert snapshot(state).failure == of("a", GONE)


def test_what_is_inside_is_shown_and_items_while_they_go_on() -> None:
    inner = group({"x": [], "y": ["x"]})
    state, _ = submit(workflow(group({"a": [], "b": []}, {"a": inner, "b": loop([1, 2])})))
    complete(state, "a/x", output=1)
    complete(state, "b[0]", output=1)
    assert list(shown(state)) == ["a", "a/x", "a/y", "b", "b[1]"]
    complete(state, "a/y", output=2)
    complete(state, "b[1]", output=2)
    tasks = shown(state)
    assert (tasks["a"].status, tasks["a"].output) == ("completed", {"x": 1, "y": 2})
    assert (tasks["b"].status, tasks["b"].output) == ("completed", [1, 2])


def test_what_was_left_out_forgiven_or_stood_in_for_is_told_apart() -> None:
    never = ActionPlan(body=call(), condition=lambda _scope: False)
    with_value = ActionPlan(body=call(), fallback=ValuePlan(evaluate=lambda _scope: "plain"))
    actions = {"a": never, "c": with_value}
    state, _ = submit(workflow(group({"a": [], "b": [], "c": [], "d": []}, actions, optional=["b"])))
    fail(state, "b")
    fail(state, "c")
    assert statuses(state) == {"a": "skipped", "b": "tolerated", "c~fallback": "completed", "d": "running"}
    assert shown(state)["c~fallback"].output == "plain"


def test_a_cancelled_execution_runs_nothing_any_more() -> None:
    state, _ = submit(make_plan({"a": [], "b": ["a"]}))
    control.cancel(state, "key", 1.0)
    assert statuses(state) == {"a": "cancelled", "b": "cancelled"}
    assert shown(state)["b"].waiting_for == ("a",)


def test_while_something_is_undone_what_was_done_is_still_seen() -> None:
    action = ActionPlan(body=call(), compensate=call(transform("undo")))
    plan = workflow(group({"a": [], "b": ["a"], "c": ["a"], "d": ["b"]}, {"a": action}))
    state, _ = submit(plan)
    complete(state, "a", output="done")
    fail(state, "b")
    expected = {"a": "completed", "b": "failed", "c": "cancelled", "d": "cancelled"}
    assert statuses(state) == {**expected, "a~compensate": "running"}
    complete(state, "a~compensate")
    assert statuses(state) == expected
    assert shown(state)["a"].output == "done"


def test_a_failure_while_something_is_undone_is_shown_too() -> None:
    state = compensating()
    fail(state, "a~compensate")
    assert snapshot(state).failure is not None
    assert "the compensation of a failed" in snapshot(state).failure.message  # type: ignore[union-attr]  # as above


def test_a_retried_execution_shows_its_new_run() -> None:
    state, _ = submit(one(loop([1, 2], max_parallel=1)))
    complete(state, "a[0]", output="first")
    fail(state, "a[1]")
    retry(state)
    assert (snapshot(state).run, snapshot(state).failure) == (2, None)
    assert shown(state)["a[1]"] == TaskSnapshot(id="a[1]", status="running", attempt=1)


few = settings(max_examples=max(30, settings().max_examples // 2))
"""Trees cost more to make than to run."""


@few
@given(Trees().plans(), st.integers(0, 10_000))
def test_every_moment_can_be_shown_and_written(plan: Plan, world: int) -> None:
    life = Life(plan, world).live()
    state = ExecutionState(plan, "id", "acme")
    for event in life.history:
        evolve(state, event)
        taken = snapshot(state)
        assert msgspec.json.decode(msgspec.json.encode(taken))["status"] == state.status.value
        ids = [task.id for task in taken.tasks]
        assert len(ids) == len(set(ids))
        for task in taken.tasks:
            assert task.status in {
                "waiting", "running", "retrying", "failed", "completed", "skipped", "tolerated", "cancelled",
            }  # fmt: skip
            assert (task.output is msgspec.UNSET) == (task.status != "completed" or task.id.endswith("]"))
    assert not {"waiting", "running", "retrying"} & set(statuses(state).values())
