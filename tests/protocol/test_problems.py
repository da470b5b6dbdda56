from __future__ import annotations

import msgspec

from tenantry.protocol.problems import TYPE_BASE, Source, problem


def test_a_problem_travels_with_its_members_and_nothing_empty() -> None:
    told = problem("rate-limited", "Too many requests", 429, "Wait 3 seconds.", policies=("rate-limit",))
    assert msgspec.json.decode(msgspec.json.encode(told)) == {
        "type": f"{TYPE_BASE}rate-limited",
        "title": "Too many requests",
        "status": 429,
        "source": "caller",
        "detail": "Wait 3 seconds.",
        "violated-policies": ["rate-limit"],
    }


def test_a_problem_names_its_execution_task_and_source() -> None:
    told = problem(
        "upstream-failed", "A task failed", 502, source=Source.UPSTREAM, execution_id="e1", task_id="user"
    )
    document = msgspec.json.decode(msgspec.json.encode(told))
    assert (document["executionId"], document["taskId"], document["source"]) == ("e1", "user", "upstream")
