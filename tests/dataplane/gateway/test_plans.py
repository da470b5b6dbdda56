"""Plans explained over REST: in every format, of what is served, and of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.dataplane import served_bundle

if TYPE_CHECKING:
    from tests.support.dataplane import DataPlane


@pytest.mark.parametrize(
    ("query", "media_type", "begins"),
    [
        ("", "application/json", '{"workflow":"welcome"'),
        ("?format=json", "application/json", '{"workflow":"welcome"'),
        ("?format=text", "text/plain; charset=utf-8", "welcome v1: worst case 30s"),
        ("?format=dot", "text/vnd.graphviz; charset=utf-8", 'digraph "welcome" {'),
        ("?format=mermaid", "text/plain; charset=utf-8", "flowchart LR"),
    ],
)
async def test_a_plan_is_explained_in_the_format_that_is_asked_for(
    plane: DataPlane, query: str, media_type: str, begins: str
) -> None:
    response = await plane.ask("GET", f"/workflows/welcome/plan{query}", role="viewer")

    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    assert response.text.startswith(begins)
    assert "words" in response.text


async def test_a_plan_has_the_nodes_that_a_dry_run_adds_to(plane: DataPlane) -> None:
    plan = (await plane.ask("GET", "/workflows/welcome/plan")).json()
    tried = (await plane.ask("POST", "/workflows/welcome/test", json={"userId": 7})).json()

    assert {name: tried[name] for name in plan if name != "nodes"} == {
        name: plan[name] for name in plan if name != "nodes"
    }
    assert [
        {name: node[name] for name in plain}
        for plain, node in zip(plan["nodes"], tried["nodes"], strict=True)
    ] == plan["nodes"]
    assert [node["runs"] for node in tried["nodes"]] == [True, True]


@pytest.mark.parametrize("name", ["svg", "", "JSON"])
async def test_another_format_is_refused(plane: DataPlane, name: str) -> None:
    response = await plane.ask("GET", f"/workflows/welcome/plan?format={name}")

    assert response.status_code == 400
    assert response.json()["detail"] == "format: one of json, text, dot, mermaid"


async def test_what_does_not_exist_has_no_plan(plane: DataPlane) -> None:
    assert (await plane.ask("GET", "/workflows/nothing/plan")).status_code == 404


async def test_a_workflow_whose_task_the_tenant_may_no_longer_use_has_no_plan(
    plane: DataPlane, documents: str
) -> None:
    spec = {"allowedTaskRefs": ["*", "!greet"]}
    await plane.services.registry.install(served_bundle(revision=2, documents=documents, spec=spec))

    response = await plane.ask("GET", "/workflows/welcome/plan")

    assert (response.status_code, "greet" in response.text) == (403, True)
