"""A deadline ends an execution, a bound of a caller's patience only its wait (decision 0014)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.executors import DOCUMENTS

if TYPE_CHECKING:
    import httpx

    from tests.support.dataplane import DataPlane
    from tests.support.executors import Executors

UNDONE = """
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: undone}}
spec:
  deadline: 1s
  tasks:
    - {{id: a, taskRef: look, input: {{at: a}}, compensate: {{taskRef: look, input: {{at: undo}}}}}}
    - {{id: b, taskRef: look, input: {{at: b}}, dependsOn: [a]}}
  output: done
"""


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


async def stands(plane: DataPlane, execution_id: str) -> tuple[str, str | None]:
    shown = (await plane.ask("GET", f"/executions/{execution_id}")).json()
    return shown["status"], shown["failure"] and shown["failure"]["code"]


async def test_who_would_wait_longer_than_the_deadline_is_told_of_it(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    answer = await one.execute("brief", headers={"Prefer": "wait=30"})
    assert problem(answer) == (504, "deadline")
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert await stands(one, answer.headers["Execution-Id"]) == ("failed", "deadline")


async def test_who_did_not_wait_finds_that_the_deadline_passed(executors: Executors) -> None:
    one = await executors.start("one")
    executors.upstream.hold("a")
    headers = {"Idempotency-Key": "order-1"}
    answer = await one.execute("brief", headers={**headers, "Prefer": "respond-async"})
    assert answer.status_code == 202
    execution = answer.headers["Execution-Id"]
    await executors.status(execution, "failed")
    assert await stands(one, execution) == ("failed", "deadline")
    assert problem(await one.execute("brief", headers=headers)) == (504, "deadline")


async def test_what_is_being_undone_at_the_deadline_has_failed_and_goes_on_to_be_undone(
    executors: Executors,
) -> None:
    documents = (DOCUMENTS + UNDONE).format(url=executors.upstream.url)
    one = await executors.start("one", executors.bundle(documents=documents))
    executors.upstream.hold("b", "undo")
    answer = await one.execute("undone")
    assert problem(answer) == (504, "deadline")
    execution = answer.headers["Execution-Id"]
    await executors.upstream.called("undo")
    assert await stands(one, execution) == ("compensating", "deadline")
    executors.upstream.let("undo")
    await executors.status(execution, "failed")
