"""What is told of executions that were retried: how the latest run stands, and what all of them cost."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane import process
from tenantry.protocol.usage import decode_batch
from tenantry.tenants.metering import total
from tenantry.tenants.rate_card import parse_rate_card
from tests.support.kept import Clock

if TYPE_CHECKING:
    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors


async def told(plane: DataPlane, execution: str) -> Any:
    response = await plane.ask("GET", f"/executions/{execution}")
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_retried_execution_is_told_as_its_latest_run_stands(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.fail("b")
    execution = (await one.execute("chain")).headers["Execution-Id"]
    executors.upstream.mend("b")
    failed = await told(one, execution)
    assert (failed["status"], failed["failure"]["task"]) == ("failed", "b")
    executors.upstream.hold("b")
    await one.ask("POST", f"/executions/{execution}/retry")
    await executors.upstream.called("b", 2)
    running = await told(one, execution)
    assert (running["status"], running["output"], running["failure"]) == ("running", None, None)
    executors.upstream.let("b")
    await executors.status(execution, "completed")
    completed = await told(one, execution)
    assert (completed["status"], completed["output"], completed["failure"]) == ("completed", [1, 2, 1], None)
    assert completed["input"] == failed["input"]


CARD = {
    "currency": "EUR",
    "invocations": "1000",
    "task_attempts": "100",
    "execution_seconds": "1",
    "egress_bytes": "0.001",
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the executors, which stands still but for what a test lets pass."""
    clock = Clock(float(int(time.time())))
    monkeypatch.setattr(process, "SteadyClock", lambda: clock)
    return clock


async def billed(executors: Executors) -> dict[str, str]:
    rows = await executors.database.fetch("SELECT event FROM usage_outbox")
    events = decode_batch(f"[{','.join(row['event'] for row in rows)}]".encode())
    money = parse_rate_card(CARD).cost(total(event.data.quantities() for event in events)).rounded()
    return {"amount": f"{money.amount:f}", "currency": money.currency}


async def retried(executors: Executors, plane: DataPlane, clock: Clock) -> str:
    """A `chain` whose first run took two seconds and failed, and whose second took three, five days later."""
    executors.upstream.fail("b")
    executors.upstream.hold("a")
    first = asyncio.create_task(plane.execute("chain"))
    await executors.upstream.called("a")
    clock.move(seconds=2)
    executors.upstream.let("a")
    execution = (await first).headers["Execution-Id"]
    clock.move(days=5)
    executors.upstream.mend("b")
    executors.upstream.hold("c")
    await plane.ask("POST", f"/executions/{execution}/retry")
    await executors.upstream.called("c")
    clock.move(seconds=3)
    executors.upstream.let("c")
    await executors.status(execution, "completed")
    return execution


async def test_what_a_retried_execution_cost_is_what_is_billed_for_its_runs(
    executors: Executors, clock: Clock
) -> None:
    one = await executors.start("one", executors.bundle(rate_card=CARD))
    execution = await retried(executors, one, clock)
    shown = await told(one, execution)
    assert shown["cost"] == await billed(executors)
    assert 2405 < float(shown["cost"]["amount"]) < 2406  # two runs, four attempts, five seconds, some bytes
    assert shown["durationSeconds"] == 5 * 86_400 + 5
    (listed,) = (await one.ask("GET", "/workflows/chain/executions")).json()["executions"]
    assert (listed["id"], listed["cost"]) == (execution, None)


async def test_an_estimate_is_not_made_from_what_was_retried(executors: Executors, clock: Clock) -> None:
    one = await executors.start("one", executors.bundle(rate_card=CARD))
    await retried(executors, one, clock)
    estimate = (await one.ask("POST", "/workflows/chain/test", json={})).json()["estimate"]
    assert estimate == {"basedOnExecutions": 0, "durationSeconds": None, "cost": None}
    executors.upstream.hold("c")
    running = asyncio.create_task(one.execute("chain"))
    await executors.upstream.called("c", 2)
    clock.move(seconds=4)
    executors.upstream.let("c")
    assert (await running).status_code == 200
    estimate = (await one.ask("POST", "/workflows/chain/test", json={})).json()["estimate"]
    assert (estimate["basedOnExecutions"], estimate["durationSeconds"]) == (1, 4.0)
