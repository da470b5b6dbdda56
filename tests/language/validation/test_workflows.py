from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.findings import Severity
from tenantry.language.schemas import compile_validator
from tenantry.language.validation import Library, validate_task, validate_workflow
from tests.support.language import cases, edited

if TYPE_CHECKING:
    from tenantry.language.documents.model import WorkflowTask
    from tenantry.language.findings import Finding

HERE = Path(__file__).parent
TASKS = (HERE / "tasks.yaml").read_text()

WORKFLOW = """\
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: order-summary}
spec:
  description: What a customer ordered and what it is worth
  input:
    type: object
    required: [userId, deep]
    properties: {userId: {type: integer}, deep: {type: boolean}, note: {type: string}}
  tasks:
    - id: user
      taskRef: fetch-user
      input: {userId: "{{input.userId}}"}
    - id: orders
      taskRef: list-orders
      input: {customer: "{{tasks.user.output.id}}", open: true}
      condition: {if: "{{input.deep}} && {{tasks.user.output.name}} != 'nobody'"}
    - id: total
      taskRef: add-up
      input:
        lines: "{{tasks.orders.output.lines ?? []}}"
        label: "Total of {{tasks.user.output.name}} in {{execution.id}}"
        tags: [static, "{{tasks.user.output.name}}"]
    - id: audit
      taskRef: write-audit
      dependsOn: [total]
      input: {anything: {goes: ["{{tenant.name}}", "{{workflow.name}}"]}}
      condition: {if: "{{tasks.orders.status}} == 'completed' && {{tasks.orders.output.count}} > 3"}
  output:
    name: "{{tasks.user.output.name}}"
    orders: "{{tasks.orders.output}}"
    total: "{{tasks.total.output.sum}}"
"""


def tasks_of(text: str = TASKS) -> dict[str, WorkflowTask]:
    validated = (validate_task(document)[0] for document in parse_documents(text).documents)
    return {task.name: task for task in validated if task is not None}


def is_allowed(name: str) -> bool:
    return not name.startswith("internal-")


def findings_of(text: str) -> tuple[Finding, ...]:
    (document,) = parse_documents(text).documents
    return validate_workflow(document, Library(tasks=tasks_of(), is_allowed=is_allowed))[1]


def told(text: str) -> str:
    return "\n".join(str(finding).removeprefix("<input>:") for finding in findings_of(text))


def codes(text: str) -> list[str]:
    return [str(finding.code) for finding in findings_of(text)]


def test_a_right_workflow_comes_back_without_findings() -> None:
    (document,) = parse_documents(WORKFLOW).documents

    workflow, findings = validate_workflow(document, Library(tasks=tasks_of()))

    assert findings == ()
    assert workflow is not None
    assert [step.id for step in workflow.spec.tasks] == ["user", "orders", "total", "audit"]


def test_a_workflow_from_json_is_judged_the_same_without_positions() -> None:
    broken = WORKFLOW.replace("tasks.user.output.id}}", "tasks.usr.output.id}}")
    raw = parse_documents(broken).documents[0].raw

    workflow, (finding,) = validate_workflow(load_document(raw), Library(tasks=tasks_of()))

    assert workflow is None
    assert finding.position is None
    assert (finding.code, finding.pointer) == ("WF203", "/spec/tasks/1/input/customer")
    assert str(finding) == '<input>: error WF203: tasks.usr does not exist (did you mean "user"?)'


def test_a_workflow_with_warnings_comes_back_and_one_with_errors_does_not() -> None:
    warned = parse_documents(WORKFLOW.replace("open: true", "opn: true")).documents[0]
    workflow, findings = validate_workflow(warned, Library(tasks=tasks_of()))
    assert workflow is not None
    assert [finding.severity for finding in findings] == [Severity.WARNING]

    broken = parse_documents(WORKFLOW.replace("open: true", "open: 1")).documents[0]
    workflow, findings = validate_workflow(broken, Library(tasks=tasks_of()))
    assert workflow is None
    assert [finding.severity for finding in findings] == [Severity.ERROR]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        case
        for name in ("structure", "references", "skipped", "types", "conditions", "graph")
        for case in cases(HERE / f"{name}.txt")
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, expected: str) -> None:
    assert told(edited(WORKFLOW, old, new)) == expected


def test_everything_wrong_with_a_workflow_is_found_at_once() -> None:
    broken = (
        WORKFLOW.replace("description:", "descriptoin:")
        .replace("taskRef: add-up", "taskRef: addup")
        .replace("tasks.user.output.id}}", "tasks.usr.output.id}}")
        .replace("!= 'nobody'", "!= 5")
        .replace("dependsOn: [total]", "dependsOn: [totl, audit]")
        .replace("tasks.total.output.sum", "tasks.orders.output.count")
    )

    assert codes(broken) == ["WF101", "WF203", "WF306", "WF202", "WF402", "WF401", "WF304"]


def test_nothing_is_said_of_what_a_missing_task_takes_and_gives() -> None:
    assert codes(WORKFLOW.replace("taskRef: add-up", "taskRef: gone")) == ["WF202"]


def test_a_broken_input_schema_is_not_blamed_on_the_templates() -> None:
    assert codes(WORKFLOW.replace("userId: {type: integer}", "userId: {type: int}")) == ["WF105"]


def test_a_workflow_without_an_input_schema_takes_anything() -> None:
    start, end = WORKFLOW.index("  input:\n"), WORKFLOW.index("  tasks:\n")

    assert codes(WORKFLOW[:start] + WORKFLOW[end:]) == []


def test_the_whole_response_of_a_task_has_status_headers_and_body() -> None:
    probe = "    - {id: probe, taskRef: probe, input: {}, dependsOn: [user]}\n  output:\n"
    reads = """    status: "{{tasks.probe.output.status}}"
    id: "{{tasks.probe.output.headers['X-Id'] ?? null}}"
    any: "{{tasks.probe.output.body.any.thing}}"
"""
    text = WORKFLOW.replace("  output:\n", probe + reads)

    assert codes(text) == []
    (finding,) = findings_of(text.replace("output.status", "output.stauts"))
    assert str(finding).endswith('tasks.probe.output has no field "stauts" (did you mean "status"?)')


def test_a_hundred_findings_are_listed_and_the_rest_counted() -> None:
    many = "".join(f'    x{n}: "{{{{tasks.gone.output}}}}"\n' for n in range(120))

    findings = findings_of(WORKFLOW + many)

    assert len(findings) == 101
    assert (findings[-1].message, findings[-1].severity) == ("20 more findings are not listed", "error")


def test_a_workflow_with_more_warnings_than_are_listed_comes_back() -> None:
    many = "".join(f'    x{n}: "{{{{input.notes ?? 1}}}}"\n' for n in range(120))
    (document,) = parse_documents(WORKFLOW + many).documents

    workflow, findings = validate_workflow(document, Library(tasks=tasks_of()))

    assert workflow is not None
    assert {finding.severity for finding in findings} == {Severity.WARNING}


def test_guesses_end_when_too_many_names_have_been_compared() -> None:
    (task, *_) = tasks_of().values()
    tasks = {f"task-number-{n}": task for n in range(15_000)}
    text = WORKFLOW.replace("fetch-user", "task-nubmer-1").replace("add-up", "task-nubmer-2")

    findings = validate_workflow(parse_documents(text).documents[0], Library(tasks=tasks))[1]

    unknown = [finding.suggestion for finding in findings if finding.code == "WF202"]
    assert unknown[0] == 'did you mean "task-number-1"?'
    assert unknown[1:] == ["", "", ""]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{tasks.orders.output.lines ?? []}}", "{{tasks.user.output.name}}"),
        ('[static, "{{tasks.user.output.name}}"]', '[static, "{{tasks.user.output.id}}"]'),
        ('lines: "{{tasks.orders.output.lines ?? []}}"', "rate: 1"),
        ("Total of {{tasks.user.output.name}} in {{execution.id}}", "{{tasks.user.output.alias}}"),
    ],
)
def test_what_does_not_fit_comes_with_a_whole_input_that_the_task_refuses(old: str, new: str) -> None:
    (finding,) = findings_of(WORKFLOW.replace(old, new))
    taken = compile_validator(tasks_of()["add-up"].spec.input_schema)

    assert not taken.is_valid(finding.counterexample)
    assert isinstance(finding.counterexample, dict)
    assert set(finding.counterexample) >= {"label", "tags"}
