"""Retention: how long what is kept, and when it is cleaned up. Asked by the data plane's cleanups.

What a tenant declares holds over what a workflow declares, and that over the system's default, each kind of
data by itself. A trace is part of its execution and not kept longer: where the two contradict each other,
the one that was declared at the higher level holds, and of the same level the execution's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tenantry.tenants.durations import SECONDS_PER_DAY
from tenantry.tenants.schedules import last_tick
from tenantry.tenants.spec import DataRetention

if TYPE_CHECKING:
    from tenantry.tenants.identity import Instant

GRACE_SECONDS: Final = SECONDS_PER_DAY
"""What has expired is hidden for so long before it is removed for good."""

RETRY_SECONDS: Final = 3600.0
"""A cleanup that failed is tried again after so long, without waiting for the next tick."""


class Level(StrEnum):
    """Who said how long something is kept."""

    TENANT = "tenant"
    WORKFLOW = "workflow"
    SYSTEM = "system"

    def is_over(self, other: Level) -> bool:
        """Whether what this level says holds against the other's."""
        order = list(Level)
        return order.index(self) < order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What one level says, in seconds; `None` where it says nothing. Workflows say nothing of `api_logs`."""

    execution_history: float | None = None
    task_traces: float | None = None
    api_logs: float | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """How long something is kept from its end on, and who said so."""

    seconds: float
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long what is kept.

    Attributes:
        execution_history: that an execution was, how it ended, what it took.
        task_traces: what happened in it, with input and output; at most as long as `execution_history`.
        api_logs: callbacks that were sent, cleanups that were made.
    """

    execution_history: Period
    task_traces: Period
    api_logs: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The latest cleanup that the schedule began."""

    started_at: Instant
    failed: bool


_DEFAULT: Final = DataRetention()


def declared_by(retention: DataRetention) -> Declared:
    """What the tenant's spec says itself, without what it is read as where it says nothing."""
    return Declared(
        **{
            name: getattr(retention, name)
            for name in ("execution_history", "task_traces", "api_logs")
            if name in retention.model_fields_set
        }
    )


def effective_policy(tenant: Declared, workflow: Declared) -> Policy:
    """What holds for a workflow's executions; `Declared()` for a workflow that says nothing."""
    history = _first(tenant.execution_history, workflow.execution_history, _DEFAULT.execution_history)
    traces = _first(tenant.task_traces, workflow.task_traces, _DEFAULT.task_traces)
    if traces.seconds > history.seconds:
        if traces.level.is_over(history.level):
            history = traces
        else:
            traces = history
    return Policy(
        execution_history=history,
        task_traces=traces,
        api_logs=_first(tenant.api_logs, None, _DEFAULT.api_logs),
    )


def is_due(schedule: str, last: LastRun | None, now: Instant) -> bool:
    """Whether a cleanup is to begin: a tick has passed since the last, or that failed a while ago.

    However many ticks were missed, one cleanup makes up for them.
    """
    if last is None or last.started_at < last_tick(schedule, now):
        return True
    return last.failed and last.started_at + RETRY_SECONDS <= now


def _first(tenant: float | None, workflow: float | None, default: float) -> Period:
    if tenant is not None:
        return Period(tenant, Level.TENANT)
    if workflow is not None:
        return Period(workflow, Level.WORKFLOW)
    return Period(default, Level.SYSTEM)
