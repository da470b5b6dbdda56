"""Templates before and after, found again from the events of executions of compiled workflows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.engine.core.control import retry
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    Failure,
    TaskCompleted,
    TaskFailed,
    TaskStarted,
    decode_events,
    encode_events,
)
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.engine.core.trace import trace
from tenantry.dataplane.engine.core.trace.model import Resolution, Templates
from tenantry.dataplane.engine.core.trace.resolutions import TaskKey, resolutions
from tenantry.dataplane.engine.core.trace.shortening import MARK, MAX_BYTES, shorten
from tenantry.language.plan.compile import compile_task, compile_workflow
from tests.support.deciding import BUSY, GONE, submit
from tests.support.definitions import make_task, make_workflow
from tests.support.json_values import JSON_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.plan.model import Plan

CALL: dict[str, Any] = {"type": "http", "request": {"method": "GET", "url": "http://x/{{input.id ?? 0}}"}}


def plan_of(*steps: dict[str, Any], children: dict[str, list[dict[str, Any]]] | None = None) -> Plan:
    tasks = {"call": compile_task(make_task("call", CALL), "")}
    workflows = {
        name: compile_workflow(make_workflow(name, {"tasks": inner}), tasks, version=2, digest="")
        for name, inner in (children or {}).items()
    }
    workflow = make_workflow("flow", {"tasks": list(steps)})
    return compile_workflow(workflow, tasks, workflows, version=1, digest="")


def step(id_: str = "a", given: Any = None, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "taskRef": "call", "input": given, **fields}


def echo(path: str) -> Any:
    return {"path": path}


def run(
    plan: Plan, value: Any, answer: Callable[[str], Any] = echo, **submission: Any
) -> tuple[ExecutionState, list[AnyEvent]]:
    """The execution to its end; its calls are answered at once, or fail with what is answered."""
    state, events = submit(plan, value)
    if submission:
        state = ExecutionState(plan, "id", "acme")
        events = advance(state, msgspec.structs.replace(events[0], **submission), 0.0)
    events += answer_all(state, events, answer)
    return state, events


def answer_all(
    state: ExecutionState, since: list[AnyEvent], answer: Callable[[str], Any], *, once: bool = False
) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    calls = [event for event in since if isinstance(event, TaskStarted)]
    while calls and not state.ended:
        call = calls.pop(0)
        said = answer(call.task)
        outcome: AnyEvent = TaskCompleted(at=1.0, task=call.task, attempt=call.attempt, output=said)
        if isinstance(said, Failure):
            outcome = TaskFailed(at=1.0, task=call.task, attempt=call.attempt, failure=said)
        more = advance(state, outcome, 1.0)
        events += more
        if not once:
            calls += [event for event in more if isinstance(event, TaskStarted)]
    return events


def found(plan: Plan, events: list[AnyEvent]) -> dict[str, Templates]:
    """The templates of all tasks of the trace, by path; of a later run with its number."""
    stored = decode_events(encode_events(events))
    wanted = [TaskKey(task.run, task.id) for task in trace("id", stored).tasks]
    shown = resolutions(stored, ExecutionState(plan, "id", "acme"), wanted)
    return {f"{key.run}:{key.path}" if key.run > 1 else key.path: shown[key] for key in wanted}


def found_after(plan: Plan, value: Any, answer: Callable[[str], Any] = echo) -> dict[str, Templates]:
    return found(plan, run(plan, value, answer)[1])


def test_an_input_is_shown_as_written_and_as_it_was() -> None:
    second = {"n": "{{tasks.a.output.n}}", "text": "<{{tasks.a.output.n}}>", "who": "{{execution.id}}"}
    plan = plan_of(step("a", {"id": "{{input.id}}"}), step("b", second))
    shown = found_after(plan, {"id": 7}, lambda path: {"n": 3} if path == "a" else None)
    assert shown["a"] == Templates(input=Resolution({"id": "{{input.id}}"}, {"id": 7}))
    assert shown["b"].input == Resolution(second, {"n": 3, "text": "<3>", "who": "id"})


def test_what_reads_a_secret_is_masked() -> None:
    written = {"key": "{{secrets.KEY}}", "head": "Bearer {{secrets.KEY}}", "or": "{{secrets.OTHER ?? 'x'}}"}
    shown = found_after(plan_of(step("a", written)), {})
    assert shown["a"].input == Resolution(written, {"key": "***", "head": "Bearer ***", "or": "***"})


def test_a_secret_given_to_a_sub_workflow_is_masked_inside() -> None:
    child = [step("x", {"key": "{{input.key}}"})]
    plan = plan_of(
        {"id": "a", "workflowRef": "inner", "input": {"key": "{{secrets.KEY}}"}}, children={"inner": child}
    )
    state = ExecutionState(plan, "id", "acme")
    state.scope.secrets = {"KEY": "open sesame"}
    events = advance(state, submit(plan, {})[1][0], 0.0)
    events += answer_all(state, events, echo)
    shown = found(plan, events)
    assert shown["a"].input == Resolution({"key": "{{secrets.KEY}}"}, {"key": "***"})
    assert shown["a/x"].input == Resolution({"key": "{{input.key}}"}, {"key": "***"})


@pytest.mark.parametrize("holds", [True, False])
def test_a_condition_is_shown_with_its_result(holds: bool) -> None:  # noqa: FBT001  (both ways)
    plan = plan_of(step("a", 1, condition={"if": "{{input.go}} == true"}))
    shown = found_after(plan, {"go": holds})
    assert shown["a"].condition == Resolution("{{input.go}} == true", holds)
    assert shown["a"].input == (Resolution(1, 1) if holds else None)


def test_a_switch_is_shown_with_its_value_and_the_case_with_its_input() -> None:
    switch = {
        "value": "{{input.way}}",
        "cases": [{"match": "x", "taskRef": "call", "input": {"id": "{{input.id}}"}}],
        "default": {"taskRef": "call", "input": 2},
    }
    plan = plan_of({"id": "a", "switch": switch})
    first, other = found_after(plan, {"way": "x", "id": 5}), found_after(plan, {"way": "y"})
    assert first["a"] == Templates(
        switch=Resolution("{{input.way}}", "x"), input=Resolution({"id": "{{input.id}}"}, {"id": 5})
    )
    assert other["a"] == Templates(switch=Resolution("{{input.way}}", "y"), input=Resolution(2, 2))


def test_a_loop_is_shown_with_the_number_of_its_items_and_each_with_what_was_made_of_it() -> None:
    each = {
        "id": "lines",
        "forEach": {"items": "{{input.lines}}", "itemVar": "line"},
        "condition": {"if": "{{forEach.line.open}}"},
        "taskRef": "call",
        "input": {"id": "{{forEach.line.id}}", "at": "{{forEach.index}}"},
    }
    lines = [{"id": 4, "open": True}, {"id": 5, "open": False}]
    shown = found_after(plan_of(each), {"lines": lines})
    assert shown["lines"] == Templates(items=Resolution("{{input.lines}}", count=2))
    assert shown["lines[0]"].input == Resolution(each["input"], {"id": 4, "at": 0})
    assert shown["lines[0]"].condition == Resolution("{{forEach.line.open}}", resolved=True)
    assert shown["lines[1]"] == Templates(condition=Resolution("{{forEach.line.open}}", resolved=False))


def test_nested_tasks_have_no_templates_of_their_own_and_theirs_are_shown() -> None:
    plan = plan_of({"id": "a", "tasks": [step("x", "{{input.id}}")]})
    shown = found_after(plan, {"id": 3})
    assert (shown["a"], shown["a/x"].input) == (Templates(), Resolution("{{input.id}}", 3))


def test_what_stands_in_for_a_failure_is_shown() -> None:
    plan = plan_of(
        step("a", 1, fallback={"value": {"id": "{{input.id}}"}}),
        step("b", 1, fallback={"taskRef": "call", "input": "{{input.id}}"}),
    )
    shown = found_after(plan, {"id": 3}, lambda path: None if "~" in path else GONE)
    assert shown["a~fallback"] == Templates(value=Resolution({"id": "{{input.id}}"}, {"id": 3}))
    assert shown["b~fallback"] == Templates(input=Resolution("{{input.id}}", 3))


def test_what_undoes_a_task_is_shown() -> None:
    undo = {"taskRef": "call", "input": {"id": "{{tasks.a.output.id}}"}}
    plan = plan_of(step("a", 1, compensate=undo), step("b", "{{tasks.a.output.id}}"))
    shown = found_after(plan, {}, lambda path: GONE if path == "b" else {"id": 9})
    assert shown["a~compensate"].input == Resolution(undo["input"], {"id": 9})


@pytest.mark.parametrize(
    ("fields", "member", "written"),
    [
        ({"taskRef": "call", "condition": {"if": "{{input.x.y}}"}}, "condition", "{{input.x.y}}"),
        (
            {"switch": {"value": "{{input.x.y}}", "cases": [{"match": 1, "taskRef": "call"}]}},
            "switch",
            "{{input.x.y}}",
        ),
        (
            {"taskRef": "call", "forEach": {"items": "{{input.x.y}}", "itemVar": "i"}},
            "items",
            "{{input.x.y}}",
        ),
        ({"workflowRef": "inner", "input": ["{{input.x.y}}"]}, "input", ["{{input.x.y}}"]),
    ],
)
def test_a_template_without_a_value_says_why(fields: dict[str, Any], member: str, written: Any) -> None:
    plan = plan_of({"id": "a", **fields}, children={"inner": [step("z")]})
    resolution = getattr(found_after(plan, {})["a"], member)
    assert resolution == Resolution(written, unresolved="input.x.y: there is no 'x'")


def test_a_call_whose_input_has_no_value_says_why() -> None:
    shown = found_after(plan_of(step("a", "{{input.x}}")), {}, lambda _path: GONE)
    assert shown["a"].input == Resolution("{{input.x}}", unresolved="input.x: there is no 'x'")


def test_values_that_no_case_and_no_loop_takes_are_shown() -> None:
    switch = {"id": "a", "switch": {"value": "{{input.x}}", "cases": [{"match": 1, "taskRef": "call"}]}}
    loop = {"id": "a", "forEach": {"items": "{{input.x}}", "itemVar": "i"}, "taskRef": "call"}
    assert found_after(plan_of(switch), {"x": 2})["a"].switch == Resolution("{{input.x}}", 2)
    assert found_after(plan_of(loop), {"x": "y"})["a"].items == Resolution("{{input.x}}", "y")


def test_what_fails_with_what_is_inside_shows_nothing_more() -> None:
    plan = plan_of({"id": "a", "tasks": [step("x", 1)]})
    assert found_after(plan, {}, lambda _path: GONE)["a"] == Templates()


def test_every_attempt_is_of_the_same_input() -> None:
    retrying = {"maxAttempts": 2, "initialDelay": "1ms"}
    plan = plan_of(step("a", "{{input.id}}", retry=retrying))
    state, events = run(plan, {"id": 1}, lambda _path: BUSY)
    events += advance(state, None, 2.0)
    events += answer_all(state, events[-1:], echo)
    assert sum(isinstance(event, TaskStarted) for event in events) == 2
    assert found(plan, events)["a"].input == Resolution("{{input.id}}", 1)


def test_each_run_shows_its_own_and_what_was_given_instead_of_a_template() -> None:
    plan = plan_of(step("a", "{{input.id}}"), step("b", "{{tasks.a.output}}", dependsOn=["a"]))
    state, events = run(plan, {"id": 1}, lambda path: GONE if path == "b" else 5)
    events += retry(state, "ops", 2.0, 40.0, {"b": {"id": "mended"}})
    events += advance(state, None, 2.0)
    events += answer_all(state, events[-8:], echo)
    shown = found(plan, events)
    assert shown["b"].input == Resolution("{{tasks.a.output}}", 5)
    assert shown["2:b"].input == Resolution("{{tasks.a.output}}", {"id": "mended"}, given=True)
    assert shown["2:a"] == Templates()


def test_secrets_are_masked_in_later_runs_as_well() -> None:
    plan = plan_of(step("a", "{{secrets.KEY}}"))
    state, events = run(plan, {}, lambda _path: GONE)
    events += retry(state, "ops", 2.0, 40.0, {})
    events += advance(state, None, 2.0)
    assert found(plan, events)["2:a"].input == Resolution("{{secrets.KEY}}", "***")


def test_a_fork_shows_what_was_given_to_its_tasks() -> None:
    plan = plan_of(step("a", "{{input.id}}"))
    _, events = run(plan, {"id": 1}, inputs={"a": 8})
    assert found(plan, events)["a"].input == Resolution("{{input.id}}", 8, given=True)


def test_a_task_that_has_not_begun_shows_what_is_known() -> None:
    plan = replace(plan_of(step("a", 1), step("b", 2, condition={"if": "true"})), max_parallel=1)
    _, events = submit(plan, {})
    assert found(plan, events)["b"] == Templates(condition=Resolution("true", resolved=True))


def test_what_is_found_is_what_the_attempts_were_given() -> None:
    child = [step("x", {"n": "{{input.n}}", "at": "{{execution.id}}"}), step("y", "{{tasks.x.output.path}}")]
    each = {
        "id": "each",
        "forEach": {"items": "{{tasks.a.output.items}}", "itemVar": "item", "maxParallel": 2},
        "tasks": [
            step("p", {"item": "{{forEach.item}}", "a": "{{tasks.a.output.n ?? 'none'}}"}),
            {"id": "q", "workflowRef": "inner", "input": {"n": "{{forEach.item}}"}, "dependsOn": ["p"]},
        ],
    }
    last = step("z", "{{tasks.each.forEach.successCount}}", fallback={"taskRef": "call", "input": {"z": 1}})
    plan = plan_of(step("a", {"id": "{{input.id}}"}), each, last, children={"inner": child})
    given: dict[str, Any] = {}
    answers = {"a": {"items": [1, 2, 3]}, "z": GONE}
    state, events = submit(plan, {"id": 4})
    calls = [event for event in events if isinstance(event, TaskStarted)]
    for call in calls:
        activity = state.activities[call.task]
        given[call.task] = activity.body.bind(activity.scope)
        more = answer_all(state, [call], lambda path: answers.get(path, {"path": path}), once=True)
        calls += [event for event in more if isinstance(event, TaskStarted)]
        events += more
    assert state.ended
    assert len(given) == 12
    shown = {path: templates.input for path, templates in found(plan, events).items()}
    assert {path: one.resolved for path, one in shown.items() if one and path in given} == given


def test_only_what_is_wanted_is_looked_for_and_nothing_is_folded_after_it_is_found() -> None:
    plan = plan_of(step("a", 1), step("b", 2))
    _, events = run(plan, {})
    state = ExecutionState(plan, "id", "acme")
    shown = resolutions(events, state, [TaskKey(1, "a")])
    assert shown == {TaskKey(1, "a"): Templates(input=Resolution(1, 1))}
    assert not state.ended


def test_long_values_are_cut_with_a_mark() -> None:
    plan = plan_of(step("a", {"id": "{{input.id}}"}))
    shown = found_after(plan, {"id": "é" * MAX_BYTES})["a"].input
    assert shown is not None
    assert shown.cut
    assert isinstance(shown.resolved, str)
    assert shown.resolved.startswith('{"id":"éé')
    assert shown.resolved.endswith(MARK)
    assert len(shown.resolved.encode()) <= MAX_BYTES + len(MARK.encode())
    assert shown.written == {"id": "{{input.id}}"}


def test_long_templates_are_cut_as_well() -> None:
    shown = found_after(plan_of(step("a", ["x" * MAX_BYTES])), {})["a"].input
    assert shown is not None
    assert (shown.cut, str(shown.written)[:5]) == (True, '["xxx')


@given(JSON_VALUES, st.integers(1, 60))
def test_a_value_is_shown_whole_as_long_as_its_json_is_not_too_long(value: Any, most: int) -> None:
    shown, cut = shorten(value, most)
    whole = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert cut == (len(whole.encode()) > most)
    if not cut:
        assert shown == value
    else:
        assert isinstance(shown, str)
        assert whole.startswith(shown.removesuffix(MARK))
        assert len(shown.encode()) <= most + len(MARK.encode())
