"""Alembic's entry: runs migrations on the connection `postgres.migration` hands over, inside its transaction."""

from alembic import context
from sqlmodel import SQLModel

from tenantry.controlplane.store import tables  # noqa: F401  (fills the metadata)

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
context.run_migrations()
