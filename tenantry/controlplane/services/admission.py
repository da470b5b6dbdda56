"""Whether documents may be applied to a tenant, given what it has. Pure: values in, findings out.

Invariant kept: all of a tenant's stored definitions are valid together, under its stored spec. So documents
are judged with the tasks that stand beside them in the same text, and a changed task or a changed spec is
judged by the stored workflows that use it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from tenantry.language.codes import Code
from tenantry.language.documents.model import Resource, Workflow, WorkflowTask
from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.findings import Finding, Severity
from tenantry.language.graph.actions import task_refs
from tenantry.language.validation import Library, validate_task, validate_workflow
from tenantry.language.values import canonical_json
from tenantry.tenants.isolation import compile_task_ref_policy
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tenantry.language.documents.document import Document

WORKFLOW: Final = "Workflow"
TASK: Final = "WorkflowTask"
TENANT: Final = "WorkflowTenant"

Key: TypeAlias = tuple[str, str]
"""Kind and name: what a definition is called within its tenant."""

# Takes and gives anything, so that what is wrong with a task is told once and not at each of its uses.
_STAND_IN: Final = WorkflowTask.model_validate(
    {
        "apiVersion": "workflow.io/v1",
        "kind": TASK,
        "metadata": {"name": "stand-in"},
        "spec": {"type": "transform", "value": {}},
    }
)


class WorkflowTenant(Resource[TenantSpec]):
    """A tenant's document."""

    kind: Literal["WorkflowTenant"]


def content_digest(raw: dict[str, Any]) -> str:
    """The content hash of a document: equal documents have equal ones, however they were written."""
    return hashlib.sha256(canonical_json(raw)).hexdigest()


def has_errors(findings: Sequence[Finding]) -> bool:
    """Whether a finding refuses the documents."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def read_tenant(text: str) -> tuple[Document | None, tuple[Finding, ...]]:
    """The one tenant document of a text; without one, the findings say why."""
    parsed = parse_documents(text)
    findings = list(parsed.findings)
    findings += [_misplaced(document) for document in parsed.documents if document.kind != TENANT]
    tenants = [document for document in parsed.documents if document.kind == TENANT]
    if len(tenants) > 1:
        findings.append(_about(tenants[1], "one tenant is created or updated at a time"))
    for document in tenants:
        findings += read(document, WorkflowTenant)[1]
    return (None if findings or not tenants else tenants[0]), tuple(findings)


def read_definitions(text: str) -> tuple[tuple[Document, ...], tuple[Finding, ...]]:
    """The workflows and tasks of a text, and what is wrong with the text itself."""
    parsed = parse_documents(text)
    misplaced = tuple(_misplaced(document) for document in parsed.documents if document.kind == TENANT)
    documents = tuple(document for document in parsed.documents if document.kind != TENANT)
    return documents, parsed.findings + misplaced


def judge_definitions(
    documents: Sequence[Document], stored: Mapping[Key, dict[str, Any]], spec: TenantSpec
) -> tuple[Finding, ...]:
    """What validation says to applying the documents to a tenant that has the stored ones."""
    incoming = {(document.kind, document.name): document for document in documents}
    kept = {key: raw for key, raw in stored.items() if key not in incoming}
    allows = compile_task_ref_policy(spec.allowed_task_refs).allows
    tasks = dict(_stored_tasks(kept))
    findings: list[Finding] = []
    for document in documents:
        if document.kind == TASK:
            task, found = validate_task(document)
            findings += found
            tasks[document.name] = task or _STAND_IN
    library = Library(tasks=tasks, is_allowed=allows)
    for document in documents:
        if document.kind == WORKFLOW:
            findings += validate_workflow(document, library)[1]
    changed = {name for (kind, name), one in incoming.items() if one.raw != stored.get((kind, name))}
    findings += _broken(kept, library, lambda raw: not changed.isdisjoint(_task_refs(raw)))
    return tuple(findings)


def judge_spec(stored: Mapping[Key, dict[str, Any]], spec: TenantSpec) -> tuple[Finding, ...]:
    """What validation says to giving the tenant another spec: the stored workflows that it would forbid."""
    allows = compile_task_ref_policy(spec.allowed_task_refs).allows
    library = Library(tasks=dict(_stored_tasks(stored)), is_allowed=allows)
    return tuple(_broken(stored, library, lambda _: True))


def _stored_tasks(stored: Mapping[Key, dict[str, Any]]) -> Iterator[tuple[str, WorkflowTask]]:
    for (kind, name), raw in stored.items():
        if kind == TASK:
            yield name, WorkflowTask.model_validate(raw)


def _broken(
    stored: Mapping[Key, dict[str, Any]],
    library: Library,
    concerns: Callable[[dict[str, Any]], bool],
) -> Iterator[Finding]:
    for (kind, name), raw in stored.items():
        if kind == WORKFLOW and concerns(raw):
            document = load_document(raw, source=f"stored {kind}/{name}")
            for finding in validate_workflow(document, library)[1]:
                if finding.severity is Severity.ERROR:
                    message = f"would break the workflow {name}: {finding.message}"
                    yield msgspec.structs.replace(finding, message=message)


def _task_refs(raw: dict[str, Any]) -> Iterator[str]:
    return task_refs(Workflow.model_validate(raw).spec.tasks)


def _misplaced(document: Document) -> Finding:
    if document.kind == TENANT:
        return _about(document, "a tenant is created or updated on its own, not applied as a definition")
    return _about(document, f"a {document.kind} is applied as a definition, not as a tenant")


def _about(document: Document, message: str) -> Finding:
    return Finding(
        code=Code.UNKNOWN_KIND,
        message=message,
        source=document.source,
        document=document.label,
        pointer="/kind",
        position=document.locate("/kind"),
    )
