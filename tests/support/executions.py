"""Executions moved by hand, event by event: for whatever stores or reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    TaskCompleted,
    TaskFailed,
    WorkflowCancelled,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.engine.record import ExecutionRecord
from tenantry.dataplane.identifiers import new_execution_id
from tenantry.tenants.identity import TenantId
from tests.support.deciding import GONE
from tests.support.plans import make_plan

if TYPE_CHECKING:
    from tenantry.dataplane.engine.ports import Journal
    from tenantry.dataplane.engine.record import IdempotencyKey, PlanSource
    from tenantry.language.plan.model import Plan

NOON = 1_772_366_400.0
"""2026-03-01T12:00:00Z."""


class Execution:
    """One execution of two steps, `a` and then `b`; time passes a second with every event.

    Args:
        journal: told of every event; without one they stay pending in its record.
        key: what its caller calls the request.
        callback: where its end is told.
        source: of its plan.
        plan: fields that differ from the plan made by hand.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        tenant: str = "acme",
        at: float = NOON,
        deadline: float = 30.0,
        key: IdempotencyKey | None = None,
        callback: str = "",
        source: PlanSource | None = None,
        **plan: Any,
    ) -> None:
        self.plan: Plan = replace(make_plan({"a": [], "b": ["a"]}), **plan)
        self.id = new_execution_id(at)
        self.record = ExecutionRecord(TenantId(tenant), self.id, self.plan, at, source=source, key=key)
        self._callback = callback
        self._state = ExecutionState(self.plan, self.id, tenant)
        self._journal, self._at, self._deadline_at = journal, at, at + deadline

    def submit(self) -> Execution:
        """Accepts it; `a` starts."""
        plan = self.plan
        return self._feed(
            WorkflowSubmitted(
                at=self._at,
                workflow=plan.workflow,
                version=plan.version,
                digest=plan.digest,
                input={"n": 1},
                actor="key",
                seed=1,
                deadline_at=self._deadline_at,
                callback=self._callback,
            )
        )

    def complete(self, task: str, output: Any = None) -> Execution:
        """Ends a step well; after `b` so does the execution."""
        self._at += 1
        return self._feed(TaskCompleted(at=self._at, task=task, attempt=1, output=output, egress_bytes=5))

    def fail(self, task: str) -> Execution:
        """Ends a step for good, and with it the execution."""
        self._at += 1
        failure = msgspec.structs.replace(GONE, task=task)
        return self._feed(TaskFailed(at=self._at, task=task, attempt=1, failure=failure, egress_bytes=5))

    def retry(self) -> Execution:
        """Runs what failed again."""
        self._at += 1
        return self._note(control.retry(self._state, "key", self._at, self._at + 30.0, {}))._feed(None)

    def take_over(self) -> Execution:
        """Another executor has it from now on, and knows what was written."""
        self.record.epoch += 1
        self.record.revision = 0
        return self

    def finish(self) -> Execution:
        """From acceptance to a good end."""
        return self.submit().complete("a").complete("b", {"total": 2})

    def cancel(self) -> Execution:
        """Ends it by somebody's wish."""
        self._at += 1
        return self._feed(WorkflowCancelled(at=self._at, actor="key"))

    def pass_deadline(self) -> Execution:
        """Lets its time run out."""
        self._at = self._deadline_at
        return self._feed(None)

    def _feed(self, event: AnyEvent | None) -> Execution:
        return self._note(advance(self._state, event, self._at))

    def _note(self, events: list[AnyEvent]) -> Execution:
        self.record.add(events, self._state)
        if self._journal is not None:
            self._journal.record(self.record)
        return self
