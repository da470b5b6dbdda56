"""What the journal's statement is given: rows of composite types; and whether an execution is known.

The version before this one knows nothing of them and goes on writing as it did.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # The classes of `journal/statement.py`, field by field.
    op.execute("""
        CREATE TYPE incoming_execution AS (
            tenant text,
            id uuid,
            first_sequence integer,
            events json,
            workflow text,
            version integer,
            plan text,
            status text,
            failure_code text,
            labels jsonb,
            submitted_at double precision,
            ended_at double precision,
            task_attempts integer,
            task_seconds double precision,
            egress_bytes bigint,
            journal_bytes bigint,
            owner uuid,
            epoch integer,
            run integer,
            key text,
            fingerprint text,
            revision integer,
            retried_by text
        )
    """)
    op.execute("CREATE TYPE incoming_source AS (tenant text, key text, source text)")
    op.execute("""
        CREATE TYPE incoming_letter AS (
            tenant text,
            id uuid,
            letter uuid,
            workflow text,
            version integer,
            task text,
            task_name text,
            reason text,
            failure json,
            failure_code text,
            attempts integer,
            at double precision
        )
    """)
    op.execute("""
        CREATE TYPE incoming_callback AS (tenant text, id uuid, run integer, url text, body text)
    """)
    op.execute("CREATE TYPE incoming_usage AS (tenant text, id uuid, usage uuid, event json)")
    # A function, so that the statement looks into one day where it has to, and plans for none of them.
    op.execute("""
        CREATE FUNCTION is_known(of_tenant text, execution uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
        BEGIN
            RETURN EXISTS (SELECT FROM executions WHERE tenant = of_tenant AND id = execution);
        END
        $$
    """)
