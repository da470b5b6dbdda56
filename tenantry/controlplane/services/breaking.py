"""What changed documents break, told where they are changed: which workflows, and by which fields. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from tenantry.controlplane.services.uses import TASK
from tenantry.language.codes import Code
from tenantry.language.documents.model import Workflow
from tenantry.language.findings import Finding, Severity
from tenantry.language.validation.changes import breaking_changes, task_interface, workflow_interface
from tenantry.language.validation.field_use import calls_task, calls_workflow, concerns, fields_used
from tenantry.language.validation.walk import infer_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenantry.language.documents.document import Document
    from tenantry.language.validation import Library
    from tenantry.language.validation.changes import Change, Interface

_MAX_EXAMPLE: Final = 300
"""Characters of a counterexample in a message."""


class Breaking:
    """The changes that a text makes to stored definitions, held against who relies on them.

    Args:
        documents: the valid ones of a text that differ from what is stored, by label.
        before: what the tenant has stored.
        after: what it will have.
    """

    def __init__(self, documents: Mapping[str, Document], before: Library, after: Library) -> None:
        self._documents, self._before, self._after = documents, before, after
        self._known: dict[str, tuple[Change, ...]] = {}

    def for_callers(self) -> Iterator[Finding]:
        """What callers of changed workflows may rely on: warnings, as nobody knows what they do."""
        for use, document in self._documents.items():
            if document.kind != TASK:
                for change in self._changes(use):
                    message = f"callers may break: {change.message}; an example is {_example(change)}"
                    yield _told(document, change.pointer, message, Severity.WARNING)

    def for_workflow(self, name: str, raw: dict[str, Any], use: str, error: Finding) -> Finding:
        """Why a stored workflow is no longer valid, told at a changed document.

        Args:
            name: of the workflow in its tenant, with the selector by which it is used.
            raw: the workflow's document.
            use: what the changed document is called.
            error: what validation says of the workflow.
        """
        document = self._documents[use]
        changes = self._relevant(raw, use)
        fields = "; ".join(change.message for change in changes)
        message = f"would break the workflow {name}: {error.message}" + (f" ({fields})" if fields else "")
        return _told(document, changes[0].pointer if changes else "/spec", message, Severity.ERROR)

    def _relevant(self, raw: dict[str, Any], use: str) -> list[Change]:
        """The breaking changes that are about fields which the workflow uses."""
        workflow = Workflow.model_validate(raw)
        document = self._documents[use]
        if document.kind == TASK:
            called = calls_task(document.name)
        else:
            called = calls_workflow(document.name, workflow.metadata.namespace)
        used = fields_used(workflow, raw["spec"], called)
        return [change for change in self._changes(use) if concerns(change, used)]

    def _changes(self, use: str) -> tuple[Change, ...]:
        if use not in self._known:
            document = self._documents[use]
            before = self._before.tasks if document.kind == TASK else self._before.workflows
            self._known[use] = (
                breaking_changes(
                    _interface(document, self._before),
                    _interface(document, self._after),
                    self._after.memory.comparisons(),
                )
                if document.name in before
                else ()
            )
        return self._known[use]


def _interface(document: Document, library: Library) -> Interface:
    """What the definition of that name takes and gives in a library."""
    if document.kind == TASK:
        return task_interface(library.tasks[document.name])
    workflow = library.workflows[document.name]
    return workflow_interface(workflow, infer_output(workflow, library))


def _example(change: Change) -> str:
    text = orjson.dumps(change.counterexample).decode()
    return text if len(text) <= _MAX_EXAMPLE else f"{text[:_MAX_EXAMPLE]}…"


def _told(document: Document, pointer: str, message: str, severity: Severity) -> Finding:
    return Finding(
        code=Code.BREAKING_CHANGE,
        message=message,
        severity=severity,
        source=document.source,
        document=document.label,
        pointer=pointer,
        position=document.locate(pointer),
    )
