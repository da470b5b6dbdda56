"""Workflows with a namespace: their own paths, their own executions, and sub-workflows among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.dataplane import DataPlane, run_data_plane, served_bundle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

DOCUMENTS = """
{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: say},
 spec: {type: transform, value: "{{input}}"}}
---
{apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: total},
 spec: {tasks: [{id: a, taskRef: say, input: plain}], output: "{{tasks.a.output}}"}}
---
{apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: total, namespace: billing},
 spec: {tasks: [{id: a, taskRef: say, input: billed}], output: "{{tasks.a.output}}"}}
---
{apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: all, namespace: billing},
 spec: {tasks: [{id: a, workflowRef: total}], output: "{{tasks.a.output}}"}}
"""
BILLING = "/namespaces/billing/workflows"


@pytest.fixture
async def plane(make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[DataPlane]:
    async with run_data_plane(make_database(), tmp_path, served_bundle(documents=DOCUMENTS)) as running:
        yield running


async def test_a_name_means_another_workflow_in_each_namespace(plane: DataPlane) -> None:
    plain = await plane.execute("total")
    billed = await plane.ask("POST", f"{BILLING}/total/execute", json={})
    assert (plain.json(), billed.json()) == ("plain", "billed")


async def test_a_sub_workflow_is_the_one_of_its_namespace(plane: DataPlane) -> None:
    answer = await plane.ask("POST", f"{BILLING}/all/execute", json={})
    assert answer.json() == "billed"


async def test_what_is_in_no_namespace_or_another_is_not_found(plane: DataPlane) -> None:
    for path in (
        "/namespaces/billing/workflows/nobody",
        "/namespaces/sales/workflows/total",
        "/workflows/all",
    ):
        response = await plane.ask("GET", path)
        assert response.status_code == 404, path


@pytest.mark.parametrize("path", ["/workflows/billing%2Ftotal", "/namespaces/billing%2F/workflows/total"])
async def test_a_slash_in_a_name_leads_nowhere(plane: DataPlane, path: str) -> None:
    assert (await plane.ask("GET", path)).status_code == 404


async def test_a_namespace_lists_its_own_workflows_and_the_tenant_all(plane: DataPlane) -> None:
    of_tenant = (await plane.ask("GET", "/workflows")).json()["workflows"]
    assert [one["name"] for one in of_tenant] == ["billing/all", "billing/total", "total"]
    of_billing = (await plane.ask("GET", BILLING)).json()["workflows"]
    assert [one["name"] for one in of_billing] == ["billing/all", "billing/total"]
    assert (await plane.ask("GET", "/namespaces/sales/workflows")).json() == {"workflows": []}


async def test_executions_are_listed_where_they_belong(plane: DataPlane) -> None:
    await plane.execute("total")
    billed = await plane.ask("POST", f"{BILLING}/total/execute", json={})
    page = (await plane.ask("GET", f"{BILLING}/total/executions")).json()["executions"]
    assert [(one["id"], one["workflow"]) for one in page] == [
        (billed.headers["Execution-Id"], "billing/total")
    ]
