"""The journal's one statement: what a commit writes of many executions, in one round trip and transaction.

Its parameters are arrays of composite types, one per table, which the migrations name as the classes here do:
encoding columns as arrays takes several times as long. Used by the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.dataplane.journal.rows import Row


class IncomingExecution(NamedTuple):
    """What is written of an execution: its summary, and a segment of its events."""

    tenant: str
    id: str
    first_sequence: int
    events: str | None
    workflow: str
    version: int
    plan: str
    status: str
    failure_code: str
    labels: str
    submitted_at: float
    ended_at: float | None
    task_attempts: int
    task_seconds: float
    egress_bytes: int
    journal_bytes: int
    owner: str | None
    epoch: int
    run: int
    key: str | None
    fingerprint: str | None
    revision: int
    retried_by: str | None


class IncomingSource(NamedTuple):
    """What a plan is compiled from."""

    tenant: str
    key: str
    source: str


class IncomingLetter(NamedTuple):
    """A dead letter of the execution `id`."""

    tenant: str
    id: str
    letter: str
    workflow: str
    version: int
    task: str
    task_name: str
    reason: str
    failure: str
    failure_code: str
    attempts: int
    at: float


class IncomingCallback(NamedTuple):
    """Where the end of the execution `id` is told, and what."""

    tenant: str
    id: str
    run: int
    url: str
    body: str


class IncomingUsage(NamedTuple):
    """What the execution `id` used: an event with an id of its own."""

    tenant: str
    id: str
    usage: str
    event: str


STATEMENT: Final = """
WITH incoming AS (
    SELECT * FROM unnest($1::incoming_execution[])
), keyed AS (
    INSERT INTO idempotency_keys AS kept (tenant, key, fingerprint, execution_id, expires_at)
    SELECT DISTINCT ON (tenant, key) tenant, key, fingerprint, id, now() + interval '24 hours'
    FROM incoming WHERE key IS NOT NULL
    ON CONFLICT (tenant, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, execution_id = excluded.execution_id,
        expires_at = CASE WHEN kept.execution_id = excluded.execution_id THEN kept.expires_at
                          ELSE excluded.expires_at END
    WHERE kept.execution_id = excluded.execution_id OR kept.expires_at <= now()
    RETURNING tenant, execution_id
), summarised AS (
    INSERT INTO executions AS known (
        tenant, id, workflow, version, plan, status, failure_code, labels, submitted_at, ended_at,
        task_attempts, task_seconds, egress_bytes, journal_bytes, owner, epoch, run, revision)
    SELECT tenant, id, workflow, version, plan, status, failure_code, labels, to_timestamp(submitted_at),
        to_timestamp(ended_at), task_attempts, task_seconds, egress_bytes, journal_bytes, owner, epoch, run,
        revision
    FROM incoming
    WHERE (key IS NULL OR (tenant, id) IN (SELECT tenant, execution_id FROM keyed))
        AND (first_sequence = 1 OR is_known(tenant, id))
    ON CONFLICT (tenant, id) DO UPDATE SET
        status = excluded.status, failure_code = excluded.failure_code, ended_at = excluded.ended_at,
        task_attempts = excluded.task_attempts, task_seconds = excluded.task_seconds,
        egress_bytes = excluded.egress_bytes, journal_bytes = excluded.journal_bytes,
        owner = excluded.owner, run = excluded.run, revision = excluded.revision
    WHERE known.epoch = excluded.epoch AND known.revision <= excluded.revision
    RETURNING tenant, id
), journaled AS (
    INSERT INTO journal (tenant, execution_id, first_sequence, events)
    SELECT tenant, id, first_sequence, events FROM incoming JOIN summarised USING (tenant, id)
    WHERE events IS NOT NULL
    ON CONFLICT DO NOTHING
), sourced AS (
    INSERT INTO plan_sources (tenant, key, source)
    SELECT tenant, key, source FROM unnest($2::incoming_source[])
    ON CONFLICT (tenant, key) DO UPDATE SET used_at = now()
), open_letters AS (
    SELECT letter.tenant, letter.id, retried_by
    FROM dead_letters AS letter
    JOIN incoming ON letter.tenant = incoming.tenant AND letter.execution_id = incoming.id
    JOIN summarised ON letter.tenant = summarised.tenant AND letter.execution_id = summarised.id
    WHERE retried_by IS NOT NULL AND letter.status = 'open'
    ORDER BY letter.id FOR UPDATE OF letter
), answered AS (
    UPDATE dead_letters AS letter
    SET status = 'retried', changed_at = now(), changed_by = retried_by, claimed_until = NULL
    FROM open_letters WHERE letter.tenant = open_letters.tenant AND letter.id = open_letters.id
), lettered AS (
    INSERT INTO dead_letters (
        tenant, execution_id, id, workflow, version, task, task_name, reason, failure, failure_code, attempts,
        created_at)
    SELECT tenant, id, letter, workflow, version, task, task_name, reason, failure, failure_code, attempts,
        to_timestamp(at)
    FROM unnest($3::incoming_letter[])
    JOIN summarised USING (tenant, id)
    ON CONFLICT DO NOTHING
), called_back AS (
    INSERT INTO callbacks (tenant, execution_id, run, url, body)
    SELECT tenant, id, run, url, body
    FROM unnest($4::incoming_callback[])
    JOIN summarised USING (tenant, id)
    ON CONFLICT DO NOTHING
), metered AS (
    INSERT INTO usage_outbox (id, event)
    SELECT usage, event
    FROM unnest($5::incoming_usage[])
    JOIN summarised USING (tenant, id)
    ON CONFLICT DO NOTHING
)
SELECT id::text FROM summarised
"""
"""One statement, so one round trip and one transaction. It gives the executions that were ours to write: one
that another executor has taken has a later epoch; one whose idempotency key names another is not written, nor
is what goes on with an execution that is not there, such as one that retention has removed.

A retry answers the execution's open dead letters, all but those of the same commit; they are locked in the
order of their ids, as whoever acts on them locks them.

Running it twice leaves what running it once does: a commit whose acknowledgement was lost is sent again. One
that arrives late, after others, changes nothing: revisions only grow.
"""


def arguments(rows: list[Row], sources: Mapping[tuple[str, str], str]) -> list[list[Any]]:
    """The statement's arguments, in order, with the plans' sources that are to be stored."""
    return [
        [row.execution for row in rows],
        [IncomingSource(*key, content) for key, content in sources.items()],
        [letter for row in rows for letter in row.letters],
        [callback for row in rows for callback in row.callbacks],
        [usage for row in rows for usage in row.usage],
    ]
