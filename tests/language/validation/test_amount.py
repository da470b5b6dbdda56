"""How much there may be in a document."""

from __future__ import annotations

import pytest

from tenantry.language.documents.parsing import load_document
from tenantry.language.validation import Library, validate_task, validate_workflow


@pytest.mark.parametrize(("count", "problems"), [(20_000, 0), (20_001, 1)])
def test_a_document_holds_at_most_twenty_thousand_templates(count: int, problems: int) -> None:
    texts = ["{{input.a}}"] * count
    envelope = {"apiVersion": "workflow.io/v1", "metadata": {"name": "x"}}
    task = load_document({**envelope, "kind": "WorkflowTask", "spec": {"type": "transform", "value": texts}})
    known, task_findings = validate_task(task)
    assert (len(task_findings), known is None) == (problems, problems == 1)

    steps = [{"id": "a", "taskRef": "t", "input": texts}]
    workflow = load_document({**envelope, "kind": "Workflow", "spec": {"tasks": steps}})
    tasks, _ = validate_task(
        load_document({**envelope, "kind": "WorkflowTask", "spec": {"type": "transform", "value": 1}})
    )
    assert tasks is not None
    model, findings = validate_workflow(workflow, Library(tasks={"t": tasks}))
    assert (len(findings), model is None) == (problems, problems == 1)
    assert all(finding.code == "WF104" for finding in (*findings, *task_findings))


@pytest.mark.parametrize(("cases", "problems"), [(49, []), (50, ["WF104"])])
def test_an_input_counts_for_every_case_that_takes_it(cases: int, problems: list[str]) -> None:
    values = ["x"] * 3_998
    own = [{"match": -1, "taskRef": "t", "input": {}}]
    step = {
        "id": "a",
        "switch": {
            "value": "{{input}}",
            "cases": [*own, *({"match": number, "taskRef": "t"} for number in range(cases))],
        },
        "input": values,
        "fallback": {"taskRef": "t"},
    }
    spec = {"tasks": [{"id": "around", "tasks": [step]}]}
    envelope = {"apiVersion": "workflow.io/v1", "metadata": {"name": "x"}}
    workflow = load_document({**envelope, "kind": "Workflow", "spec": spec})
    task, _ = validate_task(
        load_document({**envelope, "kind": "WorkflowTask", "spec": {"type": "transform", "value": 1}})
    )
    assert task is not None

    _, findings = validate_workflow(workflow, Library(tasks={"t": task}))

    assert [str(finding.code) for finding in findings if finding.severity == "error"] == problems
