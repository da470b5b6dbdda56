"""The types of the schema, and how rows and values become them."""

from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
import strawberry
from strawberry.scalars import JSON

from tenantry.controlplane.graphql.context import Info
from tenantry.controlplane.services import definitions
from tenantry.controlplane.services.usage import WorkflowUsage
from tenantry.controlplane.store.tables import ApiKeyRow, AuditRow, DefinitionVersionRow, TenantRow
from tenantry.language import findings
from tenantry.language.findings import Severity
from tenantry.language.values import dump_json
from tenantry.tenants import rate_card
from tenantry.tenants.metering import Meter
from tenantry.tenants.roles import Role

strawberry.enum(Role, description="What an API key may do.")
strawberry.enum(Meter, description="Something that is counted of every execution.")
strawberry.enum(Severity, description="Whether a finding refuses its document.")


@strawberry.enum(description="What a definition defines.")
class DefinitionKind(Enum):
    """What a definition defines."""

    Workflow = "Workflow"
    WorkflowTask = "WorkflowTask"


@strawberry.type(description="How many definitions of a kind a tenant has.")
class DefinitionCount:
    """How many definitions of a kind a tenant has."""

    kind: DefinitionKind
    count: int


async def _definition_counts(root: strawberry.Parent["Tenant"], info: Info) -> list[DefinitionCount]:
    counts = await info.context.definition_counts.load(root.name)
    return [DefinitionCount(kind=DefinitionKind(kind), count=count) for kind, count in counts]


@strawberry.type(description="A tenant.")
class Tenant:
    """A tenant. `revision` is that of its bundle: it grows with every change."""

    name: str
    display_name: str | None
    document: JSON = strawberry.field(description="The WorkflowTenant as applied.")
    revision: int = strawberry.field(description="Grows with every change of the tenant.")
    created_at: datetime
    updated_at: datetime

    definition_counts: list[DefinitionCount] | None = strawberry.field(
        resolver=_definition_counts, description="How many definitions of each kind it has."
    )


async def _labels(root: strawberry.Parent["Definition"], info: Info) -> list[str]:
    labels = await info.context.labels.load((root.tenant, root.kind.value, root.name))
    return [label for label, version in labels if version == root.version]


async def _findings(root: strawberry.Parent["Definition"], info: Info) -> list["Finding"]:
    version, found = await info.context.findings.load((root.tenant, root.kind.value, root.name))
    return [to_finding(finding) for finding in found] if version == root.version else []


@strawberry.type(description="A version of a workflow or task.")
class Definition:
    """A version of a workflow or task."""

    tenant: strawberry.Private[str]
    kind: DefinitionKind
    name: str = strawberry.field(description="A workflow's is `namespace/name` when it has a namespace.")
    version: int
    labels: list[str] | None = strawberry.field(
        resolver=_labels, description="The labels of this version, such as `stable`."
    )
    findings: list["Finding"] | None = strawberry.field(
        resolver=_findings,
        description="The errors that forced changes of what it uses left it with, while it is current.",
    )
    digest: str = strawberry.field(description="Content hash: equal documents have equal digests.")
    document: JSON = strawberry.field(description="The document as applied.")
    author: str = strawberry.field(description="Id of the API key that applied it.")
    created_at: datetime


@strawberry.type(description="Something that was done to a tenant.")
class Deed:
    """Something that was done to a tenant."""

    actor: str = strawberry.field(description="Id of the API key that did it.")
    action: str = strawberry.field(description="Such as `definition.apply`.")
    target: str = strawberry.field(description="What it was done to.")
    details: JSON = strawberry.field(
        description="What the action says of itself; an apply that was forced names the workflows it broke."
    )
    at: datetime


@strawberry.type(description="An API key, without its token.")
class ApiKey:
    """An API key, without its token."""

    id: strawberry.ID
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@strawberry.type(description="An exact amount.")
class Money:
    """An exact amount. `amount` is a decimal, `currency` an ISO 4217 code."""

    amount: str
    currency: str


@strawberry.type(description="What was counted, as decimals.")
class Meters:
    """What was counted, as decimals."""

    invocations: str
    task_attempts: str
    execution_seconds: str
    task_seconds: str
    egress_bytes: str
    journal_bytes: str


@strawberry.type(description="What a workflow used, and what that costs.")
class WorkflowUsageEntry:
    """What a workflow used, and what that costs."""

    workflow: str
    meters: Meters
    cost: Money


@strawberry.type(description="The price of one unit of a meter, a decimal.")
class Price:
    """The price of one unit of a meter, a decimal."""

    meter: Meter
    price: str


@strawberry.type(description="The prices of what a tenant uses.")
class RateCard:
    """The prices of what a tenant uses."""

    currency: str
    prices: list[Price]


@strawberry.type(description="What an apply did to a definition, or would do in a dry run.")
class AppliedDefinition:
    """What an apply did to a definition, or would do in a dry run."""

    kind: DefinitionKind
    name: str
    version: int
    digest: str
    changed: bool


@strawberry.type(
    description="A change of the source text. Lines and columns count from 1; the end is exclusive."
)
class Edit:
    """A change of the source text that mends what a finding is about."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int
    replacement: str


@strawberry.type(description="One thing validation has to say about a document.")
class Finding:
    """One thing validation has to say about a document; see docs/reference/findings.md."""

    code: str
    severity: Severity
    message: str
    source: str
    document: str
    pointer: str
    line: int | None
    column: int | None
    suggestion: str
    edit: Edit | None = strawberry.field(description="The suggestion carried out, where that is certain.")
    counterexample: str | None = strawberry.field(description="A value that shows what is wrong, as JSON.")
    details: str = strawberry.field(description="More lines about it, aligned for letters of one width.")
    docs: str


@strawberry.type(description="Why a mutation did nothing, and about which argument that is.")
class UserError:
    """Why a mutation did nothing, and about which argument that is."""

    field: str | None
    message: str
    code: str


def to_tenant(row: TenantRow) -> Tenant:
    """A row as the schema shows it."""
    return Tenant(
        name=row.tenant,
        display_name=row.document["spec"].get("displayName"),
        document=JSON(row.document),
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def to_definition(row: DefinitionVersionRow) -> Definition:
    """A row as the schema shows it."""
    return Definition(
        tenant=row.tenant,
        kind=DefinitionKind(row.kind),
        name=row.name,
        version=row.version,
        digest=row.digest,
        document=JSON(row.document),
        author=row.author,
        created_at=row.created_at,
    )


def to_deed(row: AuditRow) -> Deed:
    """A row of the audit log as the schema shows it."""
    return Deed(actor=row.actor, action=row.action, target=row.target, details=JSON(row.details), at=row.at)


def to_api_key(row: ApiKeyRow) -> ApiKey:
    """A row as the schema shows it: everything but the hash."""
    return ApiKey(
        id=strawberry.ID(row.id),
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def to_usage_entry(usage: WorkflowUsage) -> WorkflowUsageEntry:
    """A workflow's usage with exact decimals as text."""
    meters = {meter.value: f"{usage.quantities[meter]:f}" for meter in Meter}
    cost = Money(amount=f"{usage.cost.amount:f}", currency=usage.cost.currency)
    return WorkflowUsageEntry(workflow=usage.workflow, meters=Meters(**meters), cost=cost)


def to_rate_card(card: rate_card.RateCard) -> RateCard:
    """A rate card with prices as text."""
    prices = [Price(meter=meter, price=f"{price:f}") for meter, price in card.prices.items()]
    return RateCard(currency=card.currency, prices=prices)


def to_applied_definition(applied: definitions.AppliedDefinition) -> AppliedDefinition:
    """What was done to one definition."""
    return AppliedDefinition(
        kind=DefinitionKind(applied.kind),
        name=applied.name,
        version=applied.version,
        digest=applied.digest,
        changed=applied.changed,
    )


def to_finding(finding: findings.Finding) -> Finding:
    """A finding with its position flattened."""
    position = finding.position
    return Finding(
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        source=finding.source,
        document=finding.document,
        pointer=finding.pointer,
        line=position.line if position else None,
        column=position.column if position else None,
        suggestion=finding.suggestion,
        edit=_to_edit(finding.edit) if finding.edit else None,
        counterexample=_to_text(finding.counterexample),
        details=finding.details,
        docs=finding.docs,
    )


def _to_text(counterexample: Any) -> str | None:
    """As text, because null may be an example."""
    return None if counterexample is msgspec.UNSET else dump_json(counterexample).decode()


def _to_edit(edit: findings.Edit) -> Edit:
    return Edit(
        start_line=edit.start.line,
        start_column=edit.start.column,
        end_line=edit.end.line,
        end_column=edit.end.column,
        replacement=edit.replacement,
    )
