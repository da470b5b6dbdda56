"""Every example document is valid, everything in the folder is used, and every workflow has a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.language.codes import Code
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import Library, validate_task, validate_workflow
from tenantry.tenants.isolation import compile_task_ref_policy
from tenantry.tenants.spec import TenantSpec
from tests.support.examples import FOLDER, document_files, example_runs, promised_part, tenant_names

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Finding


def documents(tenant: str) -> list[Document]:
    found: list[Document] = []
    for path in document_files(tenant):
        parsed = parse_documents(path.read_text(), path.name)
        assert parsed.findings == ()
        found += parsed.documents
    return found


def validate(tenant: str) -> list[Finding]:
    """Everything validation has to say about a tenant's examples."""
    found, tasks = documents(tenant), {}
    findings: list[Finding] = []
    for document in found:
        if document.kind == "WorkflowTask":
            task, problems = validate_task(document)
            findings += problems
            if task is not None:
                tasks[task.name] = task
    allowed = compile_task_ref_policy(TenantSpec.model_validate(found[0].raw["spec"]).allowed_task_refs)
    for document in found:
        if document.kind == "Workflow":
            findings += validate_workflow(document, Library(tasks=tasks, is_allowed=allowed.allows))[1]
    return findings


def names(tenant: str, kind: str) -> list[str]:
    return [document.name for document in documents(tenant) if document.kind == kind]


@pytest.mark.parametrize("tenant", tenant_names())
def test_each_file_holds_one_document_named_like_the_file(tenant: str) -> None:
    stems = [path.stem for path in document_files(tenant)[1:]]
    assert [document.name for document in documents(tenant)] == [tenant, *stems]


@pytest.mark.parametrize("tenant", tenant_names())
def test_each_tenant_spec_is_valid_and_reaches_the_test_api(tenant: str) -> None:
    spec = TenantSpec.model_validate(documents(tenant)[0].raw["spec"])
    assert spec.egress.allow == ("127.0.0.0/8",)


@pytest.mark.parametrize("tenant", tenant_names())
def test_validation_has_nothing_to_say_but_of_the_deadline_that_is_too_short_on_purpose(tenant: str) -> None:
    found = [(finding.code, finding.source) for finding in validate(tenant)]
    meant = [(Code.DEADLINE_EXCEEDED, "stock-audit.yaml")] if tenant == "globex" else []
    assert found == meant


@pytest.mark.parametrize("tenant", tenant_names())
def test_each_task_is_used_by_a_workflow(tenant: str) -> None:
    workflows = [document for document in documents(tenant) if document.kind == "Workflow"]
    used = {step["taskRef"] for workflow in workflows for step in workflow.raw["spec"]["tasks"]}
    assert used == set(names(tenant, "WorkflowTask"))


def test_each_workflow_has_a_run_and_each_run_a_workflow() -> None:
    workflows = {(tenant, name) for tenant in tenant_names() for name in names(tenant, "Workflow")}
    assert {(run.tenant, run.workflow) for run in example_runs()} == workflows


def test_the_readme_names_each_workflow() -> None:
    text = (FOLDER / "README.md").read_text()
    paths = [
        f"{tenant}/workflows/{name}.yaml" for tenant in tenant_names() for name in names(tenant, "Workflow")
    ]
    assert [path for path in paths if path not in text] == []


def test_of_an_answer_only_what_was_promised_is_compared() -> None:
    promised = {"id": 1, "lines": [1], "all": [{"n": 1}], "who": {"name": "Ada"}, "gone": True}
    actual = {
        "id": 2,
        "lines": [1, 2],
        "all": [{"n": 2, "m": 3}],
        "who": {"name": "Ada", "age": 36},
        "extra": None,
    }
    assert promised_part(promised, actual) == {
        "id": 2,
        "lines": [1, 2],
        "all": [{"n": 2}],
        "who": {"name": "Ada"},
    }
