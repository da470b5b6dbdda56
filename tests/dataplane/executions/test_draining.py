"""What an executor that shuts down is still asked for: it begins nothing more, and ends what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors


async def order(plane: DataPlane, kind: str, execution_id: str) -> httpx.Response:
    body: dict[str, Any] = {"task": "c"} if kind == "fork" else {}
    return await plane.ask("POST", f"/executions/{execution_id}/{kind}", json=body)


async def test_nothing_begins_where_the_executor_shuts_down_and_another_one_begins_it(
    executors: Executors,
) -> None:
    one, other = await executors.start("one"), await executors.start("other")
    executors.upstream.fail("c")
    execution = (await one.execute("chain")).headers["Execution-Id"]
    executors.upstream.mend("c")
    before = await executors.row(execution)
    one.services.executor.draining = True
    for kind in ("resume", "retry", "fork"):
        answer = await order(one, kind, execution)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), kind
        assert answer.json()["type"].endswith("/draining")
        forbidden = await one.ask("POST", f"/executions/{execution}/{kind}", role="viewer")
        assert forbidden.status_code == 403
    assert await executors.row(execution) == before
    assert await executors.database.fetchval("SELECT count(*) FROM executions") == 1
    assert (await order(other, "retry", execution)).status_code in {200, 202}
    assert await executors.output(other, execution) == [1, 1, 2]


@pytest.mark.parametrize(("kind", "becomes"), [("cancel", "cancelled"), ("pause", "paused")])
async def test_what_runs_where_the_executor_shuts_down_is_cancelled_and_paused_there(
    executors: Executors, kind: str, becomes: str
) -> None:
    one = await executors.start("one")
    execution = await executors.begin(one, "chain", held="a")
    one.services.executor.draining = True
    answer = await order(one, kind, execution)
    assert (answer.status_code, answer.json()["status"]) == (200, becomes)
