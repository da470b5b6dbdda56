from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.report import Report
from tenantry.language.validation.library import Library
from tenantry.language.validation.work import check_work

if TYPE_CHECKING:
    from tenantry.language.findings import Finding

TASKS = """\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: once}
spec: {type: http, request: {url: "https://x.example.com/"}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: thrice}
spec: {type: http, request: {url: "https://x.example.com/"}, retry: {maxAttempts: 3}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: never-retried}
spec: {type: http, request: {url: "https://x.example.com/"}, retry: {maxAttempts: 3, retryOn: []}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: computed}
spec: {type: transform, value: 1}
"""


def workflow_text(spec: str, name: str = "w", namespace: str = "") -> str:
    metadata = f"{{name: {name}{f', namespace: {namespace}' if namespace else ''}}}"
    return f"apiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {metadata}\nspec:\n{indent(spec, '  ')}\n"


def judged(spec: str, *others: str) -> tuple[Finding, ...]:
    documents = parse_documents("---\n".join((TASKS, *others))).documents
    tasks = [WorkflowTask.model_validate(one.raw) for one in documents if one.kind == "WorkflowTask"]
    workflows = [Workflow.model_validate(one.raw) for one in documents if one.kind == "Workflow"]
    library = Library(tasks={one.name: one for one in tasks}, workflows={one.name: one for one in workflows})
    (document,) = parse_documents(workflow_text(spec)).documents
    report = Report(document)
    check_work(Workflow.model_validate(document.raw), library, report)
    return report.findings()


def told(spec: str, *others: str) -> list[str]:
    return [finding.message.replace("\N{MULTIPLICATION SIGN}", "x") for finding in judged(spec, *others)]


def loop(step: str, items: int, body: str) -> str:
    return f'{{id: {step}, forEach: {{items: "{{{{input.x}}}}", maxItems: {items}}}, {body}}}'


MANY = ", and an execution may make 1,000,000"


def test_loops_inside_loops_with_retries_are_multiplied() -> None:
    inner = loop("employees", 200, "taskRef: thrice")

    (finding,) = judged(f"tasks:\n  - {loop('departments', 5000, f'tasks: [{inner}]')}")

    assert (finding.code, finding.severity) == ("WF508", "error")
    assert finding.message == (
        "departments makes up to 5,000 \N{MULTIPLICATION SIGN} 200 \N{MULTIPLICATION SIGN} 3 attempts"
        f" = 3,000,000 calls{MANY}"
    )
    assert finding.pointer == "/spec/tasks/0/forEach/maxItems"
    assert finding.suggestion == "lower maxItems in departments to 1,666"


def test_exactly_a_million_calls_are_allowed() -> None:
    inner = loop("b", 100, "taskRef: once")

    assert told(f"tasks: [{loop('a', 10000, f'tasks: [{inner}]')}]") == []
    inner = loop("b", 101, "taskRef: once")
    assert told(f"tasks: [{loop('a', 10000, f'tasks: [{inner}]')}]") == [
        f"a makes up to 10,000 x 101 = 1,010,000 calls{MANY}"
    ]


def test_loops_of_unknown_length_count_once() -> None:
    inner = '{id: b, forEach: {items: "{{forEach.item}}"}, taskRef: thrice}'

    assert told(f"tasks: [{loop('a', 10000, f'tasks: [{inner}]')}]") == []


def test_the_schema_of_a_list_counts() -> None:
    (finding,) = judged("""\
input: {type: object, properties: {x: {type: array, maxItems: 2000000}}}
tasks: [{id: a, taskRef: once, forEach: {items: "{{input.x}}"}}]
""")

    assert finding.pointer == "/spec/tasks/0/forEach"
    assert finding.suggestion == "lower maxItems in a to 1,000,000"


def test_the_finding_is_at_the_largest_loop_and_says_what_fits() -> None:
    inner = loop("b", 9000, "taskRef: thrice")

    (finding,) = judged(f"tasks: [{{id: z, taskRef: once}}, {loop('a', 100, f'tasks: [{inner}]')}]")

    assert finding.pointer == "/spec/tasks/1/tasks/0/forEach/maxItems"
    assert finding.suggestion == "lower maxItems in b to 3,333"


def test_where_no_single_loop_can_be_blamed_several_are() -> None:
    inner = loop("c", 1000, "taskRef: thrice")
    inner = loop("b", 1000, f"tasks: [{inner}]")

    (finding,) = judged(f"tasks: [{loop('a', 1000, f'tasks: [{inner}]')}]")

    assert finding.suggestion == "lower maxItems in several loops"


@pytest.mark.parametrize(
    ("call", "attempts"),
    [
        ("taskRef: once", 1),
        ("taskRef: computed", 1),
        ("taskRef: computed, retry: {maxAttempts: 5}", 1),
        ("taskRef: unknown", 1),
        ("taskRef: never-retried", 1),
        ("taskRef: thrice", 3),
        ("taskRef: thrice, retry: {maxAttempts: 2}", 2),
        ("taskRef: thrice, retry: {maxAttempts: 2, retryOn: []}", 1),
        ("taskRef: once, fallback: {value: 1}", 1),
        ("workflowRef: unknown", 0),
    ],
)
def test_the_attempts_of_a_call_are_those_of_its_step_or_else_of_its_task(call: str, attempts: int) -> None:
    inner = loop("b", 1000, call)
    times = f" x {attempts} attempts" if attempts > 1 else ""

    (*found,) = told(f"tasks: [{loop('a', 2000, f'tasks: [{inner}]')}]")

    expected = f"a makes up to 2,000 x 1,000{times} = {2_000_000 * attempts:,} calls{MANY}"
    assert found == ([expected] if attempts else [])


TOGETHER = "all steps together make up to {:,} calls" + MANY + "; {} makes {:,} of them"


def test_what_a_step_does_in_several_ways_is_added_up() -> None:
    inner = loop("b", 100, "taskRef: once, fallback: {taskRef: once}, compensate: {taskRef: thrice}")
    spec = f"tasks: [{loop('a', 2500, f'tasks: [{inner}]')}]"

    assert told(spec) == [TOGETHER.format(1_250_000, "a", 1_250_000)]
    assert judged(spec)[0].pointer == "/spec/tasks"
    assert judged(spec)[0].suggestion == "do less in a"
    assert told(spec.replace("2500", "2000")) == []


def test_steps_that_are_too_much_only_together_are_told_once() -> None:
    both = [loop("a", 400, "tasks: [%s]"), loop("b", 1000, "tasks: [%s]")]
    inner = loop("%s", 1000, "taskRef: once")
    steps = ", ".join(one % (inner % f"in{index}") for index, one in enumerate(both))

    assert told(f"tasks: [{steps}]") == [TOGETHER.format(1_400_000, "b", 1_000_000)]


def test_steps_that_are_each_too_much_are_each_told() -> None:
    steps = ", ".join(
        loop(step, 1001, f"tasks: [{loop(f'{step}{step}', 1000, 'taskRef: once')}]") for step in ("a", "b")
    )

    assert [line.split()[0] for line in told(f"tasks: [{steps}]")] == ["a", "b"]


SWITCH = """\
tasks:
  - id: a
    forEach: {items: "{{input.x}}", maxItems: 400000}
    switch:
      value: 1
      cases:
        - {match: 1, taskRef: once}
        - {match: 2, taskRef: thrice%s}
"""


def test_of_the_branches_of_a_switch_the_worst_counts() -> None:
    assert told(SWITCH.replace("400000", "4000") % "") == []
    spec = SWITCH.replace("400000", "4000") % ', forEach: {items: "{{input.x}}", maxItems: 1000}'
    (finding,) = judged(spec)
    assert "4,000 \N{MULTIPLICATION SIGN} 1,000 \N{MULTIPLICATION SIGN} 3 attempts" in finding.message
    assert finding.pointer == "/spec/tasks/0/forEach/maxItems"
    inner = "      default: {taskRef: thrice, forEach: {items: [1], maxItems: 1}}\n"
    assert told(SWITCH.replace("400000", "4000") % "" + inner) == []
    larger = inner.replace("items: [1], maxItems: 1", 'items: "{{input.y}}", maxItems: 9000')
    (finding,) = judged(SWITCH.replace("400000", "4000") % "" + larger)
    assert finding.pointer == "/spec/tasks/0/switch/default/forEach/maxItems"
    case = SWITCH.replace("400000", "4000") % ', forEach: {items: "{{input.x}}", maxItems: 9000}'
    assert judged(case)[0].pointer == "/spec/tasks/0/switch/cases/1/forEach/maxItems"


@pytest.mark.parametrize(
    ("condition", "calls"),
    [("{{forEach.item}}", "3,000 x 2,000"), ("{{input.x}}", ""), ("==", "")],
)
def test_an_else_is_done_for_each_item_only_when_the_condition_filters_them(
    condition: str, calls: str
) -> None:
    found = told(f"""\
tasks:
  - id: a
    taskRef: once
    forEach: {{items: "{{{{input.x}}}}", maxItems: 3000}}
    condition:
      if: "{condition}"
      else: {{taskRef: once, forEach: {{items: "{{{{input.x}}}}", maxItems: 2000}}}}
""")

    assert [line.partition("up to ")[2].partition(" =")[0] for line in found] == ([calls] if calls else [])


def test_an_else_counts_when_it_is_worse() -> None:
    spec = """\
tasks:
  - id: a
    taskRef: once
    condition:
      if: "true"
      else:
        forEach: {items: "{{input.x}}", maxItems: 2000}
        tasks: [{id: b, taskRef: once, forEach: {items: "{{input.x}}", maxItems: 2000}}]
"""
    (finding,) = judged(spec)
    assert finding.pointer == "/spec/tasks/0/condition/else/forEach/maxItems"
    looped = spec.replace(
        "taskRef: once\n    condition", "taskRef: once\n    forEach: {items: [1]}\n    condition"
    )
    assert judged(looped)[0].pointer == "/spec/tasks/0/condition/else/forEach/maxItems"
    plain = 'tasks: [{id: a, taskRef: once, condition: {if: "true"}}]'
    assert told(plain) == []


def test_workflows_that_are_run_count_with_their_loops() -> None:
    child = workflow_text(f"tasks: [{loop('x', 2000, 'taskRef: thrice')}]", "child", "billing")
    middle = workflow_text("tasks: [{id: m, workflowRef: child}]", "middle", "billing")

    (finding,) = judged(f"tasks: [{loop('a', 500, 'workflowRef: billing/middle')}]", child, middle)

    assert finding.message.replace("\N{MULTIPLICATION SIGN}", "x") == (
        f"a makes up to 500 x 2,000 x 3 attempts = 3,000,000 calls{MANY}"
    )
    assert finding.pointer == "/spec/tasks/0/forEach/maxItems"
    assert finding.suggestion == "lower maxItems in a to 166"


def test_a_workflow_that_alone_makes_too_many_calls_is_told_at_the_step_that_runs_it() -> None:
    inner = loop("y", 2000, "taskRef: once")
    child = workflow_text(f"tasks: [{loop('x', 2000, f'tasks: [{inner}]')}]", "child")

    (finding,) = judged("tasks: [{id: z, taskRef: once}, {id: a, workflowRef: child}]", child)

    assert (finding.pointer, finding.suggestion) == (
        "/spec/tasks/1",
        "lower maxItems in the workflow it runs",
    )


def test_workflows_that_run_each_other_come_to_an_end() -> None:
    ping = workflow_text(f"tasks: [{loop('a', 100, 'workflowRef: pong')}, {{id: o, taskRef: once}}]", "ping")
    pong = workflow_text(f"tasks: [{loop('b', 100, 'workflowRef: ping')}, {{id: p, taskRef: once}}]", "pong")

    assert told("tasks: [{id: a, workflowRef: ping}, {id: b, workflowRef: pong}]", ping, pong) == []


def test_a_workflow_run_by_many_is_counted_once_and_added_each_time() -> None:
    levels = [workflow_text(f"tasks: [{loop('a', 1000, 'taskRef: once')}]", "l0")] + [
        workflow_text(
            f"tasks: [{{id: a, workflowRef: l{level}}}, {{id: b, workflowRef: l{level}}}]", f"l{level + 1}"
        )
        for level in range(40)
    ]

    (message,) = told("tasks: [{id: a, workflowRef: l40}]", *levels)

    assert message == TOGETHER.format(1000 * 2**40, "a", 1000 * 2**40)
