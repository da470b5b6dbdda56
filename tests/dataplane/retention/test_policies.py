"""What holds for a tenant, from its bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenantry.dataplane.bundles.registry import Registry  # noqa: TC001  (fixture)
from tenantry.dataplane.retention.counts import Kept
from tenantry.dataplane.retention.policies import TenantPolicies, policies_of
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.tenants.durations import SECONDS_PER_DAY as DAY
from tenantry.tenants.retention import Level, Period
from tests.support.tenants import make_bundle, make_registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DOCUMENTS = """
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: plain}
spec: {tasks: [{id: a, taskRef: echo}]}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: audited, namespace: shop}
spec: {retention: {executionHistory: 90d}, tasks: [{id: a, taskRef: echo}]}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: echo}
spec: {type: transform, value: 1}
"""


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    registry = make_registry(PooledClient)
    yield registry
    await registry.close()


async def policies(registry: Registry, **retention: str) -> TenantPolicies:
    await registry.install(make_bundle(documents=DOCUMENTS, spec={"dataRetention": retention}))
    tenant = registry.tenant("acme")
    assert tenant is not None
    return policies_of(tenant)


async def test_a_workflow_that_says_something_has_a_policy_of_its_own(registry: Registry) -> None:
    found = await policies(registry, taskTraces="3d")
    assert found.general.execution_history == Period(30 * DAY, Level.SYSTEM)
    assert found.of_workflows.keys() == {"shop/audited"}
    assert found.of_workflows["shop/audited"].execution_history == Period(90 * DAY, Level.WORKFLOW)
    assert found.of_workflows["shop/audited"].task_traces == Period(3 * DAY, Level.TENANT)


async def test_what_expires_is_told_apart_by_workflow(registry: Registry) -> None:
    now = 1000 * DAY
    found = await policies(registry)
    history = found.cutoffs(Kept.EXECUTION_HISTORY, now)
    assert (history.of("plain"), history.of("shop/audited"), history.latest) == (
        970 * DAY,
        910 * DAY,
        970 * DAY,
    )
    logs = found.cutoffs(Kept.API_LOGS, now)
    assert (logs.of("plain"), logs.of("shop/audited"), logs.latest) == (993 * DAY,) * 3


@pytest.mark.parametrize("said", [{"executionHistory": "soon"}, {"forever": True}, [], 3])
async def test_executions_of_a_workflow_whose_word_cannot_be_read_are_kept(
    registry: Registry, said: Any
) -> None:
    bundle = make_bundle(documents=DOCUMENTS)
    broken = [
        msgspec.structs.replace(
            one, document={**one.document, "spec": {**one.document["spec"], "retention": said}}
        )
        for one in bundle.definitions
    ]
    await registry.install(msgspec.structs.replace(bundle, definitions=tuple(broken)))
    tenant = registry.tenant("acme")
    assert tenant is not None
    policy = policies_of(tenant).of_workflows["plain"]
    assert policy.execution_history.seconds == policy.task_traces.seconds == 7 * 365 * DAY
