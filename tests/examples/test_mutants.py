"""If it deploys, it works: what validation lets through of mutated workflows runs, with any valid input."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tenantry.dataplane.bundles.contents import Contents
from tenantry.dataplane.bundles.plans import Plans
from tenantry.dataplane.engine.core.events import FailureCode, WorkflowSubmitted
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.engine.driver import Run
from tenantry.dataplane.engine.record import ExecutionRecord
from tenantry.dataplane.identifiers import new_execution_id
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.language.documents.parsing import load_document
from tenantry.language.findings import Severity
from tenantry.language.validation import validate_workflow
from tenantry.tenants.egress import compile_egress_policy
from tenantry.tenants.identity import TenantId
from tests.support.attempts import make_runner
from tests.support.inputs import inputs_of
from tests.support.mutants import mutants
from tests.support.testapi import serve_testapi
from tests.support.translated import bundle_of, library_of, translated_examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.language.plan.model import Plan
    from tests.support.translated import TranslatedExample

    Execute = Callable[[Plan, Any], Failure | None]

MUTANTS: Final = 400
PATIENCE_SECONDS: Final = 2.0
KNOWABLE: Final = {
    FailureCode.UNRESOLVED,
    FailureCode.INPUT_MISMATCH,
    FailureCode.REQUEST_INVALID,
    FailureCode.INTERNAL,
}
"""Failures whose reason stands in the documents."""


class NoJournal:
    """Remembers nothing."""

    def record(self, record: ExecutionRecord) -> None:
        record.pending = []

    async def durable(self, record: ExecutionRecord) -> None:
        """Nothing is."""


@pytest.fixture(scope="module")
def test_api() -> Iterator[str]:
    with serve_testapi() as address:
        yield address.removeprefix("http://")


@pytest.fixture(scope="module")
def execute() -> Iterator[Execute]:
    """Runs a plan from outside an event loop, as Hypothesis does; gives its failure."""
    with asyncio.Runner() as runner:
        client = PooledClient(compile_egress_policy(["127.0.0.1"]))
        yield lambda plan, value: runner.run(run(plan, value, client))
        runner.run(client.close())


async def run(plan: Plan, value: Any, client: PooledClient) -> Failure | None:
    now = time.time()
    tenant, execution_id, over = TenantId("acme"), new_execution_id(now), asyncio.Event()
    execution = Run(
        ExecutionState(plan, execution_id, tenant),
        ExecutionRecord(tenant, execution_id, plan, now),
        runner=make_runner(client, time.time),
        journal=NoJournal(),
        clock=time.time,
        when_over=lambda _: over.set(),
    )
    execution.start(
        WorkflowSubmitted(
            at=now,
            workflow=plan.workflow,
            version=plan.version,
            digest=plan.digest,
            input=value,
            actor="tests",
            seed=1,
            deadline_at=now + min(plan.deadline_seconds, PATIENCE_SECONDS),
        )
    )
    await over.wait()
    return execution.state.failure


def plan_of(mutant: dict[str, Any], example: TranslatedExample, test_api: str) -> Plan:
    """The mutant as a data plane compiles it, beside the rest of its system."""
    bundle = bundle_of(example.system, test_api)
    definitions = tuple(
        replace(item, document=mutant) if (item.kind, item.name) == ("Workflow", example.workflow) else item
        for item in bundle.definitions
    )
    contents = Contents(replace(bundle, definitions=definitions))
    plan = Plans(contents, lambda _task: True).get(example.workflow)
    assert plan is not None
    return plan


@settings(max_examples=MUTANTS, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), example=st.sampled_from(translated_examples()))
def test_a_mutant_is_refused_or_works(
    data: st.DataObject, example: TranslatedExample, test_api: str, execute: Execute
) -> None:
    library = library_of(example.system)
    mutant = data.draw(mutants(example.document))
    _, findings = validate_workflow(load_document(mutant), library)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return
    plan = plan_of(mutant, example, test_api)
    value = data.draw(inputs_of(mutant["spec"].get("input") or {"type": "object"}))
    failure = execute(plan, value)
    note(str(mutant["spec"]))
    assert failure is None or failure.code not in KNOWABLE, failure
