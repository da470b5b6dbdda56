"""Judging whole texts the way every front door does, for tests of the language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tenantry.language.documents.model import Workflow
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.validation import Library, validate_task, validate_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tenantry.language.documents.document import Document
    from tenantry.language.documents.model import WorkflowTask
    from tenantry.language.findings import Finding


def judge(text: str, is_allowed: Callable[[str], bool] = lambda _: True) -> tuple[Finding, ...]:
    """All findings about a text of tasks and workflows; the workflows may use what stands beside them."""
    parsed = parse_documents(text)
    findings = list(parsed.findings)
    tasks: dict[str, WorkflowTask] = {}
    for document in parsed.documents:
        if document.kind == "WorkflowTask":
            task, found = validate_task(document)
            findings += found
            tasks |= {} if task is None else {task.name: task}
    library = Library(
        tasks=tasks,
        workflows=workflows_of(parsed.documents),
        is_allowed=is_allowed,
        secret_sources=frozenset(("vault",)),
    )
    for document in parsed.documents:
        if document.kind == "Workflow":
            findings += validate_workflow(document, library)[1]
    return tuple(findings)


def workflows_of(documents: Iterable[Document]) -> dict[str, Workflow]:
    """The workflows among documents by name, whether or not they are valid."""
    read_ones = (read(document, Workflow)[0] for document in documents if document.kind == "Workflow")
    return {workflow.name: workflow for workflow in read_ones if workflow is not None}


def cases(path: Path) -> list[tuple[str, str, str]]:
    """Edits of a text and what they lead to, from a file of blocks.

    A block says what to take out in lines after `- `, what to put in after `+ `; the rest are the findings.
    """
    return [_case(block.split("\n")) for block in path.read_text().strip("\n").split("\n\n")]


def edited(text: str, old: str, new: str) -> str:
    """The text with an edit: without `old` the new line goes to its end, without `new` the old line goes."""
    if not old:
        return f"{text}  {new}\n"
    assert old in text
    return text.replace(old, new) if new else re.sub(rf" *{re.escape(old)}\n", "", text)


def _case(lines: list[str]) -> tuple[str, str, str]:
    parts: dict[str, list[str]] = {"- ": [], "+ ": [], "": []}
    for line in lines:
        mark = line[:2] if line[:2] in parts else ""
        parts[mark].append(line.removeprefix(mark))
    old, new, expected = ("\n".join(part) for part in parts.values())
    return old, new, expected
