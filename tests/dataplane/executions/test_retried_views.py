"""What is told of executions that were retried: how the latest run stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
