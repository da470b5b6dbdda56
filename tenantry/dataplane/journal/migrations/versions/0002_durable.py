"""Executions that outlive their executor: owners and epochs, plans, keys, dead letters, callbacks; days as partitions.

Ids are UUIDv7, ordered by time: a partition by range of ids holds a day, and everything an execution ever writes
stays in the day of its beginning (`journal.rows.day_of`). The former tables are copied under a lock. The
version before this one may go on writing while this runs and after it: what it does not know has a default.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("DROP VIEW events")
    # In the order in which the writer's statement locks them: or each would wait for the other.
    op.execute("LOCK TABLE journal, executions IN ACCESS EXCLUSIVE MODE")
    for table in ("executions", "journal"):
        op.execute(f"ALTER TABLE {table} RENAME TO former_{table}")
        op.execute(f"ALTER INDEX {table}_pkey RENAME TO former_{table}_pkey")
    op.execute("ALTER INDEX executions_by_workflow RENAME TO former_executions_by_workflow")
    op.execute("""
        CREATE TABLE executions (
            tenant text NOT NULL,
            id uuid NOT NULL,
            workflow text NOT NULL,
            version integer NOT NULL,
            plan text NOT NULL DEFAULT '',
            status text NOT NULL,
            failure_code text NOT NULL,
            labels jsonb NOT NULL,
            submitted_at timestamptz NOT NULL,
            ended_at timestamptz,
            task_attempts integer NOT NULL,
            task_seconds double precision NOT NULL,
            egress_bytes bigint NOT NULL,
            journal_bytes bigint NOT NULL,
            owner uuid,
            epoch integer NOT NULL DEFAULT 1,
            revision integer NOT NULL DEFAULT 0,
            run integer NOT NULL DEFAULT 1,
            trace_deleted_at timestamptz,
            deleted_at timestamptz,
            PRIMARY KEY (tenant, id)
        ) PARTITION BY RANGE (id)
    """)
    op.execute("CREATE INDEX executions_by_workflow ON executions (tenant, workflow, id)")
    # What is not running has no owner: the index holds what an executor that died would leave behind.
    op.execute("CREATE INDEX executions_by_owner ON executions (owner) WHERE owner IS NOT NULL")
    # What has expired, for retention to find again: writers, whose rows are in neither, pay nothing for them.
    op.execute("CREATE INDEX executions_deleted ON executions (tenant, id) WHERE deleted_at IS NOT NULL")
    op.execute("""
        CREATE INDEX executions_without_trace ON executions (tenant, id) WHERE trace_deleted_at IS NOT NULL
    """)
    op.execute("""
        CREATE TABLE journal (
            tenant text NOT NULL,
            execution_id uuid NOT NULL,
            first_sequence integer NOT NULL,
            events json NOT NULL,
            PRIMARY KEY (tenant, execution_id, first_sequence)
        ) PARTITION BY RANGE (execution_id)
    """)
    op.execute("""
        CREATE FUNCTION first_id_of(day date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
            SELECT rpad(lpad(to_hex((day - date '1970-01-01')::bigint * 86400000), 12, '0'), 32, '0')::uuid
        $$
    """)
    op.execute("""
        CREATE FUNCTION day_of(id uuid) RETURNS date LANGUAGE sql IMMUTABLE AS $$
            SELECT date '1970-01-01'
                + (('x0000' || left(replace(id::text, '-', ''), 12))::bit(64)::bigint / 86400000)::integer
        $$
    """)
    # Created beside the parent and then attached: writers of other days go on meanwhile. One at a time, or the
    # second of two who want the same day would fail.
    op.execute("""
        CREATE FUNCTION ensure_day(day date) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            parent text;
            part text;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('tenantry ensure_day', 0));
            FOREACH parent IN ARRAY ARRAY['executions', 'journal'] LOOP
                part := parent || '_' || to_char(day, 'YYYYMMDD');
                CONTINUE WHEN to_regclass(part) IS NOT NULL;
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', part, parent);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                               parent, part, first_id_of(day), first_id_of(day + 1));
            END LOOP;
        END
        $$
    """)
    op.execute("""
        SELECT ensure_day(day) FROM (
            SELECT day_of(id) FROM former_executions
            UNION SELECT day_of(execution_id) FROM former_journal
            UNION SELECT current_date + ahead FROM generate_series(0, 2) AS ahead
        ) AS days (day)
    """)
    op.execute("""
        INSERT INTO executions (tenant, id, workflow, version, status, failure_code, labels, submitted_at, ended_at,
                                task_attempts, task_seconds, egress_bytes, journal_bytes)
        SELECT tenant, id, workflow, version, status, failure_code, labels, submitted_at, ended_at,
               task_attempts, task_seconds, egress_bytes, journal_bytes
        FROM former_executions
    """)
    op.execute("INSERT INTO journal SELECT * FROM former_journal")
    op.execute("DROP TABLE former_executions, former_journal")
    op.execute("""
        CREATE VIEW events AS
        SELECT tenant, execution_id, first_sequence + ordinality::integer - 1 AS sequence,
               event ->> 'type' AS type, to_timestamp((event ->> 'at')::double precision) AS at, event AS data
        FROM journal, json_array_elements(journal.events) WITH ORDINALITY AS element (event, ordinality)
    """)
    op.execute("""
        CREATE TABLE plan_sources (
            tenant text NOT NULL,
            key text NOT NULL,
            source text NOT NULL,
            used_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant, key)
        )
    """)
    op.execute("""
        CREATE TABLE executors (
            id uuid PRIMARY KEY,
            name text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT now(),
            lease_expires_at timestamptz NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE commands (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            owner uuid NOT NULL,
            tenant text NOT NULL,
            execution_id uuid NOT NULL,
            kind text NOT NULL,
            actor text NOT NULL,
            given_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX commands_by_owner ON commands (owner, id)")
    op.execute("""
        CREATE TABLE idempotency_keys (
            tenant text NOT NULL,
            key text NOT NULL,
            fingerprint text NOT NULL,
            execution_id uuid NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (tenant, key)
        )
    """)
    op.execute("CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at)")
    op.execute("""
        CREATE TABLE dead_letters (
            tenant text NOT NULL,
            id uuid NOT NULL,
            execution_id uuid NOT NULL,
            workflow text NOT NULL,
            version integer NOT NULL,
            task text NOT NULL,
            task_name text NOT NULL,
            reason text NOT NULL,
            failure json NOT NULL,
            failure_code text NOT NULL,
            attempts integer NOT NULL,
            created_at timestamptz NOT NULL,
            status text NOT NULL DEFAULT 'open',
            changed_at timestamptz,
            changed_by text,
            retried_as uuid,
            claim uuid,
            claimed_until timestamptz,
            PRIMARY KEY (tenant, id)
        )
    """)
    op.execute("CREATE INDEX dead_letters_by_status ON dead_letters (tenant, status, id)")
    op.execute("CREATE INDEX dead_letters_by_workflow ON dead_letters (tenant, workflow, id)")
    op.execute("CREATE INDEX dead_letters_by_execution ON dead_letters (tenant, execution_id)")
    op.execute("""
        CREATE TABLE callbacks (
            tenant text NOT NULL,
            execution_id uuid NOT NULL,
            run integer NOT NULL,
            url text NOT NULL,
            body text NOT NULL,
            status text NOT NULL DEFAULT 'pending',
            attempts integer NOT NULL DEFAULT 0,
            next_at timestamptz NOT NULL DEFAULT now(),
            answered integer,
            error text,
            created_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz,
            deleted_at timestamptz,
            PRIMARY KEY (tenant, execution_id, run)
        )
    """)
    # By tenant: whoever sends takes of each its oldest, and finds the tenants that wait by skipping through this.
    op.execute("CREATE INDEX callbacks_due ON callbacks (tenant, next_at) WHERE status = 'pending'")
    op.execute("CREATE INDEX callbacks_by_status ON callbacks (tenant, status, execution_id, run)")
    op.execute("""
        CREATE INDEX callbacks_deleted ON callbacks (tenant, execution_id) WHERE deleted_at IS NOT NULL
    """)
    op.execute("""
        CREATE TABLE cleanup_log (
            tenant text NOT NULL,
            id uuid NOT NULL,
            actor text NOT NULL,
            dry_run boolean NOT NULL,
            started_at timestamptz NOT NULL,
            ended_at timestamptz NOT NULL,
            counts jsonb NOT NULL,
            error text,
            deleted_at timestamptz,
            PRIMARY KEY (tenant, id)
        )
    """)
