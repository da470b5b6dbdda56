"""A workflow of everything, judged with one mistake at a time: what is told, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import Library, validate_task, validate_workflow
from tests.support.language import cases, edited, workflows_of

HERE = Path(__file__).parent
TEXT = (HERE / "control_flow.yaml").read_text()


def told(text: str) -> str:
    parsed = parse_documents(text)
    findings = list(parsed.findings)
    judged = [validate_task(document) for document in parsed.documents if document.kind == "WorkflowTask"]
    tasks = {task.name: task for task, _ in judged if task is not None}
    workflows = workflows_of(parsed.documents)
    library = Library(tasks=tasks, workflows={**workflows, "billing/invoice@v2": workflows["shop/invoice"]})
    for document in parsed.documents:
        if document.kind == "Workflow":
            findings += validate_workflow(document, library)[1]
    return "\n".join(str(finding).removeprefix("<input>:") for finding in findings)


def test_switches_loops_nested_tasks_and_sub_workflows_together_are_valid() -> None:
    assert told(TEXT) == ""


@pytest.mark.parametrize(("old", "new", "expected"), cases(HERE / "control_flow.txt"))
def test_a_mistake_in_control_flow_is_named_with_its_place(old: str, new: str, expected: str) -> None:
    assert told(edited(TEXT, old, new)) == expected
