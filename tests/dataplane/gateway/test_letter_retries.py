"""Retrying for letters by controlling executions: what happens when somebody else is at the execution too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tenantry.dataplane.dead_letters.port import Refusal, RefusedRetryError
from tenantry.dataplane.engine.core.events import WorkflowRetried
from tenantry.dataplane.gateway.letter_retries import LetterRetries
from tenantry.dataplane.identifiers import new_execution_id
from tenantry.tenants.identity import TenantId
from tests.support.executions import NOON

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.language.values import Json
    from tests.support.dataplane import DataPlane

ACME = TenantId("acme")
NOBODY = "019ca945-0a00-7316-9d6e-83367b976cd1"
AGAIN: Final[dict[str, Json]] = {"call": {"fail": 404}}


@pytest.fixture
def retries(plane: DataPlane) -> LetterRetries:
    return LetterRetries(plane.services.control, plane.services.history)


@pytest.fixture
def tenant(plane: DataPlane) -> ServedTenant:
    tenant = plane.services.registry.tenant(ACME)
    assert tenant is not None
    return tenant


async def fail(plane: DataPlane) -> str:
    """A failed execution's id."""
    answer = await plane.execute("unlucky", {"fail": 404})
    assert answer.status_code == 502
    return answer.headers["Execution-Id"]


async def refused(doing: Awaitable[None]) -> Refusal:
    with pytest.raises(RefusedRetryError) as error:
        await doing
    return error.value.code


async def test_an_execution_that_is_gone_is_said_to_be(retries: LetterRetries, tenant: ServedTenant) -> None:
    new_id = new_execution_id(NOON)
    assert (
        await refused(retries.retry(tenant, NOBODY, "key", {}, acknowledged=False)) is Refusal.EXECUTION_GONE
    )
    forking = retries.fork(tenant, NOBODY, "key", {}, tasks=["call"], new_id=new_id)
    assert await refused(forking) is Refusal.EXECUTION_GONE


async def test_what_completed_since_is_not_retried(
    plane: DataPlane, retries: LetterRetries, tenant: ServedTenant
) -> None:
    completed = (await plane.execute("welcome", {"userId": 1})).headers["Execution-Id"]
    assert await refused(retries.retry(tenant, completed, "key", {}, acknowledged=False)) is Refusal.BUSY


async def test_what_another_executor_is_at_is_not_retried(
    plane: DataPlane, retries: LetterRetries, tenant: ServedTenant
) -> None:
    execution_id = await fail(plane)
    await plane.services.deliveries._pool.execute(
        "UPDATE executions SET owner = (SELECT id FROM executors) WHERE id = $1::uuid", execution_id
    )
    assert (
        await refused(retries.retry(tenant, execution_id, "key", AGAIN, acknowledged=False)) is Refusal.BUSY
    )


async def test_of_two_inputs_for_one_execution_only_one_is_said_to_be_taken(
    plane: DataPlane, retries: LetterRetries, tenant: ServedTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = await fail(plane)
    inputs: list[dict[str, Json]] = [{"call": {"hang": True, "number": number}} for number in range(2)]
    await retries.retry(tenant, execution_id, "key", inputs[0], acknowledged=False)
    runs = iter([1, 2, 1, 2])  # who comes second looked before the first began

    async def run_of(*_: object) -> int:
        return next(runs)

    monkeypatch.setattr(retries, "_run_of", run_of)
    assert (
        await refused(retries.retry(tenant, execution_id, "another", inputs[1], acknowledged=False))
        is Refusal.BUSY
    )
    await retries.retry(tenant, execution_id, "another", inputs[0], acknowledged=False)
    events = await plane.services.history.events(ACME, execution_id)
    assert [event.inputs for event in events if isinstance(event, WorkflowRetried)] == [inputs[0]]
