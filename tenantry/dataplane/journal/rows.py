"""What one commit writes: a row per execution, and the single statement the journal's writer runs."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from uuid import UUID, uuid5

import msgspec

from tenantry.dataplane.engine.core.events import encode_events
from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus
from tenantry.language.values import canonical_json
from tenantry.protocol.callbacks import completion_body
from tenantry.protocol.usage import ExecutionUsage, UsageEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenantry.dataplane.engine.core.events import DeadLettered
    from tenantry.dataplane.engine.record import ExecutionRecord

NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""The owner of what was handed over: the next executor that looks takes it."""

_ENDED_AS: Final[Mapping[ExecutionStatus, Literal["completed", "failed", "cancelled"]]] = {
    ExecutionStatus.COMPLETED: "completed",
    ExecutionStatus.FAILED: "failed",
    ExecutionStatus.CANCELLED: "cancelled",
}
_EPOCH: Final = date(1970, 1, 1)
_MILLISECONDS_PER_DAY: Final = 86_400_000

STATEMENT: Final = """
WITH incoming AS (
    SELECT * FROM unnest(
        $1::text[], $2::uuid[], $3::integer[], $4::json[], $5::text[], $6::integer[], $7::text[], $8::text[],
        $9::text[], $10::jsonb[], $11::double precision[], $12::double precision[], $13::integer[],
        $14::double precision[], $15::bigint[], $16::bigint[], $17::uuid[], $18::integer[], $19::integer[],
        $20::text[], $21::text[], $22::integer[]
    ) AS one (
        tenant, id, first_sequence, events, workflow, version, plan, status, failure_code, labels,
        submitted_at, ended_at, task_attempts, task_seconds, egress_bytes, journal_bytes, owner, epoch, run,
        key, fingerprint, revision)
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
        AND (first_sequence = 1 OR EXISTS (
            SELECT FROM executions WHERE executions.tenant = incoming.tenant AND executions.id = incoming.id))
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
    SELECT * FROM unnest($23::text[], $24::text[], $25::text[])
    ON CONFLICT (tenant, key) DO UPDATE SET used_at = now()
), lettered AS (
    INSERT INTO dead_letters (
        tenant, execution_id, id, workflow, version, task, task_name, reason, failure, failure_code, attempts,
        created_at)
    SELECT tenant, id, letter, workflow, version, task, task_name, reason, failure, failure_code, attempts,
        to_timestamp(at)
    FROM unnest(
        $26::text[], $27::uuid[], $28::uuid[], $29::text[], $30::integer[], $31::text[], $32::text[],
        $33::text[], $34::json[], $35::text[], $36::integer[], $37::double precision[]
    ) AS one (
        tenant, id, letter, workflow, version, task, task_name, reason, failure, failure_code, attempts, at)
    JOIN summarised USING (tenant, id)
    ON CONFLICT DO NOTHING
), called_back AS (
    INSERT INTO callbacks (tenant, execution_id, run, url, body)
    SELECT tenant, id, run, url, body
    FROM unnest($38::text[], $39::uuid[], $40::integer[], $41::text[], $42::text[])
        AS one (tenant, id, run, url, body)
    JOIN summarised USING (tenant, id)
    ON CONFLICT DO NOTHING
), metered AS (
    INSERT INTO usage_outbox (id, event)
    SELECT usage, event
    FROM unnest($43::text[], $44::uuid[], $45::uuid[], $46::json[]) AS one (tenant, id, usage, event)
    JOIN summarised USING (tenant, id)
    ON CONFLICT DO NOTHING
)
SELECT id::text FROM summarised
"""
"""One statement, so one round trip and one transaction. It gives the executions that were ours to write: one
that another executor has taken has a later epoch; one whose idempotency key names another is not written, nor
is what goes on with an execution that is not there, such as one that retention has removed.

Running it twice leaves what running it once does: a commit whose acknowledgement was lost is sent again. One
that arrives late, after others, changes nothing: revisions only grow.
"""


class Row(NamedTuple):
    """What a commit writes of one execution; its tuples are in the statement's order."""

    record: ExecutionRecord
    characters: int
    columns: tuple[Any, ...]
    letters: tuple[tuple[Any, ...], ...] = ()
    callbacks: tuple[tuple[Any, ...], ...] = ()
    usage: tuple[tuple[Any, ...], ...] = ()

    @property
    def source_key(self) -> tuple[str, str] | None:
        """The plan's source it needs to be stored, if any."""
        source = self.record.source
        return None if source is None else (self.record.tenant, source.key)


_WIDTHS: Final = (22, 3, 12, 5, 4)


def arguments(rows: list[Row], sources: Mapping[tuple[str, str], str]) -> list[Any]:
    """The statement's arguments, in order, with the plans' sources that are to be stored."""
    tables = (
        [row.columns for row in rows],
        [(*key, content) for key, content in sources.items()],
        [letter for row in rows for letter in row.letters],
        [callback for row in rows for callback in row.callbacks],
        [usage for row in rows for usage in row.usage],
    )
    columns: list[Any] = []
    for table, width in zip(tables, _WIDTHS, strict=True):
        columns += zip(*table, strict=True) if table else [()] * width
    return columns


def parts(rows: list[Row], most_characters: int) -> list[list[Row]]:
    """The same rows, together as long as their events are not longer: one alone may be."""
    found: list[list[Row]] = []
    characters = 0
    for row in rows:
        characters += row.characters
        if not found or characters > most_characters:
            found.append([])
            characters = row.characters
        found[-1].append(row)
    return found


def take(records: Iterable[ExecutionRecord], source: str, owner: str) -> list[Row]:
    """Takes the records' pending events into rows; they are no longer pending afterwards.

    A record whose events cannot be written as JSON is marked unstorable and left out.

    Args:
        records: of executions about which something is to be written.
        source: names the process in usage events.
        owner: the executor that runs them.
    """
    rows: list[Row] = []
    for record in records:
        try:
            rows.append(_row(record, source, owner))
        except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
            record.unstorable = True
    return rows


def day_of(execution_id: str) -> date:
    """The day an execution began, which is in its id: the partition everything of it is in."""
    milliseconds = int(execution_id[:8] + execution_id[9:13], 16)
    return _EPOCH + timedelta(days=milliseconds // _MILLISECONDS_PER_DAY)


def _row(record: ExecutionRecord, source: str, owner: str) -> Row:
    segment = encode_events(record.pending).decode() if record.pending else None
    first_sequence = record.next_sequence
    letters = tuple(_letter(record, letter) for letter in record.letters)
    characters = 0 if segment is None else len(segment)
    ends = segment is not None and record.status in ENDED
    record.written(characters)
    return Row(
        record=record,
        characters=characters,
        columns=(
            record.tenant,
            record.id,
            first_sequence,
            segment,
            record.plan.workflow,
            record.plan.version,
            record.source.key if record.source is not None else "",
            record.status.value,
            record.failure_code,
            canonical_json(dict(record.plan.labels)).decode(),
            record.submitted_at,
            record.ended_at,
            record.task_attempts,
            record.task_seconds,
            record.egress_bytes,
            record.journal_bytes,
            _owner(record, owner),
            record.epoch,
            record.run,
            record.key.key if record.key is not None else None,
            record.key.fingerprint if record.key is not None else None,
            record.revision,
        ),
        letters=letters,
        callbacks=(_callback(record),) if ends and record.callback else (),
        usage=(_usage(record, source),) if ends else (),
    )


def _owner(record: ExecutionRecord, owner: str) -> str | None:
    if record.status in ENDED:
        return None
    if record.lost:
        return NOBODY  # we have stopped running it: if it is still ours to write, somebody else must go on
    if record.released:
        return None if record.status is ExecutionStatus.PAUSED else NOBODY
    return owner


def _letter(record: ExecutionRecord, letter: DeadLettered) -> tuple[Any, ...]:
    return (
        record.tenant,
        record.id,
        _letter_id(record, letter),
        record.plan.workflow,
        record.plan.version,
        letter.task,
        letter.task_name,
        letter.reason.value,
        msgspec.json.encode(letter.failure).decode(),
        letter.failure.code.value,
        letter.attempts,
        letter.at,
    )


def _letter_id(record: ExecutionRecord, letter: DeadLettered) -> str:
    """The same for the same letter, and ordered by time: a UUIDv7 whose random bits are a digest."""
    name = f"{record.id}/{record.run}/{letter.task}"
    tail = int.from_bytes(hashlib.sha256(name.encode()).digest()[:10])
    number = (int(letter.at * 1000) << 80 | tail) & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(UUID(int=number & (1 << 128) - 1))


def _callback(record: ExecutionRecord) -> tuple[Any, ...]:
    body = completion_body(
        execution_id=record.id,
        tenant=record.tenant,
        workflow=record.plan.workflow,
        version=record.plan.version,
        run=record.run,
        status=_ENDED_AS[record.status],
        ended_at=record.ended_at or record.submitted_at,
        output=record.output,
        failure=record.failure,
    )
    return record.tenant, record.id, record.run, record.callback, body


def _usage(record: ExecutionRecord, source: str) -> tuple[str, str, str, str]:
    """What the present run used; each run is told of by an event of its own."""
    ended_at = record.ended_at or record.submitted_at
    before = record.before
    event = UsageEvent(
        id=record.id if record.run == 1 else str(uuid5(UUID(record.id), str(record.run))),
        source=source,
        subject=f"{record.tenant}/{record.plan.workflow}",
        time=datetime.fromtimestamp(ended_at, UTC).isoformat(),
        data=ExecutionUsage(
            tenant=record.tenant,
            workflow=record.plan.workflow,
            version=record.plan.version,
            execution_id=record.id,
            status=_ENDED_AS[record.status],
            labels=dict(record.plan.labels),
            task_attempts=record.task_attempts - before.task_attempts,
            execution_seconds=max(0.0, ended_at - record.run_began_at),
            task_seconds=max(0.0, record.task_seconds - before.task_seconds),
            egress_bytes=record.egress_bytes - before.egress_bytes,
            journal_bytes=record.journal_bytes - before.journal_bytes,
        ),
    )
    return record.tenant, record.id, event.id, msgspec.json.encode(event).decode()
