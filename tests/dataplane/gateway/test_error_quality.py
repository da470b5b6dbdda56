"""How good an upstream's errors are, as its callers met them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.dataplane import DataPlane

SPAN = "from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"


async def quality(plane: DataPlane, path: str) -> Any:
    answer = await plane.ask("GET", path, role="viewer")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_errors_are_graded_by_what_they_say(plane: DataPlane) -> None:
    assert (await quality(plane, "/tasks/faulty/error-quality"))["stars"] is None
    await plane.execute("unlucky", {"fail": 422})
    best = await quality(plane, "/tasks/faulty/error-quality")
    assert (best["task"], best["failures"], best["stars"], best["complete"]) == ("faulty", 1, 5.0, True)
    await plane.execute("unlucky", {"fail": 429})  # it asks to wait, and does not say how long
    await plane.execute("impatient", {"hang": True})  # there is no answer at all
    of_task = await quality(plane, "/tasks/faulty/error-quality")
    assert of_task["failures"] == 3
    assert of_task["marks"] == {
        "answered": 0.6667,
        "precise": 0.6667,
        "explained": 0.6667,
        "actionable": 0.3333,
    }
    of_workflow = await quality(plane, "/workflows/unlucky/error-quality")
    assert (of_workflow["failures"], of_workflow["stars"]) == (2, 4.5)
    assert [(one["task"], one["stars"]) for one in of_workflow["tasks"]] == [("faulty", 4.5)]
    assert (await quality(plane, "/workflows/impatient/error-quality"))["stars"] == 1.0


async def test_over_time_every_hour_is_told(plane: DataPlane) -> None:
    await plane.execute("unlucky", {"fail": 404})
    told = await quality(plane, "/error-quality/trends")
    assert (told["bucket"], told["failures"]) == ("hour", 1)
    assert sum(one["failures"] for one in told["trend"]) == 1
    assert told["trend"][-1]["stars"] == told["stars"]
    assert {one["stars"] for one in told["trend"]} == {None, told["stars"]}
    before = await quality(plane, f"/error-quality/trends?{SPAN}")
    assert (before["failures"], len(before["trend"])) == (0, 24)


async def test_what_is_no_fault_of_an_upstream_is_not_graded(plane: DataPlane) -> None:
    denied = await plane.execute("intrude", {})
    assert denied.json()["type"].endswith("/egress-denied")
    assert (await plane.execute("welcome", {"userId": "one"})).status_code == 422
    assert (await quality(plane, "/error-quality/trends"))["failures"] == 0


async def test_what_there_is_not_has_none(plane: DataPlane) -> None:
    for path in ("/tasks/nothing/error-quality", "/workflows/nothing/error-quality"):
        assert (await plane.ask("GET", path)).status_code == 404
    refused = await plane.ask("GET", "/error-quality/trends?bucket=year")
    assert refused.status_code == 400
    assert refused.json()["type"].endswith("/invalid-parameter")
    reversed_span = "from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z"
    assert (await plane.ask("GET", f"/tasks/faulty/error-quality?{reversed_span}")).status_code == 400
