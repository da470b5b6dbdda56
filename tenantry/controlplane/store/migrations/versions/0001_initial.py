"""Tenants, definitions, keys, bundles, usage, and row-level security on each of them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_UTC = sa.DateTime(timezone=True)
_TABLES = (
    "tenants",
    "definitions",
    "definition_versions",
    "definition_labels",
    "audit_log",
    "api_keys",
    "bundles",
    "rate_cards",
    "usage_events",
    "usage_hourly",
)


def upgrade() -> None:
    _create_tenant_tables()
    _create_definition_tables()
    _create_usage_tables()
    _create_tenant_role()
    for table in _TABLES:
        _guard(table)


def _text(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False, primary_key=primary_key)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.JSON(), nullable=False)


def _instant(name: str, *, nullable: bool = False, primary_key: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, _UTC, nullable=nullable, primary_key=primary_key)


def _create_tenant_tables() -> None:
    op.create_table(
        "tenants",
        _text("tenant", primary_key=True),
        _json("document"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
    )
    op.create_table(
        "api_keys",
        _text("tenant", primary_key=True),
        _text("id", primary_key=True),
        _text("name"),
        _text("role"),
        _text("hash"),
        _instant("created_at"),
        _instant("expires_at", nullable=True),
        _instant("revoked_at", nullable=True),
    )
    op.create_index(
        "api_keys_name_in_force",
        "api_keys",
        ["tenant", "name"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("api_keys_id", "api_keys", ["id"], unique=True)
    op.create_table(
        "audit_log",
        _text("tenant", primary_key=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _text("actor"),
        _text("action"),
        _text("target"),
        _json("details"),
        _instant("at"),
    )
    op.create_table(
        "bundles",
        _text("tenant", primary_key=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _text("digest"),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
    )


def _create_definition_tables() -> None:
    op.create_table(
        "definitions",
        _text("tenant", primary_key=True),
        _text("kind", primary_key=True),
        _text("name", primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("findings", postgresql.JSON(), nullable=True),
    )
    op.create_table(
        "definition_versions",
        _text("tenant", primary_key=True),
        _text("kind", primary_key=True),
        _text("name", primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        _text("digest"),
        _json("document"),
        _json("uses"),
        _text("author"),
        _instant("created_at"),
    )
    op.create_table(
        "definition_labels",
        _text("tenant", primary_key=True),
        _text("kind", primary_key=True),
        _text("name", primary_key=True),
        _text("label", primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
    )


def _meters() -> list[sa.Column[Decimal]]:
    names = ("invocations", "task_attempts", "execution_seconds", "task_seconds", "egress_bytes", "journal_bytes")
    return [sa.Column(name, sa.Numeric(), nullable=False) for name in names]


def _create_usage_tables() -> None:
    op.create_table(
        "rate_cards",
        _text("tenant", primary_key=True),
        _instant("effective_from", primary_key=True),
        _json("prices"),
        _text("author"),
    )
    op.create_table(
        "usage_events",
        _text("tenant", primary_key=True),
        _text("source", primary_key=True),
        _text("id", primary_key=True),
        _instant("occurred_at"),
        _instant("priced_from"),
        _text("workflow"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _text("execution_id"),
        _text("status"),
        _json("labels"),
        *_meters(),
    )
    op.create_table(
        "usage_hourly",
        _text("tenant", primary_key=True),
        _instant("hour", primary_key=True),
        _text("workflow", primary_key=True),
        _instant("priced_from", primary_key=True),
        *_meters(),
    )


def _create_tenant_role() -> None:
    # Roles belong to the whole server: another database's migration may be creating it at this moment.
    op.execute(
        """
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenantry_tenant') THEN
            CREATE ROLE tenantry_tenant NOLOGIN;
          END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(
        """
        DO $$ BEGIN
          IF NOT pg_has_role(current_user, 'tenantry_tenant', 'SET') THEN
            GRANT tenantry_tenant TO CURRENT_USER;
          END IF;
        END $$
        """
    )


def _guard(table: str) -> None:
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO tenantry_tenant")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY {table}_tenant ON {table} TO tenantry_tenant "
        "USING (tenant = current_setting('tenantry.tenant'))"
    )
