"""The tables, as SQLModel classes. The tenant leads every primary key; row-level security guards each table.

Migrations make them; `tests/controlplane/store` proves that the two agree.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (SQLModel resolves annotations at run time)
from decimal import Decimal  # noqa: TC003  (as above)
from typing import Any, Final

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSON
from sqlmodel import Field, SQLModel

from tenantry.tenants.identity import TenantId

PLATFORM: Final = TenantId("")
"""Whom the platform's own keys belong to: no tenant can have this name."""

_UTC: Final = DateTime(timezone=True)
_JSON_OR_NULL: Final = JSON(none_as_null=True)


class TenantRow(SQLModel, table=True):
    """A tenant: its document as applied and the revision of its bundle, which grows with every change."""

    __tablename__ = "tenants"

    tenant: str = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_type=JSON)
    revision: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=_UTC)
    updated_at: datetime = Field(sa_type=_UTC)


class DefinitionRow(SQLModel, table=True):
    """Which version of a definition is current; `findings` are the errors forced changes left it with."""

    __tablename__ = "definitions"

    tenant: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    version: int
    findings: list[dict[str, Any]] | None = Field(default=None, sa_type=_JSON_OR_NULL)


class DefinitionVersionRow(SQLModel, table=True):
    """One version of a definition; never changed once written. `document` is the document as applied.

    A workflow is called by its namespace and name. `uses` is what it refers to, as `Kind/name`, and as
    `Workflow/name@selector` when that chooses a version.
    """

    __tablename__ = "definition_versions"

    tenant: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    digest: str
    document: dict[str, Any] = Field(sa_type=JSON)
    uses: list[str] = Field(sa_type=JSON)
    author: str
    created_at: datetime = Field(sa_type=_UTC)


class DefinitionLabelRow(SQLModel, table=True):
    """A name for a version of a definition, such as `stable`, which moves from version to version."""

    __tablename__ = "definition_labels"

    tenant: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    version: int


class AuditRow(SQLModel, table=True):
    """Who did what to which of a tenant's things, when."""

    __tablename__ = "audit_log"

    tenant: str = Field(primary_key=True)
    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    actor: str
    action: str
    target: str
    details: dict[str, Any] = Field(sa_type=JSON)
    at: datetime = Field(sa_type=_UTC)


class ApiKeyRow(SQLModel, table=True):
    """An API key: the hash of its token, never the token. A name has one key in force at a time."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index(
            "api_keys_name_in_force",
            "tenant",
            "name",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        # Authentication knows a key's id before it knows whose it is.
        Index("api_keys_id", "id", unique=True),
    )

    tenant: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str
    role: str
    hash: str
    created_at: datetime = Field(sa_type=_UTC)
    expires_at: datetime | None = Field(default=None, sa_type=_UTC)
    revoked_at: datetime | None = Field(default=None, sa_type=_UTC)


class BundleRow(SQLModel, table=True):
    """A tenant's current bundle, as it travels to the data planes."""

    __tablename__ = "bundles"

    tenant: str = Field(primary_key=True)
    revision: int = Field(sa_type=BigInteger)
    digest: str
    payload: bytes
    signature: bytes


class RateCardRow(SQLModel, table=True):
    """Unit prices by meter as decimal strings, in force from an instant until the next card's."""

    __tablename__ = "rate_cards"

    tenant: str = Field(primary_key=True)
    effective_from: datetime = Field(primary_key=True, sa_type=_UTC)
    prices: dict[str, str] = Field(sa_type=JSON)
    author: str


class UsageEventRow(SQLModel, table=True):
    """One usage event, recorded once however often it arrives. `priced_from` names its rate card."""

    __tablename__ = "usage_events"

    tenant: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    occurred_at: datetime = Field(sa_type=_UTC)
    priced_from: datetime = Field(sa_type=_UTC)
    workflow: str
    version: int = Field(sa_type=BigInteger)
    execution_id: str
    status: str
    labels: dict[str, str] = Field(sa_type=JSON)
    invocations: Decimal
    task_attempts: Decimal
    execution_seconds: Decimal
    task_seconds: Decimal
    egress_bytes: Decimal
    journal_bytes: Decimal


class UsageHourRow(SQLModel, table=True):
    """The sums of a workflow's usage events over one hour, apart by rate card."""

    __tablename__ = "usage_hourly"

    tenant: str = Field(primary_key=True)
    hour: datetime = Field(primary_key=True, sa_type=_UTC)
    workflow: str = Field(primary_key=True)
    priced_from: datetime = Field(primary_key=True, sa_type=_UTC)
    invocations: Decimal
    task_attempts: Decimal
    execution_seconds: Decimal
    task_seconds: Decimal
    egress_bytes: Decimal
    journal_bytes: Decimal
