from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.graph.critical_path import CriticalPath, CriticalPaths, Leg, Surroundings
from tenantry.language.graph.graph import Graph
from tenantry.language.plan.effort import compile_retry

if TYPE_CHECKING:
    from tenantry.language.documents.model import ForEach


def task(name: str, **spec: Any) -> WorkflowTask:
    given = {"type": "http", "request": {"url": "https://x.example.com/"}, "timeout": "1s"} | spec
    return WorkflowTask.model_validate(
        {"apiVersion": "workflow.io/v1", "kind": "WorkflowTask", "metadata": {"name": name}, "spec": given}
    )


def workflow(spec: str, name: str = "w", namespace: str | None = None) -> Workflow:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    text = f"apiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {metadata}\nspec:\n{indent(spec, '  ')}"
    return Workflow.model_validate(parse_documents(text).documents[0].raw)


RETRIED = {"maxAttempts": 3, "initialDelay": "100ms", "maxDelay": "150ms", "multiplier": 2.0}
TASKS = {
    one.name: one
    for one in (
        task("one"),
        task("two", timeout="2s"),
        task("five", timeout="5s"),
        task("half", timeout="500ms"),
        task("retried", retry=RETRIED),
        task("never-retried", retry=RETRIED | {"retryOn": []}),
        WorkflowTask.model_validate(
            {
                "apiVersion": "workflow.io/v1",
                "kind": "WorkflowTask",
                "metadata": {"name": "computed"},
                "spec": {"type": "transform", "value": 1},
            }
        ),
    )
}


def written(loop: ForEach, _around: tuple[ForEach, ...]) -> int | None:
    return loop.max_items if "max_items" in loop.model_fields_set else None


def finder(*workflows: Workflow) -> CriticalPaths:
    by_name = {one.name: one for one in workflows}

    def find(reference: str, home: str | None) -> Workflow | None:
        return by_name.get(f"{home}/{reference}" if home and "/" not in reference else reference)

    return CriticalPaths(Surroundings(tasks=TASKS, find_workflow=find, count_items=lambda _: written))


def path_of(spec: str, *others: Workflow) -> CriticalPath:
    return finder(*others).of(workflow(spec))


def only(spec: str, *others: Workflow) -> Leg:
    (leg,) = path_of(spec, *others).legs
    return leg


def test_the_longest_chain_of_steps_is_the_path() -> None:
    path = path_of("""\
tasks:
  - {id: a, taskRef: one}
  - {id: b, taskRef: two}
  - {id: c, taskRef: one, dependsOn: [a, b]}
  - {id: d, taskRef: half, input: {x: "{{tasks.c.output}}"}}
  - {id: e, taskRef: two, dependsOn: [a]}
""")

    assert [leg.name for leg in path.legs] == ["b", "c", "d"]
    assert path.seconds == 3.5
    assert not path.at_least


def test_of_paths_of_one_length_the_first_in_the_document_is_shown() -> None:
    path = path_of("tasks: [{id: a, taskRef: one}, {id: b, taskRef: one}, {id: c, taskRef: one}]")

    assert [leg.name for leg in path.legs] == ["a"]


def test_a_call_takes_all_its_attempts_and_the_longest_waits_between_them() -> None:
    leg = only("tasks: [{id: a, taskRef: retried}]")

    assert (leg.name, leg.does, leg.attempts, leg.timeout_seconds) == ("a", "retried", 3, 1.0)
    assert leg.waits_seconds == 0.25
    assert leg.seconds == 3.25


def test_waits_are_those_of_the_plan() -> None:
    spec = TASKS["retried"].spec
    assert spec.type == "http"
    policy = compile_retry(spec.retry)

    leg = only("tasks: [{id: a, taskRef: retried}]")

    assert leg.waits_seconds == sum(policy.delay_seconds(attempt, 1.0) for attempt in (1, 2))


def test_what_is_retried_on_nothing_has_one_attempt() -> None:
    leg = only("tasks: [{id: a, taskRef: never-retried}]")

    assert (leg.attempts, leg.waits_seconds, leg.seconds) == (1, 0.0, 1.0)


def test_a_step_overrides_the_timeout_and_the_retries_of_its_task() -> None:
    leg = only("tasks: [{id: a, taskRef: retried, timeout: 4s, retry: {maxAttempts: 2, initialDelay: 1s}}]")

    assert (leg.attempts, leg.timeout_seconds, leg.waits_seconds, leg.seconds) == (2, 4.0, 1.0, 9.0)


@pytest.mark.parametrize("name", ["computed", "nobody-knows"])
def test_a_transform_and_an_unknown_task_take_no_time(name: str) -> None:
    assert only(f"tasks: [{{id: a, taskRef: {name}, timeout: 4s}}]") == Leg(name="a", does=name)


def test_a_switch_takes_as_long_as_its_worst_branch() -> None:
    spec = """\
tasks:
  - id: a
    switch:
      value: 1
      cases: [{match: 1, taskRef: one}, {match: 2, taskRef: five}, {match: 3, taskRef: two}]
"""
    assert (only(spec).does, only(spec).seconds) == ("five", 5.0)
    spec += "      default: {taskRef: five, forEach: {items: [1], maxItems: 20, maxParallel: 10}}\n"
    assert (only(spec).does, only(spec).seconds, only(spec).rounds) == ("five", 10.0, 2)
    assert only(spec + "    timeout: 2s\n").seconds == 4.0


def test_an_else_counts_when_it_is_worse() -> None:
    spec = 'tasks: [{id: a, taskRef: two, condition: {if: "true", else: {taskRef: %s}}}]'

    assert only(spec % "five").does == "five"
    assert only(spec % "one").does == "two"
    assert only('tasks: [{id: a, taskRef: two, condition: {if: "true"}}]').does == "two"


def test_a_fallback_is_called_with_its_own_timeout_after_all_has_failed() -> None:
    leg = only("tasks: [{id: a, taskRef: retried, timeout: 4s, fallback: {taskRef: two}}]")

    assert leg.fallback == Leg(name="fallback", does="two", seconds=2.0, attempts=1, timeout_seconds=2.0)
    assert leg.seconds == 12.25 + 2.0
    assert only("tasks: [{id: a, taskRef: one, fallback: {value: 1}}]").fallback is None


def test_a_fallback_stands_in_for_the_else_as_well() -> None:
    leg = only("""\
tasks:
  - {id: a, taskRef: one, condition: {if: "true", else: {taskRef: five}}, fallback: {taskRef: two}}
""")

    assert (leg.does, leg.seconds) == ("five", 7.0)


def test_a_loop_takes_as_many_rounds_as_its_items_need() -> None:
    spec = "tasks: [{id: a, taskRef: two, forEach: {items: [1], maxItems: %d, maxParallel: 5}}]"

    assert [only(spec % count).rounds for count in (1, 5, 6, 10, 11)] == [1, 1, 2, 2, 3]
    assert only(spec % 11).seconds == 6.0
    assert not only(spec % 11).at_least


def test_a_loop_runs_no_more_in_parallel_than_its_workflow() -> None:
    loop = "forEach: {items: [1], maxItems: 40%s}"

    assert only(f"tasks: [{{id: a, taskRef: two, {loop % ''}}}]").rounds == 3  # 16 by default
    assert only(f"maxParallel: 4\ntasks: [{{id: a, taskRef: two, {loop % ''}}}]").rounds == 10
    assert only(f"maxParallel: 4\ntasks: [{{id: a, taskRef: two, {loop % ', maxParallel: 8'}}}]").rounds == 10


def test_a_loop_of_unknown_length_counts_as_one_round_at_least() -> None:
    spec = 'tasks: [{id: a, taskRef: two, forEach: {items: "{{input.x}}"}}, {id: b, taskRef: five}]'

    path = path_of(spec)

    assert path.at_least
    assert [leg.name for leg in path.legs] == ["b"]
    assert finder().leg(workflow(spec), workflow(spec).spec.tasks[0]) == Leg(
        name="a", does="two", seconds=2.0, attempts=1, timeout_seconds=2.0, at_least=True
    )


def test_an_unknown_loop_in_a_branch_that_is_not_the_worst_may_still_take_longer() -> None:
    leg = only("""\
tasks:
  - id: a
    taskRef: five
    condition: {if: "true", else: {taskRef: one, forEach: {items: "{{input.x}}"}}}
""")

    assert (leg.does, leg.at_least) == ("five", True)


@pytest.mark.parametrize(
    ("condition", "rounds", "seconds"),
    [("{{input.x}}", 1, 5.0), ("{{forEach.item}}", 2, 10.0), ("{{forEach.index}} > 1", 2, 10.0)],
)
def test_an_else_is_done_for_each_item_only_when_the_condition_filters_them(
    condition: str, rounds: int, seconds: float
) -> None:
    leg = only(f"""\
tasks:
  - id: a
    taskRef: one
    forEach: {{items: [1], maxItems: 20, maxParallel: 10}}
    condition: {{if: "{condition}", else: {{taskRef: five}}}}
""")

    assert (leg.does, leg.rounds, leg.seconds) == ("five", rounds, seconds)


def test_a_gate_counts_the_loop_when_that_is_worse() -> None:
    leg = only("""\
tasks:
  - id: a
    taskRef: one
    forEach: {items: [1], maxItems: 100, maxParallel: 10}
    condition: {if: "true", else: {taskRef: five}}
""")

    assert (leg.does, leg.seconds) == ("one", 10.0)


LOOPS = """\
tasks:
  - id: a
    forEach: {items: [1], itemVar: step}
    switch:
      value: 1
      cases: [{match: 1, taskRef: one, forEach: {items: [1], itemVar: case}}]
    condition: {if: "true", else: {taskRef: one, forEach: {items: [1], itemVar: otherwise}}}
"""


def test_the_items_of_a_loop_are_counted_knowing_the_loops_around_it() -> None:
    asked: list[tuple[str, ...]] = []

    def count(loop: ForEach, around: tuple[ForEach, ...]) -> int:
        asked.append((loop.item_var, *(one.item_var for one in around)))
        return 1

    surroundings = Surroundings(tasks=TASKS, find_workflow=lambda _, __: None, count_items=lambda _: count)
    CriticalPaths(surroundings).of(workflow(LOOPS))

    assert asked == [("case", "step"), ("otherwise",), ("step",)]


NESTED = """\
tasks:
  - id: outer
    forEach: {items: [1], maxItems: 4, maxParallel: 2}
    tasks:
      - {id: a, taskRef: one}
      - {id: b, taskRef: two, dependsOn: [a], forEach: {items: [1], maxItems: 3, maxParallel: 1}}
      - {id: c, taskRef: five}
"""


def test_nested_tasks_take_as_long_as_their_own_critical_path() -> None:
    leg = only(NESTED)

    assert [(inner.name, inner.rounds, inner.seconds) for inner in leg.inner] == [
        ("a", 1, 1.0),
        ("b", 3, 6.0),
    ]
    assert (leg.rounds, leg.seconds, leg.bound_seconds, leg.does, leg.attempts) == (2, 14.0, None, "", 0)


@pytest.mark.parametrize(
    ("timeout", "bound", "seconds"), [("6s", 6.0, 12.0), ("7s", 7.0, 14.0), ("8s", None, 14.0)]
)
def test_the_timeout_of_a_step_bounds_its_nested_tasks(
    timeout: str, bound: float | None, seconds: float
) -> None:
    leg = only(NESTED + f"    timeout: {timeout}\n")

    assert (leg.bound_seconds, leg.seconds) == (bound, seconds)


def test_a_bound_that_cuts_makes_an_unknown_length_known() -> None:
    spec = """\
tasks:
  - id: outer
    timeout: %s
    tasks:
      - {id: a, taskRef: two, forEach: {items: "{{input.x}}"}}
"""

    assert not path_of(spec % "2s").at_least
    assert path_of(spec % "3s").at_least


CHILD = "deadline: 4s\ntasks: [{id: x, taskRef: %s}, {id: y, taskRef: one, dependsOn: [x]}]"


@pytest.mark.parametrize(
    ("inner", "timeout", "seconds", "bound"),
    [
        ("one", "", 2.0, None),
        ("five", "", 4.0, 4.0),
        ("five", ", timeout: 3s", 3.0, 3.0),
        ("five", ", timeout: 9s", 4.0, 4.0),
        ("one", ", timeout: 3s", 2.0, None),
    ],
)
def test_a_sub_workflow_takes_its_worst_within_its_deadline_and_the_timeout_of_the_step(
    inner: str, timeout: str, seconds: float, bound: float | None
) -> None:
    leg = only(f"tasks: [{{id: a, workflowRef: child{timeout}}}]", workflow(CHILD % inner, "child"))

    assert (leg.does, leg.seconds, leg.bound_seconds) == ("child", seconds, bound)
    assert [one.name for one in leg.inner] == ["x", "y"]


def test_a_sub_workflow_is_looked_for_in_the_namespace_of_who_runs_it() -> None:
    inner = workflow("tasks: [{id: x, workflowRef: leaf}]", "child", "billing")
    leaf = workflow("tasks: [{id: x, taskRef: two}]", "leaf", "billing")

    assert only("tasks: [{id: a, workflowRef: billing/child}]", inner, leaf).seconds == 2.0
    assert only("tasks: [{id: a, workflowRef: child}]", inner, leaf) == Leg(name="a", does="child")


def test_workflows_that_run_each_other_come_to_an_end() -> None:
    ping = workflow("tasks: [{id: a, taskRef: one}, {id: b, workflowRef: pong, dependsOn: [a]}]", "ping")
    pong = workflow("tasks: [{id: c, taskRef: two}, {id: d, workflowRef: ping, dependsOn: [c]}]", "pong")

    assert finder(ping, pong).of(ping).seconds == 3.0


def test_many_workflows_that_run_each_other_twice_are_worked_out_once_each() -> None:
    twice = "deadline: 24h\ntasks: [{id: a, workflowRef: %s}, {id: b, workflowRef: %s, dependsOn: [a]}]"
    levels = [workflow("tasks: [{id: a, taskRef: one}]", "l0")]
    levels += [workflow(twice % (f"l{level}", f"l{level}"), f"l{level + 1}") for level in range(40)]

    assert finder(*levels).of(levels[40]).seconds == 2 * 86400.0  # each level's deadline bounds it


def test_an_action_that_does_nothing_yet_takes_no_time() -> None:
    assert only("tasks: [{id: a}]") == Leg(name="a")


def test_steps_that_wait_for_each_other_have_no_path() -> None:
    with pytest.raises(ValueError, match="the graph has a cycle: a -> b -> a"):
        path_of("tasks: [{id: a, taskRef: one, dependsOn: [b]}, {id: b, taskRef: one, dependsOn: [a]}]")


def test_what_steps_wait_for_may_be_known_already() -> None:
    surroundings = Surroundings(
        tasks=TASKS,
        find_workflow=lambda _reference, _home: None,
        count_items=lambda _: written,
        waits=lambda step: {"b": ["a", "elsewhere"]}.get(step.id, []),
    )

    path = CriticalPaths(surroundings).of(workflow("tasks: [{id: a, taskRef: one}, {id: b, taskRef: one}]"))

    assert [leg.name for leg in path.legs] == ["a", "b"]


IDS = st.integers(0, 7).map(lambda number: f"s{number}")
GRAPHS = st.dictionaries(IDS, st.tuples(st.integers(0, 5), st.lists(IDS, max_size=4)), min_size=1, max_size=8)


@given(GRAPHS)
def test_no_chain_of_steps_is_longer_than_the_path(steps: dict[str, tuple[int, list[str]]]) -> None:
    # Dependencies on later names only, so that there is no cycle.
    waits = {name: [other for other in others if other < name] for name, (_, others) in steps.items()}
    seconds = {name: float(number) for name, (number, _) in steps.items()}

    def longest(name: str, without: str = "") -> float:
        before = [longest(other, without) for other in waits[name] if other in steps]
        return (0.0 if name == without else seconds[name]) + max(before, default=0.0)

    legs = {name: Leg(name=name, seconds=seconds[name]) for name in steps}
    path = CriticalPath.of(Graph.of(waits), legs)

    assert path.seconds == max(map(longest, steps)) == sum(leg.seconds for leg in path.legs)
    for earlier, later in zip(path.legs, path.legs[1:], strict=False):
        assert earlier.name in waits[later.name]
    for name in steps:
        assert path.seconds_without(name) == max(longest(other, name) for other in steps)
