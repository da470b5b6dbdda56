"""Whether documents may deploy together: each may refer to the others. Front doors judge whole texts here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tenantry.language.codes import Code
from tenantry.language.documents.mending import mend
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report
from tenantry.language.findings import Finding
from tenantry.language.validation.tasks import validate_task
from tenantry.language.validation.workflows import validate_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.documents.document import Document
    from tenantry.language.validation.library import Library

_METADATA: Final = {"apiVersion": "workflow.io/v1", "metadata": {"name": "stand-in"}}

# These take and give anything, so that what is wrong with a document is told once and not at its uses.
TASK_STAND_IN: Final = WorkflowTask.model_validate(
    _METADATA | {"kind": "WorkflowTask", "spec": {"type": "transform", "value": {}}}
)
WORKFLOW_STAND_IN: Final = Workflow.model_validate(
    _METADATA
    | {"kind": "Workflow", "spec": {"tasks": [{"id": "any", "taskRef": "any"}], "output": "{{input}}"}}
)


def validate_documents(
    documents: Iterable[Document], library: Library
) -> tuple[Library, tuple[Finding, ...]]:
    """Judges tasks and workflows that are added to a library, or take the place of what it has.

    Args:
        documents: of any kind; only tasks and workflows are looked at.
        library: what else they may refer to.

    Returns:
        The library with them in it, and all findings, warnings included, first those about tasks. Where a
        document is wrong, something that takes and gives anything stands in the library.
    """
    chosen = [document for document in documents if document.kind in {"WorkflowTask", "Workflow"}]
    findings = list(_repeated(chosen))
    tasks, workflows = dict(library.tasks), dict(library.workflows)
    for document in chosen:
        if document.kind == "WorkflowTask":
            task, found = validate_task(document)
            tasks[document.name] = task or TASK_STAND_IN
            findings += found
        else:
            workflows[document.name] = _read(document)
    together = replace(library, tasks=tasks, workflows=workflows)
    for document in chosen:
        if document.kind == "Workflow":
            findings += validate_workflow(document, together)[1]
    return together, tuple(findings)


def _read(document: Document) -> Workflow:
    """The workflow as others see it, as far as it can be read."""
    return read(document, Workflow)[0] or mend(document, Workflow, Report(document)) or WORKFLOW_STAND_IN


def _repeated(documents: Iterable[Document]) -> Iterator[Finding]:
    """Findings about documents that are in several texts; those that are twice in one were found there."""
    sources: dict[str, str] = {}
    for document in documents:
        first = sources.setdefault(document.label, document.source)
        if document.name and document.source != first:
            yield Finding(
                code=Code.DUPLICATE_DOCUMENT,
                message=f"{document.label} is already in {first}",
                source=document.source,
                document=document.label,
                position=document.locate(""),
                suggestion="rename one, or remove it",
            )
