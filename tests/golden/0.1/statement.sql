WITH journaled AS (
    INSERT INTO journal (tenant, execution_id, first_sequence, events)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::integer[], $4::json[])
    ON CONFLICT DO NOTHING
), summarised AS (
    INSERT INTO executions (
        tenant, id, workflow, version, status, failure_code, labels, submitted_at, ended_at,
        task_attempts, task_seconds, egress_bytes, journal_bytes)
    SELECT tenant, id, workflow, version, status, failure_code, labels, to_timestamp(submitted_at),
        to_timestamp(ended_at), task_attempts, task_seconds, egress_bytes, journal_bytes
    FROM unnest(
        $1::text[], $2::uuid[], $5::text[], $6::integer[], $7::text[], $8::text[], $9::jsonb[],
        $10::double precision[], $11::double precision[], $12::integer[], $13::double precision[],
        $14::bigint[], $15::bigint[]
    ) AS summary (
        tenant, id, workflow, version, status, failure_code, labels, submitted_at, ended_at,
        task_attempts, task_seconds, egress_bytes, journal_bytes)
    ON CONFLICT (tenant, id) DO UPDATE SET
        status = excluded.status, failure_code = excluded.failure_code, ended_at = excluded.ended_at,
        task_attempts = excluded.task_attempts, task_seconds = excluded.task_seconds,
        egress_bytes = excluded.egress_bytes, journal_bytes = excluded.journal_bytes
    WHERE executions.ended_at IS NULL
)
INSERT INTO usage_outbox (id, event)
SELECT * FROM unnest($16::uuid[], $17::json[])
ON CONFLICT DO NOTHING
