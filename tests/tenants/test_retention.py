from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants.durations import SECONDS_PER_DAY as DAY
from tenantry.tenants.identity import Instant
from tenantry.tenants.retention import (
    RETRY_SECONDS,
    Declared,
    LastRun,
    Level,
    Period,
    declared_by,
    effective_policy,
    is_due,
)
from tenantry.tenants.spec import DataRetention

SAID = st.none() | st.integers(1, 7 * 365).map(lambda days: days * DAY)
TENANTS = st.builds(Declared, execution_history=SAID, task_traces=SAID, api_logs=SAID)
WORKFLOWS = st.builds(Declared, execution_history=SAID, task_traces=SAID)
TWO = Instant(datetime(2026, 3, 1, 2, tzinfo=UTC).timestamp())
DAILY = "0 2 * * *"


def days(**periods: float) -> Declared:
    return Declared(**{name: count * DAY for name, count in periods.items()})


def test_without_a_word_from_anybody_the_systems_default_holds() -> None:
    policy = effective_policy(Declared(), Declared())
    assert policy.execution_history == Period(30 * DAY, Level.SYSTEM)
    assert policy.task_traces == Period(14 * DAY, Level.SYSTEM)
    assert policy.api_logs == Period(7 * DAY, Level.SYSTEM)


@pytest.mark.parametrize(
    ("tenant", "workflow", "history", "traces"),
    [
        (days(), days(execution_history=90, task_traces=7), (90, "workflow"), (7, "workflow")),
        (days(execution_history=60), days(execution_history=90), (60, "tenant"), (14, "system")),
        (days(task_traces=3), days(execution_history=90, task_traces=7), (90, "workflow"), (3, "tenant")),
        # A trace goes with its execution ...
        (days(execution_history=7), days(), (7, "tenant"), (7, "tenant")),
        (days(execution_history=7, task_traces=20), days(), (7, "tenant"), (7, "tenant")),
        (days(execution_history=20), days(task_traces=60), (20, "tenant"), (20, "tenant")),
        # ... and keeps it where a higher level wants the trace.
        (days(task_traces=90), days(), (90, "tenant"), (90, "tenant")),
        (days(task_traces=90), days(execution_history=40), (90, "tenant"), (90, "tenant")),
        (days(), days(task_traces=90), (90, "workflow"), (90, "workflow")),
    ],
)
def test_the_higher_level_holds(
    tenant: Declared, workflow: Declared, history: tuple[int, str], traces: tuple[int, str]
) -> None:
    policy = effective_policy(tenant, workflow)
    assert policy.execution_history == Period(history[0] * DAY, Level(history[1]))
    assert policy.task_traces == Period(traces[0] * DAY, Level(traces[1]))


@given(TENANTS, WORKFLOWS)
def test_a_trace_is_never_kept_longer_than_its_execution(tenant: Declared, workflow: Declared) -> None:
    policy = effective_policy(tenant, workflow)
    assert policy.task_traces.seconds <= policy.execution_history.seconds


@given(TENANTS, WORKFLOWS)
def test_what_a_tenant_says_of_executions_holds_to_the_second(tenant: Declared, workflow: Declared) -> None:
    policy = effective_policy(tenant, workflow)
    if tenant.execution_history is not None:
        assert policy.execution_history == Period(tenant.execution_history, Level.TENANT)
    if tenant.api_logs is not None:
        assert policy.api_logs == Period(tenant.api_logs, Level.TENANT)


@given(TENANTS, WORKFLOWS)
def test_a_trace_that_a_tenant_wants_is_kept_unless_the_tenant_wants_its_execution_gone(
    tenant: Declared, workflow: Declared
) -> None:
    if tenant.task_traces is None:
        return
    policy = effective_policy(tenant, workflow)
    bound = tenant.task_traces if tenant.execution_history is None else tenant.execution_history
    assert policy.task_traces == Period(min(tenant.task_traces, bound), Level.TENANT)


@given(TENANTS, WORKFLOWS)
def test_every_period_was_said_by_the_level_it_names(tenant: Declared, workflow: Declared) -> None:
    policy = effective_policy(tenant, workflow)
    levels = {
        Level.TENANT: tenant,
        Level.WORKFLOW: workflow,
        Level.SYSTEM: days(execution_history=30, task_traces=14, api_logs=7),
    }
    for period in (policy.execution_history, policy.task_traces):
        said = levels[period.level]
        assert period.seconds in (said.execution_history, said.task_traces)
    assert policy.api_logs.seconds == levels[policy.api_logs.level].api_logs


@given(TENANTS)
def test_what_a_tenant_says_of_everything_no_workflow_changes(tenant: Declared) -> None:
    whole = Declared(execution_history=tenant.execution_history or DAY, task_traces=tenant.task_traces or DAY)
    assert effective_policy(whole, days(execution_history=9, task_traces=9)) == effective_policy(
        whole, Declared()
    )


@pytest.mark.parametrize(
    ("spec", "declared"),
    [
        ({}, days()),
        ({"taskTraces": "14d"}, days(task_traces=14)),
        ({"executionHistory": "1y", "apiLogs": "36h"}, days(execution_history=365, api_logs=1.5)),
        ({"cleanupSchedule": "0 3 * * *"}, days()),
    ],
)
def test_a_tenant_declares_what_it_wrote_and_no_default(spec: dict[str, Any], declared: Declared) -> None:
    assert declared_by(DataRetention.model_validate(spec)) == declared


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (None, TWO - 1, True),
        (LastRun(started_at=TWO, failed=False), TWO, False),
        (LastRun(started_at=Instant(TWO - 1), failed=False), TWO, True),
        (LastRun(started_at=Instant(TWO + 30), failed=False), TWO + DAY - 1, False),
        (LastRun(started_at=Instant(TWO + 30), failed=False), TWO + DAY, True),
        (LastRun(started_at=Instant(TWO - 9 * DAY), failed=False), TWO + 60, True),
        (LastRun(started_at=TWO, failed=True), TWO + RETRY_SECONDS - 1, False),
        (LastRun(started_at=TWO, failed=True), TWO + RETRY_SECONDS, True),
    ],
)
def test_a_cleanup_is_due_once_after_a_tick_and_again_when_it_failed(
    last: LastRun | None, now: float, *, due: bool
) -> None:
    assert is_due(DAILY, last, Instant(now)) is due


@given(st.integers(1, 400))
def test_however_many_ticks_were_missed_one_cleanup_makes_up_for_them(missed: int) -> None:
    now = Instant(TWO + missed * DAY)
    assert is_due(DAILY, LastRun(started_at=TWO, failed=False), now)
    assert not is_due(DAILY, LastRun(started_at=now, failed=False), now)
