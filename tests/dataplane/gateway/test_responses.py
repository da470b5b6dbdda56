"""What a workflow's `response` makes of the answer: status, headers, content type and body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.dataplane import DataPlane

WORKFLOWS = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: same}
spec: {type: transform, value: "{{input}}"}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: mapped}
spec:
  tasks: [{id: said, taskRef: same, input: "{{input}}"}]
  output: {said: "{{tasks.said.output.text}}"}
  response:
    status: "{{tasks.said.output.status ?? 201}}"
    headers: {X-Said: "{{tasks.said.output.text}}", Execution-Id: mine}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: told}
spec:
  tasks: [{id: said, taskRef: same, input: "{{input}}"}]
  response: {contentType: "text/x-{{input.kind ?? 'plain'}}", body: "{{tasks.said.output.text}}"}
"""


@pytest.fixture
def documents() -> str:
    return WORKFLOWS


async def test_status_and_headers_are_the_workflow_s_and_the_body_its_output(plane: DataPlane) -> None:
    response = await plane.execute("mapped", {"text": "hello"})
    assert (response.status_code, response.json()) == (201, {"said": "hello"})
    assert response.headers["X-Said"] == "hello"
    assert response.headers["content-type"] == "application/json"


async def test_the_platform_s_own_headers_are_not_replaced(plane: DataPlane) -> None:
    response = await plane.execute("mapped", {"text": "hello"})
    assert response.headers.get_list("Execution-Id") != ["mine"]
    assert len(response.headers.get_list("Execution-Id")) == 1


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_an_answer_without_content_has_none(plane: DataPlane, status: int) -> None:
    response = await plane.execute("mapped", {"text": "hello", "status": status})
    assert (response.status_code, response.content) == (status, b"")
    assert response.headers["X-Said"] == "hello"


async def test_a_text_is_sent_as_it_is(plane: DataPlane) -> None:
    response = await plane.execute("told", {"text": '"quoted" 日本'})
    assert response.content == '"quoted" 日本'.encode()
    assert response.headers["content-type"].startswith("text/x-plain")


@pytest.mark.parametrize("text", ["é", "日本", "\u2028"])
async def test_a_header_beyond_ascii_is_sent_as_utf_8(plane: DataPlane, text: str) -> None:
    response = await plane.execute("mapped", {"text": text})
    assert response.status_code == 201
    assert dict(response.headers.raw)[b"x-said"] == text.encode()
    response = await plane.execute("told", {"text": "x", "kind": text})
    assert f"text/x-{text}".encode() in dict(response.headers.raw)[b"content-type"]


@pytest.mark.parametrize("value", [{"text": "a\r\nSet-Cookie: b"}, {"text": "x", "status": 99}])
async def test_an_answer_that_http_cannot_hold_is_a_failure(plane: DataPlane, value: dict[str, str]) -> None:
    response = await plane.execute("mapped", value)
    assert response.status_code == 502
    assert "the response cannot be resolved" in response.json()["detail"]
    assert "set-cookie" not in response.headers


async def test_a_body_that_is_no_text_is_a_failure_where_one_is_needed(plane: DataPlane) -> None:
    response = await plane.execute("told", {"text": {"a": 1}})
    assert (response.status_code, response.json()["source"]) == (502, "upstream")
