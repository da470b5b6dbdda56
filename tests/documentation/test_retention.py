"""The guide to retention: its documents are valid, and mean what it says they mean."""

from __future__ import annotations

from ruamel.yaml import YAML

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import Library
from tenantry.language.validation.together import validate_documents
from tenantry.tenants.durations import SECONDS_PER_DAY as DAY
from tenantry.tenants.retention import Declared, Level, Period, declared_by, effective_policy
from tenantry.tenants.spec import TenantSpec
from tests.support.documentation import code_blocks
from tests.support.platform import REPOSITORY

TENANT, WORKFLOW = code_blocks(REPOSITORY / "docs/guides/retention.md", "yaml")


def test_the_workflow_is_valid() -> None:
    parsed = parse_documents(WORKFLOW)
    assert not parsed.findings
    _, findings = validate_documents(parsed.documents, Library())
    assert [*findings] == []


def test_what_the_tenant_says_holds_over_what_the_workflow_says() -> None:
    spec = TenantSpec.model_validate(YAML(typ="safe").load(TENANT)["spec"])
    tenant = declared_by(spec.data_retention)
    policy = effective_policy(tenant, Declared(execution_history=90 * DAY, task_traces=60 * DAY))
    assert policy.execution_history == Period(365 * DAY, Level.TENANT)
    assert policy.task_traces == Period(14 * DAY, Level.TENANT)
    assert policy.api_logs == Period(7 * DAY, Level.SYSTEM)
