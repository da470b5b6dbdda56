"""Workflows as OpenAPI documents: what they say is what the data plane does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from tenantry.dataplane.gateway.openapi import describe
from tenantry.protocol.bundles import BundledDefinition
from tests.support.dataplane import DataPlane, run_data_plane, served_bundle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

DOCUMENTS = """
{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: say},
 spec: {type: transform, value: "{{input}}"}}
---
{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: gone},
 spec: {type: http, request: {method: GET, url: "http://127.0.0.1:1/"}}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: order}
spec:
  description: Orders a few things
  input:
    type: object
    required: [lines]
    properties: {lines: {type: array, items: {$ref: "#/$defs/line"}}}
    $defs: {line: {type: object, required: [sku], properties: {sku: {type: string}}}}
  tasks: [{id: a, taskRef: say, input: "{{input.lines}}"}]
  output: "{{tasks.a.output}}"
---
{apiVersion: workflow.io/v1, kind: Workflow, metadata: {name: order, namespace: billing},
 spec: {tasks: [{id: a, taskRef: gone}], output: "{{tasks.a.output}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: created}
spec:
  tasks: [{id: a, taskRef: say, input: 1}]
  output: "{{tasks.a.output}}"
  response: {status: 201, contentType: text/csv, body: "a,b"}
"""


@pytest.fixture
async def plane(make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[DataPlane]:
    async with run_data_plane(make_database(), tmp_path, served_bundle(documents=DOCUMENTS)) as running:
        yield running


async def described(plane: DataPlane, path: str = "/openapi.json") -> Any:
    answer = await plane.ask("GET", path, role="viewer")
    assert answer.status_code == 200, answer.text
    return answer.json()


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)


def resolve(document: Any, reference: str) -> Any:
    found = document
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


def validator(document: Any, schema: Any) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


async def test_every_workflow_is_there_under_the_path_it_is_executed_at(plane: DataPlane) -> None:
    document = await described(plane)
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        "/workflows/created/execute",
        "/workflows/order/execute",
        "/namespaces/billing/workflows/order/execute",
    }
    assert [resolve(document, one) for one in references(document)]
    operations = [path["post"]["operationId"] for path in document["paths"].values()]
    assert len(set(operations)) == 3
    (server,) = document["servers"]
    for path in document["paths"]:
        answer = await plane.ask("POST", path, json={"lines": []})
        assert answer.status_code != 404
        assert answer.request.url.path == f"{server['url']}{path}"


async def test_what_the_schema_takes_the_workflow_takes_and_nothing_else(plane: DataPlane) -> None:
    document = await described(plane)
    body = document["paths"]["/workflows/order/execute"]["post"]["requestBody"]
    takes = validator(document, body["content"]["application/json"]["schema"])
    values: list[Any] = [{"lines": [{"sku": "KB-104"}]}, {"lines": []}, {"lines": [{}]}, {}, {"lines": [1]}]
    for value in values:
        answer = await plane.execute("order", value)
        assert takes.is_valid(value) is (answer.status_code == 200), value
        assert answer.status_code in (200, 422)


async def test_a_problem_is_one_of_those_that_are_told(plane: DataPlane) -> None:
    document = await described(plane)
    answers = [
        await plane.execute("order", {}),
        await plane.ask("POST", "/workflows/order/execute", content=b"{"),
        await plane.ask("POST", "/workflows/order/execute", json={}, headers={"Idempotency-Key": " "}),
        await plane.ask("POST", "/workflows/order/execute", json={}, headers={"Content-Type": "text/xml"}),
        await plane.execute("order", {}, token="nonsense"),
        await plane.execute("order", {}, role="viewer"),
        await plane.ask("POST", "/namespaces/billing/workflows/order/execute", json={}),
    ]
    assert [answer.status_code for answer in answers] == [422, 400, 400, 415, 401, 403, 502]
    told = document["paths"]["/workflows/order/execute"]["post"]["responses"]
    for answer in answers:
        response = resolve(document, told[str(answer.status_code)]["$ref"])
        schema = response["content"][answer.headers["content-type"]]["schema"]
        takes = validator(document, schema)
        assert takes.is_valid(answer.json()), answer.text
        assert not takes.is_valid({**answer.json(), "type": "about:blank"})


async def test_a_response_is_told_with_its_status_and_type(plane: DataPlane) -> None:
    path = (await described(plane, "/workflows/created/openapi.json"))["paths"]["/workflows/created/execute"]
    answer = await plane.execute("created", {})
    told = path["post"]["responses"][str(answer.status_code)]
    assert answer.headers["content-type"].partition(";")[0] in told["content"]
    assert "Execution-Id" in told["headers"]


async def test_a_version_is_described_as_it_is_called(plane: DataPlane) -> None:
    document = await described(plane, "/workflows/order@1/openapi.json")
    assert set(document["paths"]) == {"/workflows/order@1/execute"}
    billing = await described(plane, "/namespaces/billing/workflows/order/openapi.json")
    assert set(billing["paths"]) == {"/namespaces/billing/workflows/order/execute"}
    assert (await plane.ask("GET", "/workflows/order@9/openapi.json")).status_code == 404


def test_what_looks_like_a_reference_and_is_none_stays() -> None:
    own = {"$id": "urn:mine", "$ref": "#/$defs/x", "$defs": {"x": True}}
    schema = {
        "properties": {"$ref": {"const": {"$ref": "#"}}, "default": {"$ref": "#/$defs/x"}, "own": own},
        "examples": [{"$ref": "#/a"}],
        "$defs": {"x": {"type": "string"}},
    }
    workflow = BundledDefinition(
        kind="Workflow", name="w", version=1, digest="", document={"spec": {"input": schema}}
    )
    found = json.loads(json.dumps(describe("acme", [workflow])))["components"]["schemas"]["w.input"]
    here = "#/components/schemas/w.input"
    assert found["properties"] == {
        "$ref": {"const": {"$ref": "#"}}, "default": {"$ref": f"{here}/$defs/x"}, "own": own
    }  # fmt: skip
    assert found["examples"] == [{"$ref": "#/a"}]
