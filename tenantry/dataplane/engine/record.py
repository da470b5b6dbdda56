"""The record of one execution: what listing, metering and the journal's writer need beside its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tenantry.dataplane.engine.core.events import TaskCompleted, TaskFailed, TaskStarted
from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import Plan
    from tenantry.language.values import Json
    from tenantry.tenants.identity import TenantId

MAX_OUTPUT_BYTES: Final = 32 * 1024 * 1024
"""What the outputs of all tasks of an execution may take as JSON: they are kept until its end."""

_encode: Final = msgspec.json.Encoder().encode


class ExecutionRecord:
    """One execution's summary and the events not yet handed to the database.

    Attributes:
        failure_code: why it failed; empty otherwise.
        pending: events recorded and not yet taken by the journal's writer.
        next_sequence: sequence number of the first pending event; numbers have no gaps.
        task_seconds: sum over all attempts that ended.
        egress_bytes: request bytes sent upstream.
        journal_bytes: event bytes written.
        output_bytes: of the tasks' outputs taken in, as JSON.
        unstorable: the database refuses what was recorded.
    """

    __slots__ = (
        "_attempt_began", "egress_bytes", "ended_at", "failure_code", "id", "journal_bytes", "next_sequence",
        "output_bytes", "pending", "plan", "status", "submitted_at", "task_attempts", "task_seconds",
        "tenant", "unstorable",
    )  # fmt: skip

    def __init__(self, tenant: TenantId, execution_id: str, plan: Plan, submitted_at: float) -> None:
        self.tenant, self.id, self.plan, self.submitted_at = tenant, execution_id, plan, submitted_at
        self.status = ExecutionStatus.SUBMITTED
        self.ended_at: float | None = None
        self.failure_code = ""
        self.pending: list[AnyEvent] = []
        self.next_sequence = 1
        self.task_attempts = 0
        self.task_seconds = 0.0
        self.egress_bytes = 0
        self.journal_bytes = 0
        self.output_bytes = 0
        self.unstorable = False
        self._attempt_began: dict[str, float] = {}

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
        for event in events:
            if isinstance(event, TaskStarted):
                self.task_attempts += 1
                self._attempt_began[event.task] = event.at
            elif isinstance(event, TaskCompleted | TaskFailed):
                self.task_seconds += event.at - self._attempt_began.pop(event.task, event.at)
                self.egress_bytes += event.egress_bytes
        self.status = state.status
        if state.status in ENDED:
            self.ended_at = events[-1].at
            self.failure_code = state.failure.code.value if state.failure else ""
