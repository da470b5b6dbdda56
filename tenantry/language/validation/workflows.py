"""Whether a workflow may deploy: the fields of its steps, its graphs, and what flows through them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tenantry.language.documents.mending import mend
from tenantry.language.documents.model import Workflow
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report
from tenantry.language.graph.dependencies import dependencies
from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.validation.amount import check_amount, check_inputs
from tenantry.language.validation.bindings import check_binding
from tenantry.language.validation.deadlines import check_deadline
from tenantry.language.validation.inference import infer
from tenantry.language.validation.responses import check_response
from tenantry.language.validation.schemas import check_schema
from tenantry.language.validation.structure import check_structure
from tenantry.language.validation.taint import check_secrets
from tenantry.language.validation.walk import Walk
from tenantry.language.validation.work import check_work

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.documents.document import Document
    from tenantry.language.documents.model import Step
    from tenantry.language.findings import Finding
    from tenantry.language.validation.library import Library
    from tenantry.language.validation.tree import Tree


def validate_workflow(document: Document, library: Library) -> tuple[Workflow | None, tuple[Finding, ...]]:
    """Judges a workflow against the library of its tenant.

    Args:
        document: of kind `Workflow`.
        library: what the workflow may refer to.

    Returns:
        The workflow when nothing refuses it, and all findings in the order of the text, warnings included.
    """
    workflow, findings = read(document, Workflow)
    report = Report(document, findings)
    if check_amount(document, report):
        readable = workflow or mend(document, Workflow, report)
        if readable is not None and check_inputs(readable.spec.tasks, report):
            _check(readable, library, report)
    return (None if report.has_errors else workflow), report.findings()


def _check(workflow: Workflow, library: Library, report: Report) -> None:
    spec = workflow.spec
    walk = Walk(workflow, library, report)
    check_structure(walk.tree, report)
    usable = check_schema(spec.input, "/spec/input", report)
    given = spec.input if usable and spec.input is not None else UNTYPED
    references = walk.run(given)
    output = infer(spec.output, "/spec/output", references)
    if spec.response is not None:
        check_response(spec.response, "/spec/response", output, references)
    for binding in walk.bindings:
        check_binding(binding, report, references.comparisons)
    check_secrets(workflow, library, report, partial(_waits, walk.tree), walk.texts)
    if walk.can_run:
        check_deadline(workflow, library, report, partial(_waits, walk.tree))
        check_work(workflow, library, report)


def _waits(tree: Tree, step: Step) -> Iterable[str]:
    """Ids of the steps that a step waits for, of this workflow or of another one."""
    node = tree.by_id.get(step.id)
    return node.waits if node is not None and node.step is step else dependencies(step)
