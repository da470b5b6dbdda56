"""Alembic's entry: runs migrations on the connection `postgres.migration` hands over, inside its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
context.run_migrations()
