"""What one commit writes of each execution: its row in the statement, and what goes beside it."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from uuid import UUID, uuid5

import msgspec

from tenantry.dataplane.engine.core.events import encode_events
from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus
from tenantry.dataplane.journal.statement import (
    IncomingCallback,
    IncomingExecution,
    IncomingLetter,
    IncomingUsage,
)
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
_REMEMBERED_LABELS: Final = 4096
_LOG = logging.getLogger(__name__)


class Row(NamedTuple):
    """What a commit writes of one execution."""

    record: ExecutionRecord
    execution: IncomingExecution
    letters: tuple[IncomingLetter, ...] = ()
    callbacks: tuple[IncomingCallback, ...] = ()
    usage: tuple[IncomingUsage, ...] = ()

    @property
    def characters(self) -> int:
        """Of its events."""
        return len(self.execution.events or "")

    @property
    def source_key(self) -> tuple[str, str] | None:
        """The plan's source it needs to be stored, if any."""
        source = self.record.source
        return None if source is None else (self.record.tenant, source.key)


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

    A record that cannot be made a row of, such as of what cannot be written as JSON, is marked unstorable and
    left out: the writer writes for everybody, and nothing about one execution may end it.

    Args:
        records: of executions about which something is to be written.
        source: names the process in usage events.
        owner: the executor that runs them.
    """
    rows: list[Row] = []
    for record in records:
        try:
            rows.append(_row(record, source, owner))
        except Exception:  # noqa: BLE001  (see above)
            _LOG.exception("execution %s cannot be written", record.id)
            record.unstorable = True
    return rows


def day_of(execution_id: str) -> date:
    """The day an execution began, which is in its id: the partition everything of it is in."""
    milliseconds = int(execution_id[:8] + execution_id[9:13], 16)
    return _EPOCH + timedelta(days=milliseconds // _MILLISECONDS_PER_DAY)


def _row(record: ExecutionRecord, source: str, owner: str) -> Row:
    segment = encode_events(record.pending).decode() if record.pending else None
    first_sequence, retried_by = record.next_sequence, record.retried_by
    letters = tuple(_letter(record, letter) for letter in record.letters)
    ends = segment is not None and record.status in ENDED
    key = record.key if first_sequence == 1 else None  # it is taken when the execution begins
    record.written(0 if segment is None else len(segment))
    return Row(
        record=record,
        execution=IncomingExecution(
            record.tenant,
            record.id,
            first_sequence,
            segment,
            record.plan.workflow,
            record.plan.version,
            record.source.key if record.source is not None else "",
            record.status.value,
            record.failure_code,
            _labels_text(record.plan.labels),
            _instant(record.submitted_at),
            None if record.ended_at is None else _instant(record.ended_at),
            record.task_attempts,
            record.task_seconds,
            record.egress_bytes,
            record.journal_bytes,
            _owner(record, owner),
            record.epoch,
            record.run,
            None if key is None else key.key,
            None if key is None else key.fingerprint,
            record.revision,
            retried_by or None,
        ),
        letters=letters,
        callbacks=(_callback(record),) if ends and record.callback else (),
        usage=(_usage(record, source),) if ends else (),
    )


def _instant(at: float) -> float:
    """In whole microseconds: of others PostgreSQL now and then makes the one beside Python's."""
    return round(at, 6)


@lru_cache(_REMEMBERED_LABELS)
def _labels_text(labels: tuple[tuple[str, str], ...]) -> str:
    return canonical_json(dict(labels)).decode()


def _owner(record: ExecutionRecord, owner: str) -> str | None:
    if record.status in ENDED:
        return None
    if record.lost:
        return NOBODY  # we have stopped running it: if it is still ours to write, somebody else must go on
    if record.released:
        return None if record.status is ExecutionStatus.PAUSED else NOBODY
    return owner


def _letter(record: ExecutionRecord, letter: DeadLettered) -> IncomingLetter:
    return IncomingLetter(
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
        _instant(letter.at),
    )


def _letter_id(record: ExecutionRecord, letter: DeadLettered) -> str:
    """The same for the same letter, and ordered by time: a UUIDv7 whose random bits are a digest."""
    name = f"{record.id}/{record.run}/{letter.task}"
    tail = int.from_bytes(hashlib.sha256(name.encode()).digest()[:10])
    number = (int(letter.at * 1000) << 80 | tail) & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    return str(UUID(int=number & (1 << 128) - 1))


def _callback(record: ExecutionRecord) -> IncomingCallback:
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
    return IncomingCallback(record.tenant, record.id, record.run, record.callback, body)


def _usage(record: ExecutionRecord, source: str) -> IncomingUsage:
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
    return IncomingUsage(record.tenant, record.id, event.id, msgspec.json.encode(event).decode())
