"""Judging whole texts the way every front door does, for tests of the language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import validate_task, validate_workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.model import WorkflowTask
    from tenantry.language.findings import Finding


def judge(text: str, is_allowed: Callable[[str], bool] = lambda _: True) -> tuple[Finding, ...]:
    """All findings about a text of tasks and workflows; the workflows may use the tasks beside them."""
    parsed = parse_documents(text)
    findings = list(parsed.findings)
    tasks: dict[str, WorkflowTask] = {}
    for document in parsed.documents:
        if document.kind == "WorkflowTask":
            task, found = validate_task(document)
            findings += found
            tasks |= {} if task is None else {task.name: task}
    for document in parsed.documents:
        if document.kind == "Workflow":
            findings += validate_workflow(document, tasks, is_allowed)[1]
    return tuple(findings)
