"""The record of one execution: what listing, metering and the journal's writer need beside its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tenantry.dataplane.engine.core.events import (
    DeadLettered,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    TaskStarted,
    WorkflowRetried,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent, Failure
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import Plan
    from tenantry.language.values import Json
    from tenantry.tenants.identity import TenantId

MAX_OUTPUT_BYTES: Final = 32 * 1024 * 1024
"""What the outputs of all tasks of an execution may take as JSON: they are kept until its end."""

_UNTIMED: Final = frozenset({FailureCode.INTERRUPTED, FailureCode.OUTCOME_UNKNOWN})
"""Ends of attempts that nobody saw: how long they took, nobody knows."""

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What a caller calls its request, and a digest of what it asks for."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PlanSource:
    """What a plan was made from, for whoever goes on with an execution; `key` is a digest of all of it."""

    key: str
    content: str


class Meters(NamedTuple):
    """What an execution has used. Attempts and bytes are counts; seconds are those of attempts that ended."""

    task_attempts: int = 0
    task_seconds: float = 0.0
    egress_bytes: int = 0
    journal_bytes: int = 0


class ExecutionRecord:
    """One execution's summary and the events not yet handed to the database.

    Attributes:
        epoch: grows with every executor that takes it; who writes with an older one writes nothing.
        revision: counts what was written under this epoch.
        run: how often it was started.
        run_began_at: when the present run was.
        retried_by: who began it, while that is among the pending events.
        before: what the runs before the present one used.
        source: of its plan; `None` where nobody will go on with it.
        key: the caller's name for the request.
        callback: where its end is told; empty for nowhere.
        traceparent: the trace context its caller sent; mostly empty.
        output: what it completed with; `failure`: what it failed with.
        told: all its events, where somebody wants to be told of them at its end.
        pending: events recorded and not yet taken by the journal's writer.
        letters: those of the pending events that are dead letters.
        next_sequence: sequence number of the first pending event; numbers have no gaps.
        output_bytes: of the tasks' outputs taken in, as JSON.
        released: nobody runs it any more, though it has not ended.
        lost: another executor has taken it, or its key belongs to another: nothing of it is written any more.
        unstorable: the database refuses what was recorded.
    """

    __slots__ = (
        "_attempt_began", "before", "callback", "egress_bytes", "ended_at", "epoch", "failure",
        "id", "journal_bytes", "key", "letters", "lost", "next_sequence", "output", "output_bytes",
        "pending", "plan", "released", "retried_by", "revision", "run", "run_began_at", "source",
        "status", "submitted_at", "task_attempts", "task_seconds", "tenant", "told", "traceparent",
        "unstorable",
    )  # fmt: skip

    def __init__(
        self,
        tenant: TenantId,
        execution_id: str,
        plan: Plan,
        submitted_at: float,
        *,
        source: PlanSource | None = None,
        key: IdempotencyKey | None = None,
    ) -> None:
        self.tenant, self.id, self.plan, self.submitted_at = tenant, execution_id, plan, submitted_at
        self.source, self.key = source, key
        self.epoch = self.run = 1
        self.revision = 0
        self.run_began_at = submitted_at
        self.before = Meters()
        self.callback = self.traceparent = self.retried_by = ""
        self.status = ExecutionStatus.SUBMITTED
        self.ended_at: float | None = None
        self.failure: Failure | None = None
        self.pending: list[AnyEvent] = []
        self.letters: list[DeadLettered] = []
        self.told: list[AnyEvent] | None = None
        self.next_sequence = 1
        self.task_attempts = 0
        self.task_seconds = 0.0
        self.egress_bytes = 0
        self.journal_bytes = 0
        self.output_bytes = 0
        self.released = self.lost = self.unstorable = False
        self.output: Json = None
        self._attempt_began: dict[str, float] = {}

    @property
    def meters(self) -> Meters:
        """What all its runs used."""
        return Meters(self.task_attempts, self.task_seconds, self.egress_bytes, self.journal_bytes)

    @property
    def failure_code(self) -> str:
        """Why it failed; empty otherwise."""
        return "" if self.failure is None else self.failure.code.value

    def take_in(self, output: Json) -> bool:
        """Counts a task's output, if there is room for it."""
        size = self.output_bytes + len(_encode(output))
        if size > MAX_OUTPUT_BYTES:
            return False
        self.output_bytes = size
        return True

    def add(self, events: list[AnyEvent], state: ExecutionState) -> None:
        """Takes note of events the state has just folded."""
        self.pending += events
        if self.told is not None:
            self.told += events
        for event in events:
            kind = type(event)
            if kind is TaskStarted or kind is TaskCompleted or kind is TaskFailed:
                self._meter(event)  # type: ignore[arg-type]  # its kind was asked; isinstance costs more
            elif kind is DeadLettered:
                self.letters.append(event)  # type: ignore[arg-type]  # as above
            elif kind is WorkflowSubmitted:
                self.callback, self.traceparent = event.callback, event.traceparent  # type: ignore[union-attr]  # as above
            elif kind is WorkflowRetried:
                self.run, self.before, self.run_began_at = state.run, self.meters, event.at
                self.retried_by = event.actor  # type: ignore[union-attr]  # as above
        self.status = state.status
        if state.status in ENDED:
            self.ended_at = state.last_at
            self.failure, self.output = state.failure, state.output
        else:
            self.ended_at = self.failure = None

    def written(self, segment_bytes: int) -> None:
        """The pending events have been taken, as one segment of so many bytes."""
        self.revision += 1
        self.next_sequence += len(self.pending)
        self.pending, self.letters, self.retried_by = [], [], ""
        self.journal_bytes += segment_bytes

    def _meter(self, event: TaskStarted | TaskCompleted | TaskFailed) -> None:
        if isinstance(event, TaskStarted):
            self.task_attempts += 1
            self._attempt_began[event.task] = event.at
        else:
            began = self._attempt_began.pop(event.task, event.at)
            if not (isinstance(event, TaskFailed) and event.failure.code in _UNTIMED):
                self.task_seconds += max(0.0, event.at - began)  # clocks may fall back
            self.egress_bytes += event.egress_bytes
