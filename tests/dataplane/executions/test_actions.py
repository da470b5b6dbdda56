"""What a trace offers: each action is followed from where it stands, as a reader of the trace would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.tenants import token_for

if TYPE_CHECKING:
    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors


async def trace_of(plane: DataPlane, execution: str) -> Any:
    answer = await plane.ask("GET", f"/executions/{execution}/trace")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def follow(plane: DataPlane, execution: str, name: str, **body: Any) -> str:
    """Does what the trace offers under a name; the id of the execution that is then spoken of."""
    trace = await trace_of(plane, execution)
    headers = {"Authorization": f"Bearer {token_for('acme', 'caller')}"}
    answer = await plane.client.post(trace["actions"][name], json=body, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["id"])


async def test_whatever_a_trace_offers_can_be_done(executors: Executors) -> None:
    one = await executors.start("one")
    execution = await executors.begin(one, "chain", held="a")
    assert set((await trace_of(one, execution))["actions"]) == {"pause", "cancel", "fork"}
    await follow(one, execution, "pause")
    executors.upstream.let("a")
    await executors.status(execution, "paused")
    assert set((await trace_of(one, execution))["actions"]) == {"resume", "cancel", "fork"}
    executors.upstream.fail("b")
    await follow(one, execution, "resume")
    await executors.status(execution, "failed")
    assert set((await trace_of(one, execution))["actions"]) == {"retry", "fork"}
    executors.upstream.mend("b")
    await follow(one, execution, "retry")
    await executors.status(execution, "completed")
    assert set((await trace_of(one, execution))["actions"]) == {"fork"}
    last = (await trace_of(one, execution))["tasks"][-1]["id"]
    forked = await follow(one, execution, "fork", task=last)
    await executors.status(forked, "completed")
    assert (await trace_of(one, forked))["origin"] == {"executionId": execution, "task": last}
