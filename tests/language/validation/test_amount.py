"""How many templates a document may hold."""

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
