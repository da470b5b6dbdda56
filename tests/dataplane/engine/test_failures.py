"""What becomes of failures: fallbacks, tolerance, compensation, one rule at a time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    CircuitOpened,
    CompensationStarted,
    FailureCode,
    FailureTolerated,
    FallbackStarted,
    TaskCompleted,
    TaskFailed,
    TaskRetried,
    WorkflowCompleted,
    WorkflowFailed,
)
from tenantry.dataplane.engine.core.failures import MAX_RETRY_AFTER_SECONDS
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.language.plan.model import (
    ActionPlan,
    ResponsePlan,
    RetryPolicy,
    SubworkflowPlan,
    SwitchPlan,
    ValuePlan,
)
from tenantry.language.templates.errors import TemplateError
from tests.support.deciding import BUSY, GONE, complete, fail, of, only, started, submit, without_letters
from tests.support.plans import call, group, loop, transform, unsafe, workflow

ONCE_MORE = RetryPolicy(max_attempts=2, initial_delay_seconds=0.5, jitter=False)


def broken(_scope: object) -> Any:
    raise TemplateError("input.x", "there is no 'x'")


def one(body: Any, **options: Any) -> Any:
    return workflow(group({"a": []}, {"a": body}), **options)


def undo(name: str, **options: Any) -> Any:
    return call(transform(name), **options)


# Fallbacks


def test_a_fallback_s_value_stands_in_after_the_last_retry() -> None:
    value = ValuePlan(evaluate=lambda _scope: "plain")
    state, _ = submit(one(ActionPlan(body=call(retry=ONCE_MORE), fallback=value)))
    assert isinstance(fail(state, "a", BUSY)[0], TaskRetried)
    advance(state, None, 1.5)
    events = fail(state, "a", BUSY, at=2.0)
    assert events == [
        FallbackStarted(at=2.0, task="a"),
        TaskCompleted(at=2.0, task="a~fallback", attempt=0, output="plain"),
        WorkflowCompleted(at=2.0, output={"a": "plain"}),
    ]
    assert state.scope.statuses == {"a": "completed"}


def test_a_fallback_task_has_attempts_and_retries_of_its_own() -> None:
    other = call(transform("other"), retry=ONCE_MORE)
    state, _ = submit(one(ActionPlan(body=call(), fallback=other)))
    assert started(fail(state, "a", GONE)) == ["a~fallback"]
    assert only(fail(state, "a~fallback", BUSY), TaskRetried)[0].attempt == 2
    advance(state, None, 1.5)
    complete(state, "a~fallback", at=2.0, output=3)
    assert state.output == {"a": 3}


def test_the_failure_of_a_fallback_is_the_step_s() -> None:
    state, _ = submit(one(ActionPlan(body=call(), fallback=call())))
    fail(state, "a", BUSY)
    failed = WorkflowFailed(at=1.0, failure=of("a~fallback", GONE))
    assert fail(state, "a~fallback", GONE)[-1] == failed
    state, _ = submit(one(ActionPlan(body=call(), fallback=ValuePlan(evaluate=broken))))
    assert "the fallback cannot be resolved" in only(fail(state, "a"), WorkflowFailed)[0].failure.message


def test_a_fallback_also_stands_in_for_a_condition_without_a_value() -> None:
    value = ValuePlan(evaluate=lambda _scope: 1)
    state, _ = submit(one(ActionPlan(body=call(), condition=broken, fallback=value)))
    assert state.output == {"a": 1}


def test_a_fallback_stands_in_for_each_item_that_fails() -> None:
    value = ValuePlan(evaluate=lambda scope: -scope.items["item"])
    state, _ = submit(one(loop([1, 2], fallback=value)))
    fail(state, "a[0]")
    complete(state, "a[1]", output=2)
    assert state.output == {"a": [-1, 2]}


def test_a_fallback_stands_in_for_nested_tasks_as_a_whole() -> None:
    value = ValuePlan(evaluate=lambda _scope: "none")
    state, _ = submit(one(ActionPlan(body=group({"x": [], "y": []}), fallback=value)))
    fail(state, "a/x")
    assert state.output == {"a": "none"}
    assert state.root.running == 0


# Optional steps


def test_an_optional_step_that_fails_gives_null_and_the_others_go_on() -> None:
    state, _ = submit(workflow(group({"a": [], "b": ["a"]}, optional=["a"])))
    events = without_letters(fail(state, "a"))
    assert events[0] == FailureTolerated(at=1.0, task="a")
    assert started(events) == ["b"]
    assert state.scope.outputs == {"a": None}
    assert state.scope.statuses == {"a": "failed"}


def test_an_optional_loop_that_fails_counts_nothing() -> None:
    state, _ = submit(workflow(group({"a": []}, {"a": loop([1])}, optional=["a"])))
    fail(state, "a[0]")
    assert state.output == {"a": None}
    assert state.scope.loops["a"]["outputs"] == []


def test_a_late_outcome_of_what_was_given_up_says_nothing() -> None:
    plan = workflow(group({"a": [], "b": []}, {"a": group({"x": [], "y": []})}, optional=["a"]))
    state, _ = submit(plan)
    fail(state, "a/x")
    assert advance(state, TaskCompleted(at=2.0, task="a/y", attempt=1, output=1), 2.0)[1:] == []
    assert advance(state, TaskFailed(at=2.0, task="a/y", attempt=1, failure=GONE), 2.0)[1:] == []
    assert complete(state, "b", at=3.0, output=1)[-1] == WorkflowCompleted(at=3.0, output={"a": None, "b": 1})


def test_a_retry_inside_something_that_failed_is_not_made() -> None:
    inner = group({"x": [], "y": [], "z": []}, {"x": call(retry=ONCE_MORE), "z": call(unsafe())})
    state, _ = submit(workflow(group({"a": []}, {"a": inner}, optional=["a"])))
    fail(state, "a/x", BUSY)
    assert fail(state, "a/y", GONE) == []
    assert advance(state, None, 5.0) == []
    events = complete(state, "a/z", at=6.0)
    assert state.retrying == []
    assert isinstance(events[-1], WorkflowCompleted)


def test_other_parts_go_on_while_a_failed_one_awaits_its_unsafe_call() -> None:
    inner = group({"x": [], "y": []}, {"y": call(unsafe())})
    state, _ = submit(workflow(group({"a": [], "b": [], "c": ["b"]}, {"a": inner}, optional=["a"])))
    assert fail(state, "a/x") == []
    assert started(complete(state, "b")) == ["c"]


# Circuits


def test_an_open_circuit_is_news_and_changes_nothing() -> None:
    state, _ = submit(one(call()))
    opened = CircuitOpened(at=1.0, task="a", upstream="http://x")
    assert advance(state, opened, 1.0) == [opened]


# Compensation


def saga(**options: Any) -> Any:
    """Three steps, one after the other; the first two can be undone."""
    return workflow(
        group(
            {"a": [], "b": ["a"], "c": ["b"]},
            {
                "a": ActionPlan(body=call(), compensate=undo("undo-a", bind=lambda s: s.outputs["a"])),
                "b": ActionPlan(body=call(), compensate=undo("undo-b", retry=ONCE_MORE)),
            },
        ),
        **options,
    )


def test_what_was_done_is_undone_in_reverse_order_before_the_failure_is_told() -> None:
    state, _ = submit(saga())
    complete(state, "a", output="charged")
    complete(state, "b")
    events = without_letters(fail(state, "c"))
    assert events[0] == CompensationStarted(at=1.0, failure=of("c", GONE))
    assert started(events) == ["b~compensate"]
    assert state.status is ExecutionStatus.COMPENSATING
    assert started(complete(state, "b~compensate")) == ["a~compensate"]
    undoing = state.activities["a~compensate"]
    assert undoing.body.bind(undoing.scope) == "charged"
    assert complete(state, "a~compensate", at=3.0) == [WorkflowFailed(at=3.0, failure=of("c", GONE))]


def test_nothing_is_undone_when_nothing_was_done_or_nothing_failed() -> None:
    state, _ = submit(saga())
    assert isinstance(fail(state, "a")[-1], WorkflowFailed)
    state, _ = submit(saga())
    complete(state, "a")
    complete(state, "b")
    assert isinstance(complete(state, "c")[-1], WorkflowCompleted)


def test_a_compensation_is_retried_and_the_others_are_done_all_the_same() -> None:
    state, _ = submit(saga())
    complete(state, "a")
    complete(state, "b")
    fail(state, "c")
    assert isinstance(fail(state, "b~compensate", BUSY)[-1], TaskRetried)
    assert wake_at(state) == 1.5
    assert advance(state, None, 1.4) == []
    advance(state, None, 1.5)
    events = without_letters(fail(state, "b~compensate", GONE, at=2.0))
    assert events[0] == FailureTolerated(at=2.0, task="b~compensate")
    assert started(events) == ["a~compensate"]
    (end,) = complete(state, "a~compensate", at=3.0)
    assert isinstance(end, WorkflowFailed)
    assert end.failure.message == "410; the compensation of b failed"


def test_compensation_is_not_bound_by_the_deadline_that_made_it_due() -> None:
    state, _ = submit(saga(), deadline_at=5.0)
    complete(state, "a")
    events = without_letters(advance(state, None, 5.0))
    assert isinstance(events[0], CompensationStarted)
    assert events[0].failure.code is FailureCode.DEADLINE
    assert wake_at(state) == float("inf")
    assert isinstance(complete(state, "a~compensate", at=9.0)[-1], WorkflowFailed)


def test_what_still_runs_is_cut_off_before_anything_is_undone() -> None:
    plan = workflow(
        group({"a": [], "b": ["a"], "c": ["a"]}, {"a": ActionPlan(body=call(), compensate=undo("undo"))})
    )
    state, _ = submit(plan)
    complete(state, "a")
    fail(state, "b")
    assert set(state.activities) == {"a~compensate"}


def test_every_item_that_was_done_is_undone_with_its_own_output() -> None:
    compensate = undo("undo", bind=lambda s: (s.items["item"], s.outputs["a"]))
    plan = workflow(group({"a": [], "b": ["a"]}, {"a": loop([1, 2], compensate=compensate)}))
    state, _ = submit(plan)
    complete(state, "a[0]", output="x")
    complete(state, "a[1]", output="y")
    fail(state, "b")
    undone = []
    while state.compensation is not None:
        activity = state.compensation
        undone.append((activity.path, activity.body.bind(activity.scope)))
        complete(state, activity.path)
    assert undone == [("a[1]~compensate", (2, "y")), ("a[0]~compensate", (1, "x"))]


def test_what_a_switch_chose_is_undone() -> None:
    body = SwitchPlan(value=lambda _scope: 1, cases=((1, call()),))
    action = ActionPlan(body=body, compensate=undo("undo", bind=lambda s: s.outputs["a"]))
    state, _ = submit(workflow(group({"a": [], "b": ["a"]}, {"a": action})))
    complete(state, "a", output="charged")
    assert started(fail(state, "b")) == ["a~compensate"]
    undoing = state.activities["a~compensate"]
    assert undoing.body.bind(undoing.scope) == "charged"


@pytest.mark.parametrize("what", ["output", "response"])
def test_what_was_done_is_undone_when_what_is_made_of_it_has_no_value(what: str) -> None:
    action = ActionPlan(body=call(), compensate=undo("undo"))
    fine, answer = group({"a": []}, {"a": action}), ResponsePlan(status=broken)
    without_output = group({"a": []}, {"a": action}, output=broken)
    state, _ = submit(workflow(without_output) if what == "output" else workflow(fine, response=answer))
    events = without_letters(complete(state, "a"))
    assert isinstance(events[0], CompensationStarted)
    assert f"the {what} cannot be resolved" in events[0].failure.message
    assert isinstance(complete(state, "a~compensate")[-1], WorkflowFailed)


def test_what_is_undone_waits_for_an_upstream_s_retry_after_within_bounds() -> None:
    state, _ = submit(saga())
    complete(state, "a")
    complete(state, "b")
    fail(state, "c")
    years = msgspec.structs.replace(BUSY, retry_after_seconds=1e9)
    (retried,) = only(fail(state, "b~compensate", years, at=1.0), TaskRetried)
    assert retried.not_before == 1.0 + MAX_RETRY_AFTER_SECONDS


@pytest.mark.parametrize("way", ["fallback", "else"])
def test_what_was_not_done_itself_is_not_undone(way: str) -> None:
    action = ActionPlan(
        body=call(),
        condition=lambda _scope: way == "fallback",
        otherwise=call(),
        fallback=ValuePlan(evaluate=lambda _scope: 1),
        compensate=undo("undo"),
    )
    state, _ = submit(workflow(group({"a": [], "b": ["a"]}, {"a": action})))
    if way == "fallback":
        fail(state, "a")
    else:
        complete(state, "a")
    assert isinstance(without_letters(fail(state, "b"))[0], WorkflowFailed)


# Bounds


def test_what_ended_in_time_is_not_failed_when_its_time_is_over() -> None:
    plan = workflow(group({"a": [], "b": ["a"]}, {"a": group({"x": []}, timeout_seconds=5.0)}))
    state, _ = submit(plan)
    complete(state, "a/x")
    assert wake_at(state) == 30.0
    assert advance(state, None, 6.0) == []


def test_a_fallback_has_the_time_and_the_room_around_it_not_what_its_body_used_up() -> None:
    child = SubworkflowPlan(
        plan=workflow(group({"x": []}), max_parallel=1, deadline_seconds=2.0),
        bind=lambda scope: scope.input,
    )
    state, _ = submit(one(ActionPlan(body=child, fallback=call())))
    advance(state, None, 2.0)
    fallback = state.activities["a~fallback"]
    assert (fallback.deadline_at, fallback.limit) == (30.0, None)
    assert complete(state, "a~fallback", at=10.0, output=1)[-1] == WorkflowCompleted(at=10.0, output={"a": 1})
