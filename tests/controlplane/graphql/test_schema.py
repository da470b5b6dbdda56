"""The committed schema is the schema."""

from __future__ import annotations

from pathlib import Path

from tenantry.controlplane.graphql.schema import schema_text

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "schema.graphql"


def test_the_committed_schema_is_up_to_date() -> None:
    """Mended by: python -m tenantry.controlplane.graphql.schema > docs/reference/schema.graphql."""
    assert COMMITTED.read_text() == schema_text()
