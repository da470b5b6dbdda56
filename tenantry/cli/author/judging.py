"""Judges an author's texts as the control plane would: all documents together, under their tenant's spec."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from tenantry.cli.author.sources import SourcesError
from tenantry.controlplane.services.admission import TENANT, WorkflowTenant
from tenantry.language.documents.model import Workflow
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.graph.actions import workflow_refs
from tenantry.language.validation import Library
from tenantry.language.validation.library import workflow_key
from tenantry.language.validation.together import validate_documents
from tenantry.tenants.isolation import compile_task_ref_policy
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Finding, Severity

_NOWHERE: Final = (0, 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """What validation says.

    Attributes:
        documents: of all kinds, in the order of the texts.
        library: everything they may refer to, themselves included.
        findings: in the order of the texts.
    """

    documents: tuple[Document, ...]
    library: Library
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings weigh so much."""
        return sum(finding.severity is severity for finding in self.findings)


def judge(texts: Mapping[str, str], others: Mapping[str, str]) -> Judged:
    """Judges texts by name; they may refer to what the others hold, about which nothing is said.

    Raises:
        SourcesError: there are documents of several tenants.
    """
    parsed = [parse_documents(text, name) for name, text in texts.items()]
    documents = tuple(document for each in parsed for document in each.documents)
    known = [document for name, text in others.items() for document in parse_documents(text, name).documents]
    spec, findings = _spec_of([*documents, *known])
    spoken_of = Library(
        workflows=_of_any_version([*known, *documents]),
        is_allowed=compile_task_ref_policy(spec.allowed_task_refs).allows,
        max_loop_depth=spec.quotas.max_loop_depth,
    )
    library, found = validate_documents(documents, validate_documents(known, spoken_of)[0])
    said = (*(finding for each in parsed for finding in each.findings), *findings, *found)
    return Judged(documents, library, _in_order(said, texts))


def _of_any_version(documents: Iterable[Document]) -> dict[str, Workflow]:
    """Workflows by names with a version or a label: files have none, so the one that is there is meant."""
    read_ones = (read(document, Workflow)[0] for document in documents if document.kind == "Workflow")
    models = {workflow.name: workflow for workflow in read_ones if workflow is not None}
    found: dict[str, Workflow] = {}
    for workflow in models.values():
        for reference in workflow_refs(workflow.spec.tasks):
            key = workflow_key(reference, workflow.metadata.namespace)
            name, selected, _ = key.partition("@")
            if selected and name in models:
                found[key] = models[name]
    return found


def _spec_of(documents: Iterable[Document]) -> tuple[TenantSpec, tuple[Finding, ...]]:
    """The spec of the tenant whose documents these are: the default one, when there is none among them."""
    tenants = [document for document in documents if document.kind == TENANT]
    names = sorted({tenant.name for tenant in tenants})
    if len(names) > 1:
        raise SourcesError(
            f"These are documents of several tenants: {', '.join(names)}.",
            hint="Name one tenant's at a time.",
        )
    findings: list[Finding] = []
    spec = TenantSpec()
    for document in tenants:
        tenant, found = read(document, WorkflowTenant)
        findings += found
        spec = tenant.spec if tenant is not None else spec
    return spec, tuple(findings)


def _in_order(findings: Iterable[Finding], texts: Mapping[str, str]) -> tuple[Finding, ...]:
    place = dict(zip(texts, count(), strict=False))

    def key(finding: Finding) -> tuple[int, int, int]:
        position = finding.position
        return (place[finding.source], *((position.line, position.column) if position else _NOWHERE))

    return tuple(sorted((finding for finding in findings if finding.source in place), key=key))
