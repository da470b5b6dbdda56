"""`workflow plan`: a workflow in files, explained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.author import Author

PARENT = """\
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: parent, namespace: sales}
spec:
  input: {type: object, required: [userId], properties: {userId: {type: integer}}}
  tasks:
    - {id: first, workflowRef: greet, input: {userId: "{{input.userId}}"}}
    - {id: again, workflowRef: greet, input: {userId: "{{input.userId}}"}}
"""


@pytest.mark.parametrize(
    ("output", "begins"),
    [
        ((), "greet: worst case 2s, within the deadline of 30s\n"),
        (("--format", "text"), "greet: worst case 2s"),
        (("-o", "json"), '{\n  "workflow": "greet"'),
        (("--output", "dot"), 'digraph "greet" {'),
        (("--format", "mermaid"), "flowchart LR\n"),
    ],
)
def test_a_plan_is_printed_in_every_format(
    author: Author, task: str, workflow: str, output: tuple[str, ...], begins: str
) -> None:
    author.write("all.yaml", f"{task}---\n{workflow}")

    said = author.run("plan", "all.yaml", *output)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(begins)
    assert said.out.endswith("\n")


def test_of_several_workflows_one_is_named(author: Author, task: str, workflow: str) -> None:
    author.write("all.yaml", f"{task}---\n{workflow}---\n{PARENT.replace(', namespace: sales', '')}")

    said = author.run("plan", "all.yaml", "--workflow", "parent", "-o", "json")

    nodes = json.loads(said.out)["nodes"]
    assert [node["id"] for node in nodes] == ["first", "first/user", "again", "again/user"]
    unnamed, unknown = author.run("plan", "all.yaml"), author.run("plan", "all.yaml", "--workflow", "other")
    assert (unnamed.code, unnamed.err) == (
        2,
        "workflow: Say which with --workflow.\nThere are: greet, parent.\n",
    )
    assert (unknown.code, unknown.err) == (
        2,
        "workflow: There is no workflow other.\nThere are: greet, parent.\n",
    )


def test_a_workflow_of_a_namespace_is_named_with_it(author: Author, task: str, workflow: str) -> None:
    author.write("greet.yaml", workflow.replace("name: greet", "name: greet, namespace: sales"))
    author.write("parent.yaml", PARENT)
    author.write("library/fetch.yaml", task)

    said = author.run("plan", "parent.yaml", "greet.yaml", "--with", "library", "--workflow", "sales/parent")

    assert (said.code, said.out.splitlines()[0]) == (
        0,
        "sales/parent: worst case 2s, within the deadline of 30s",
    )


def test_a_version_means_the_workflow_that_is_there(author: Author, task: str, workflow: str) -> None:
    pinned = PARENT.replace(", namespace: sales", "").replace(
        "workflowRef: greet", "workflowRef: greet@v2", 1
    )
    author.write("all.yaml", f"{task}---\n{workflow}---\n{pinned}")

    said = author.run("plan", "all.yaml", "--workflow", "parent", "-o", "json")

    nodes = json.loads(said.out)["nodes"]
    assert [node["id"] for node in nodes] == ["first", "first/user", "again", "again/user"]
    author.write("all.yaml", f"{task}---\n{pinned.replace('greet', 'greeting')}---\nkind: Workflow\n")
    refused = author.run("validate", "all.yaml").out
    assert refused.count('WF207: there is no workflow "greeting') == 2


def test_files_without_a_workflow_have_no_plan(author: Author, task: str) -> None:
    author.write("fetch.yaml", task)

    said = author.run("plan", "fetch.yaml")

    assert (said.code, said.err) == (2, "workflow: There is no workflow in these files.\n")


def test_what_is_refused_has_no_plan(author: Author, workflow: str) -> None:
    author.write("greet.yaml", workflow)

    said = author.run("plan", "greet.yaml")

    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("greet.yaml:8:16: error WF202")


def test_a_warning_stands_beside_the_plan(author: Author, task: str, workflow: str) -> None:
    author.write(
        "all.yaml", f"{task}---\n{workflow.replace('  tasks:', '  deadline: 1s' + chr(10) + '  tasks:')}"
    )

    said = author.run("plan", "all.yaml")

    assert (said.code, said.out.startswith("greet: worst case 2s, over the deadline of 1s\n")) == (0, True)
    assert "warning WF507" in said.err
