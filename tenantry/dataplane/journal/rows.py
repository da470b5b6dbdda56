"""What one commit writes: columns for the single statement the journal's writer runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from tenantry.dataplane.engine.core.events import encode_events
from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus
from tenantry.language.values import canonical_json
from tenantry.protocol.usage import ExecutionUsage, UsageEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenantry.dataplane.engine.record import ExecutionRecord

_ENDED_AS: Final[Mapping[ExecutionStatus, Literal["completed", "failed", "cancelled"]]] = {
    ExecutionStatus.COMPLETED: "completed",
    ExecutionStatus.FAILED: "failed",
    ExecutionStatus.CANCELLED: "cancelled",
}

STATEMENT: Final = """
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
"""
"""One statement, so one round trip and one transaction. Running it twice leaves what running it once does: a
commit whose acknowledgement was lost is simply sent again."""


@dataclass(slots=True)
class Rows:
    """The columns of a commit, index by index the same execution; the last two only for those that ended."""

    tenants: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    first_sequences: list[int] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    workflows: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    failure_codes: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    submitted_at: list[float] = field(default_factory=list)
    ended_at: list[float | None] = field(default_factory=list)
    task_attempts: list[int] = field(default_factory=list)
    task_seconds: list[float] = field(default_factory=list)
    egress_bytes: list[int] = field(default_factory=list)
    journal_bytes: list[int] = field(default_factory=list)
    usage_ids: list[str] = field(default_factory=list)
    usage_events: list[str] = field(default_factory=list)

    def arguments(self) -> tuple[list[Any], ...]:
        """The statement's arguments, in order."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def singles(self) -> list[Rows]:
        """The same rows, one execution each."""
        return self.parts(0)

    def parts(self, most_characters: int) -> list[Rows]:
        """The same rows, together as long as their events are not longer: one alone may be."""
        if sum(map(len, self.segments)) <= most_characters:
            return [self]
        parts: list[list[int]] = []
        characters = 0
        for index, segment in enumerate(self.segments):
            characters += len(segment)
            if not parts or characters > most_characters:
                parts.append([])
                characters = len(segment)
            parts[-1].append(index)
        return [self._only(part) for part in parts]

    def _only(self, indices: list[int]) -> Rows:
        ids = {self.ids[index] for index in indices}
        usage = [at for at, id_ in enumerate(self.usage_ids) if id_ in ids]
        columns = {
            name: [getattr(self, name)[at] for at in (usage if name.startswith("usage_") else indices)]
            for name in self.__slots__
        }
        return Rows(**columns)


def take(records: Iterable[ExecutionRecord], source: str) -> Rows:
    """Takes the records' pending events into rows; they are no longer pending afterwards.

    A record whose events cannot be written as JSON is marked unstorable and left out.
    """
    rows = Rows()
    for record in records:
        try:
            segment = encode_events(record.pending)
        except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
            record.unstorable = True
            continue
        rows.first_sequences.append(record.next_sequence)
        record.next_sequence += len(record.pending)
        record.pending = []
        record.journal_bytes += len(segment)
        _add(rows, record, segment.decode())
        if record.status in ENDED:
            rows.usage_ids.append(record.id)
            rows.usage_events.append(msgspec.json.encode(_usage(record, source)).decode())
    return rows


def _add(rows: Rows, record: ExecutionRecord, segment: str) -> None:
    rows.tenants.append(record.tenant)
    rows.ids.append(record.id)
    rows.segments.append(segment)
    rows.workflows.append(record.plan.workflow)
    rows.versions.append(record.plan.version)
    rows.statuses.append(record.status.value)
    rows.failure_codes.append(record.failure_code)
    rows.labels.append(canonical_json(dict(record.plan.labels)).decode())
    rows.submitted_at.append(record.submitted_at)
    rows.ended_at.append(record.ended_at)
    rows.task_attempts.append(record.task_attempts)
    rows.task_seconds.append(record.task_seconds)
    rows.egress_bytes.append(record.egress_bytes)
    rows.journal_bytes.append(record.journal_bytes)


def _usage(record: ExecutionRecord, source: str) -> UsageEvent:
    ended_at = record.ended_at or record.submitted_at
    return UsageEvent(
        id=record.id,
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
            task_attempts=record.task_attempts,
            execution_seconds=ended_at - record.submitted_at,
            task_seconds=record.task_seconds,
            egress_bytes=record.egress_bytes,
            journal_bytes=record.journal_bytes,
        ),
    )
