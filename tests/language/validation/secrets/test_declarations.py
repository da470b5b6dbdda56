from __future__ import annotations

from tenantry.language.documents.model import Workflow
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.report import Report
from tenantry.language.validation.library import Library
from tenantry.language.validation.taint import check_secrets
from tests.support.secret_flows import (
    GIVEN,
    KEY,
    OTHER,
    judged,
    library,
    step,
    told,
)


def test_a_step_declares_no_secret_twice_or_for_nothing() -> None:
    second = KEY.replace("path: a", "path: c")

    assert told("tasks:\n" + step("taskRef: send", GIVEN, secrets=f"{KEY}, {second}, {OTHER}")) == [
        "WF503 tasks/0/secrets/1/name: another secret of s is called KEY",
        "WF504 tasks/0/secrets/2: s declares the secret OTHER and does not use it",
    ]


def test_a_secret_at_a_wrong_place_is_not_told_to_be_unused_as_well() -> None:
    assert told("tasks:\n" + step("taskRef: send", ', condition: {if: "{{secrets.KEY}}"}')) == [
        "WF506 tasks/0/condition/if: the secret KEY must not reach a condition"
    ]


def test_the_tenant_has_a_provider_for_every_secret() -> None:
    aws = "{name: KEY, source: aws, secretId: x}"
    spec = "tasks:\n" + step("taskRef: send", GIVEN, secrets=aws)

    (finding,) = judged(spec, "vault", "env")
    assert (finding.code, finding.pointer) == ("WF505", "/spec/tasks/0/secrets/0/source")
    assert finding.message == "the tenant has no provider for aws, which s takes KEY from"
    assert finding.suggestion == "it has one for env, vault"
    assert told(spec, "aws") == []


def test_the_tenant_has_a_provider_for_the_secrets_of_its_tasks() -> None:
    spec = "tasks: [{id: a, taskRef: own}, {id: b, taskRef: fixed, fallback: {taskRef: own}}]"

    assert told(spec, "env") == [
        "WF505 tasks/0/taskRef: the tenant has no provider for vault, which the task own takes KEY from"
    ]
    assert told(spec, "vault") == []


def test_a_tenant_without_providers_is_told_so() -> None:
    (document,) = parse_documents(
        "apiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {name: w}\n"
        "spec: {tasks: [{id: b, taskRef: fixed, fallback: {taskRef: own}}]}"
    ).documents
    report = Report(document)

    check_secrets(Workflow.model_validate(document.raw), Library(tasks=library().tasks), report)

    (finding,) = report.findings()
    assert (finding.pointer, finding.suggestion) == ("/spec/tasks/0/fallback/taskRef", "it has none at all")
