"""The trace and the events that the reference shows are those of the workflow that the guide shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    Failure,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    WorkflowSubmitted,
    encode_events,
)
from tenantry.dataplane.engine.core.state import ExecutionState, ExecutionStatus
from tenantry.dataplane.engine.core.trace import trace
from tenantry.dataplane.engine.core.trace.resolutions import TaskKey, resolutions
from tenantry.dataplane.gateway.actions import possible_actions
from tenantry.dataplane.gateway.timeline import EventPage
from tenantry.dataplane.journal.ownership import Segment
from tenantry.dataplane.telemetry.context import trace_id_of
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.plan.model import RetryOn
from tenantry.tenants.identity import TenantId
from tests.support.documentation import code_blocks
from tests.support.executions import NOON
from tests.support.language import judge
from tests.support.platform import REPOSITORY

if TYPE_CHECKING:
    from tenantry.language.plan.model import Plan

GUIDE = REPOSITORY / "docs/guides/tracing.md"
REFERENCE = REPOSITORY / "docs/reference/data-plane-api.md"
EXECUTION = "019ca8ec-5e00-7c2e-9d0c-0e9e3bd5b7c1"
BUSY = Failure(
    code=FailureCode.UPSTREAM_STATUS,
    message="the upstream answered 503",
    task="user",
    status=503,
    retry_on=RetryOn.SERVER_ERROR,
)


@pytest.fixture
def shown() -> list[dict[str, Any]]:
    """The JSON in the section of the reference."""
    section = REFERENCE.read_text().partition("## Traces and events")[2].partition("\n## ")[0]
    return [json.loads(block.partition("```")[0]) for block in section.split("```json\n")[1:]]


def plan() -> Plan:
    (text,) = code_blocks(GUIDE, "yaml")
    assert judge(text) == ()
    *tasks, workflow = parse_documents(text).documents
    read_tasks = [
        task for task, _ in (read(document, WorkflowTask) for document in tasks) if task is not None
    ]
    read_workflow, _ = read(workflow, Workflow)
    assert read_workflow is not None
    compiled = {task.name: compile_task(task, "") for task in read_tasks}
    return compile_workflow(read_workflow, compiled, version=3, digest="0" * 64)


def history() -> list[AnyEvent]:
    """What happens when the first call of `fetch-user` fails."""
    state = ExecutionState(plan(), EXECUTION, "acme-corp")
    submitted = WorkflowSubmitted(
        at=NOON,
        workflow="order-total",
        version=3,
        digest="",
        input={"userId": 7},
        actor="key-1",
        seed=1,
        deadline_at=NOON + 30,
    )
    events = advance(state, submitted, NOON)
    outcomes: list[AnyEvent | None] = [
        TaskFailed(at=NOON + 0.04, task="user", attempt=1, failure=BUSY),
        None,
        TaskCompleted(at=NOON + 0.16, task="user", attempt=2, output={"id": 7}),
        TaskCompleted(at=NOON + 0.2, task="total", attempt=1, output={"total": 42}),
    ]
    for outcome in outcomes:
        now = NOON + 0.14 if outcome is None else outcome.at
        events += advance(state, outcome, now)
    assert state.ended
    return events


def test_the_trace_is_the_one_shown(shown: list[dict[str, Any]]) -> None:
    found = trace(EXECUTION, history())
    found.trace_id = trace_id_of(EXECUTION)
    location = f"/tenants/acme-corp/api/v1/executions/{EXECUTION}"
    found.actions = possible_actions(location, ExecutionStatus(found.status))
    wanted = [TaskKey(task.run, task.id) for task in found.tasks]
    templates = resolutions(history(), ExecutionState(plan(), EXECUTION, "acme-corp"), wanted)
    for task in found.tasks:
        task.templates = templates[TaskKey(task.run, task.id)]
    assert shown[0] == json.loads(msgspec.json.encode(found))


def test_the_events_are_those_shown(shown: list[dict[str, Any]]) -> None:
    page = EventPage(TenantId("acme-corp"), EXECUTION, 0, 2)
    page.add([Segment(1, encode_events(history()).decode())])
    assert shown[1] == json.loads(bytes(page.answer().body))
