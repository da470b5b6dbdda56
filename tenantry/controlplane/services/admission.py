"""Whether a change may be made to a tenant, given what it has. Pure: values in, findings out.

Invariant kept: all of a tenant's stored definitions are valid together, under its stored spec; but for those
that a forced change broke, which are marked. So documents are judged with what stands beside them in the same
text; a changed task, workflow, label or spec is judged by the stored workflows that use it, at any distance;
and an older version that something begins to refer to is judged again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from tenantry.controlplane.services.breaking import Breaking
from tenantry.controlplane.services.impact import Impact, is_forceable
from tenantry.controlplane.services.library import TASK_STAND_IN, WORKFLOW_STAND_IN, make_library
from tenantry.controlplane.services.uses import TASK, WORKFLOW, uses_of
from tenantry.language.codes import Code
from tenantry.language.documents.mending import mend
from tenantry.language.documents.model import Resource, Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report
from tenantry.language.findings import Finding, Severity
from tenantry.language.validation import validate_task, validate_workflow
from tenantry.language.values import canonical_json
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tenantry.controlplane.services.stored import Key, Stored
    from tenantry.language.documents.document import Document

TENANT: Final = "WorkflowTenant"


class WorkflowTenant(Resource[TenantSpec]):
    """A tenant's document."""

    kind: Literal["WorkflowTenant"]


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a text asks to be applied.

    Attributes:
        documents: its workflows and tasks.
        findings: what is wrong with the text itself.
        workflows: models by name, with something else where a document is wrong.
        uses: what each workflow refers to, by the document's label.
    """

    documents: tuple[Document, ...]
    findings: tuple[Finding, ...]
    workflows: dict[str, Workflow]
    uses: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What validation says to applying documents.

    Attributes:
        findings: about the documents, warnings included; its errors refuse them.
        breaks: errors of stored workflows, told where they come from; a forced change ignores them.
        broken: what each judged workflow would be left with, by kind and name; nothing when it is sound.
    """

    findings: tuple[Finding, ...]
    breaks: tuple[Finding, ...]
    broken: dict[Key, tuple[Finding, ...]]


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


def read_definitions(text: str) -> Submitted:
    """The workflows and tasks of a text."""
    parsed = parse_documents(text)
    misplaced = tuple(_misplaced(document) for document in parsed.documents if document.kind == TENANT)
    documents = tuple(document for document in parsed.documents if document.kind != TENANT)
    workflows: dict[str, Workflow] = {}
    uses: dict[str, list[str]] = {}
    for document in documents:
        if document.kind == WORKFLOW:
            workflow = read(document, Workflow)[0] or mend(document, Workflow, Report(document))
            workflows[document.name] = workflow or WORKFLOW_STAND_IN
            uses[document.label] = uses_of(workflow) if workflow else []
    return Submitted(documents, parsed.findings + misplaced, workflows, uses)


def judge_definitions(submitted: Submitted, stored: Stored, spec: TenantSpec) -> Judgement:
    """What validation says to applying a text to a tenant that has the stored definitions."""
    return _Judge(submitted, stored, spec).judge()


def changed_marks(stored: Stored, judgement: Judgement) -> dict[Key, list[dict[str, Any]]]:
    """What is now wrong with the workflows of which something else was known, as JSON, by kind and name."""
    found = {key: msgspec.to_builtins(list(findings)) for key, findings in judgement.broken.items()}
    return {key: findings for key, findings in found.items() if findings != stored.broken.get(key, [])}


def judge_label(reference: str, stored: Stored, spec: TenantSpec) -> Judgement:
    """What validation says to a label as it will be: the stored workflows that it would break.

    Args:
        reference: the workflow with the label, such as `billing/invoice@stable`.
        stored: what the tenant has, with what the label will mean.
        spec: of the tenant.
    """
    impact = Impact(stored, {}, make_library(stored, spec))
    concerned = impact.concerned({f"{WORKFLOW}/{reference}"})
    return Judgement((), tuple(_would_break(impact, concerned)), impact.left_broken(concerned))


def judge_spec(stored: Stored, spec: TenantSpec) -> tuple[Finding, ...]:
    """What validation says to giving the tenant another spec: the stored workflows that it would break."""
    impact = Impact(stored, {}, make_library(stored, spec))
    return tuple(_would_break(impact, {use for use in impact.rows if use.startswith(f"{WORKFLOW}/")}))


def _would_break(impact: Impact, uses: Iterable[str]) -> Iterator[Finding]:
    for use in sorted(uses):
        name = use.removeprefix(f"{WORKFLOW}/")
        for error in impact.refusals(use):
            message = f"would break the workflow {name}: {error.message}"
            yield msgspec.structs.replace(error, message=message)


class _Judge:
    """A text being judged."""

    def __init__(self, submitted: Submitted, stored: Stored, spec: TenantSpec) -> None:
        self._documents, self._findings = submitted.documents, list(submitted.findings)
        self._rows, self._invalid = stored.current, set[str]()
        kept = stored.without({(document.kind, document.name) for document in submitted.documents})
        self._before = make_library(stored, spec)
        self._library = make_library(
            kept, spec, tasks=dict(self._judge_tasks()), workflows=submitted.workflows
        )
        self._impact = Impact(kept, submitted.uses, self._library)

    def judge(self) -> Judgement:
        for document in self._documents:
            if document.kind == WORKFLOW:
                self._take(document, validate_workflow(document, self._library)[1])
        changed = {document.label: document for document in self._documents if self._differs(document)}
        valid = {label: document for label, document in changed.items() if label not in self._invalid}
        breaking = Breaking(valid, self._before, self._library)
        self._findings += breaking.for_callers()
        sound: dict[Key, tuple[Finding, ...]] = {
            (document.kind, document.name): () for document in self._documents
        }
        concerned = self._impact.concerned(changed)
        breaks: list[Finding] = []
        for use in sorted(concerned):
            if errors := self._impact.refusals(use):
                breaks += self._blame(use, errors, valid, breaking)
        return Judgement(tuple(self._findings), tuple(breaks), sound | self._impact.left_broken(concerned))

    def _judge_tasks(self) -> Iterator[tuple[str, WorkflowTask]]:
        for document in self._documents:
            if document.kind == TASK:
                task, findings = validate_task(document)
                self._take(document, findings)
                yield document.name, task or TASK_STAND_IN

    def _take(self, document: Document, findings: tuple[Finding, ...]) -> None:
        self._findings += findings
        if has_errors(findings):
            self._invalid.add(document.label)

    def _differs(self, document: Document) -> bool:
        row = self._rows.get((document.kind, document.name))
        return row is None or row.document != document.raw

    def _blame(
        self, use: str, errors: tuple[Finding, ...], valid: Mapping[str, Document], breaking: Breaking
    ) -> Iterator[Finding]:
        """Tells the errors of a stored workflow where they come from. What may be forced is given back."""
        row, name = self._impact.rows[use], use.removeprefix(f"{WORKFLOW}/")
        to_blame = [label for label in valid if use in self._impact.users({label})]
        if not to_blame:
            self._tell_users(use, f"{name} does not work any more: {errors[0].message}")
            return
        changed = min(to_blame, key=lambda label: label not in row.uses)
        for error in errors:
            finding = breaking.for_workflow(name, row.document, changed, error)
            if is_forceable(error):
                yield finding
            else:
                self._findings.append(finding)

    def _tell_users(self, use: str, message: str) -> None:
        """An older version that something begins to refer to, and that other changes have broken since."""
        users = self._impact.users({use})
        for document in self._documents:
            if document.label in users:
                self._findings.append(_about(document, message, "/spec/tasks", Code.BREAKING_CHANGE))


def _misplaced(document: Document) -> Finding:
    if document.kind == TENANT:
        return _about(document, "a tenant is created or updated on its own, not applied as a definition")
    return _about(document, f"a {document.kind} is applied as a definition, not as a tenant")


def _about(
    document: Document, message: str, pointer: str = "/kind", code: Code = Code.UNKNOWN_KIND
) -> Finding:
    return Finding(
        code=code,
        message=message,
        source=document.source,
        document=document.label,
        pointer=pointer,
        position=document.locate(pointer),
    )
