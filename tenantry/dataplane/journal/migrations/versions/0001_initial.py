"""Executions, their journal, the usage outbox.

The journal holds one row per execution and commit, with that commit's events in a JSON array: a third of the cost
of a row per event (docs/decisions/0006-journal-segments.md). The view `events` shows them one by one. `json`
instead of `jsonb`: it is written once and read whole, and not parsed into a tree on every insert.
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE executions (
            tenant text NOT NULL,
            id uuid NOT NULL,
            workflow text NOT NULL,
            version integer NOT NULL,
            status text NOT NULL,
            failure_code text NOT NULL,
            labels jsonb NOT NULL,
            submitted_at timestamptz NOT NULL,
            ended_at timestamptz,
            task_attempts integer NOT NULL,
            task_seconds double precision NOT NULL,
            egress_bytes bigint NOT NULL,
            journal_bytes bigint NOT NULL,
            PRIMARY KEY (tenant, id)
        )
    """)
    # Ids are UUIDv7: ordered by time, so this index pages through a workflow's history newest first.
    op.execute("CREATE INDEX executions_by_workflow ON executions (tenant, workflow, id)")
    op.execute("""
        CREATE TABLE journal (
            tenant text NOT NULL,
            execution_id uuid NOT NULL,
            first_sequence integer NOT NULL,
            events json NOT NULL,
            PRIMARY KEY (tenant, execution_id, first_sequence)
        )
    """)
    op.execute("""
        CREATE VIEW events AS
        SELECT tenant, execution_id, first_sequence + ordinality::integer - 1 AS sequence,
               event ->> 'type' AS type, to_timestamp((event ->> 'at')::double precision) AS at, event AS data
        FROM journal, json_array_elements(journal.events) WITH ORDINALITY AS element (event, ordinality)
    """)
    op.execute("""
        CREATE TABLE usage_outbox (
            id uuid PRIMARY KEY,
            event json NOT NULL,
            refused text
        )
    """)
