"""`workflow validate`: what is printed, what counts, and the exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tenantry.cli.author.judging import judge
from tests.support.examples import FOLDER, tenant_names

if TYPE_CHECKING:
    from tests.support.author import Author

SLOW = """\
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: slow}
spec:
  deadline: 1s
  tasks: [{id: user, taskRef: fetch, input: {id: 1}}]
  output: "{{tasks.user.output.name}}"
"""
TENANT = """\
apiVersion: workflow.io/v1
kind: WorkflowTenant
metadata: {name: acme}
spec: {allowedTaskRefs: ["other-*"]}
"""


def test_what_is_valid_is_told_in_one_line(author: Author, task: str, workflow: str) -> None:
    author.write("tasks/fetch.yaml", task)
    author.write("workflows/greet.yml", workflow)

    said = author.run("validate", ".")

    assert (said.code, said.out, said.err) == (0, "2 documents: valid\n", "")


def test_a_finding_shows_its_place_the_line_and_what_to_do(author: Author, task: str, workflow: str) -> None:
    author.write("all.yaml", f"{task}---\n{workflow}".replace("output.name", "output.nmae"))

    said = author.run("validate", "all.yaml")

    assert said.code == 1
    assert said.out.splitlines() == [
        'all.yaml:20:14: error WF204: tasks.user.output has no field "nmae"',
        '  20 |   output: "{{tasks.user.output.nmae}}"',
        "     |              ^",
        '  help: did you mean "name"?',
        "  edit: replace 'nmae' with 'name'",
        "  see: docs/reference/findings.md#wf204",
        "",
        "2 documents: 1 error",
    ]


def test_a_counterexample_is_shown(author: Author, task: str, workflow: str) -> None:
    author.write(
        "all.yaml", f"{task}---\n{workflow}".replace("{userId: {type: integer}}", "{userId: {type: string}}")
    )

    assert '  example: {"id": ""}\n' in author.run("validate", "all.yaml").out


def test_warnings_refuse_only_when_that_is_asked_for(author: Author, task: str) -> None:
    author.write("all.yaml", f"{task}---\n{SLOW}")

    relaxed, strict = author.run("validate", "all.yaml"), author.run("validate", "--strict", "all.yaml")

    assert (relaxed.code, strict.code) == (0, 1)
    assert relaxed.out == strict.out
    assert "warning WF507" in relaxed.out
    assert "step  does   attempts" in relaxed.out
    assert relaxed.out.endswith("\n2 documents: 1 warning\n")


def test_findings_as_json(author: Author, task: str) -> None:
    author.write("in/all.yaml", f"{task}---\n{SLOW}".replace("timeout: 2s", "tiemout: 2s"))
    author.write("in/other.yaml", "runs: on")

    said = author.run("validate", "in", "-o", "json")

    found = json.loads(said.out)
    assert said.code == 1
    assert (found["documents"], found["errors"], found["warnings"]) == (2, 1, 0)
    assert found["leftOut"] == ["in/other.yaml"]
    (finding,) = found["findings"]
    assert finding["edit"]["replacement"] == "timeout"
    assert (finding["code"], finding["severity"], finding["source"]) == ("WF101", "error", "in/all.yaml")
    assert finding["docs"] == "docs/reference/findings.md#wf101"


def test_standard_input_is_judged_with_files(author: Author, task: str, workflow: str) -> None:
    author.write("fetch.yaml", task)

    assert author.run("validate", "fetch.yaml", "-", given=workflow).out == "2 documents: valid\n"
    assert "<stdin>:8:16: error WF202" in author.run("validate", "-", given=workflow).out


def test_libraries_are_known_and_nothing_is_said_about_them(author: Author, task: str, workflow: str) -> None:
    author.write("library/fetch.yaml", task)
    author.write("library/broken.yaml", SLOW.replace("tasks:", "taks:"))
    author.write("greet.yaml", workflow)

    assert author.run("validate", "greet.yaml", "--with", "library").out == "1 document: valid\n"


def test_the_tenant_beside_the_documents_decides_which_tasks_may_be_used(
    author: Author, task: str, workflow: str
) -> None:
    author.write("all.yaml", f"{task}---\n{workflow}---\n{TENANT}")

    assert "error WF501" in author.run("validate", "all.yaml").out
    author.write("all.yaml", f"{task}---\n{workflow}---\n{TENANT}".replace("allowedTaskRefs", "allowedTasks"))
    said = author.run("validate", "all.yaml").out
    assert "error WF101" in said
    assert "WF501" not in said


def test_findings_are_in_the_order_of_the_texts(author: Author, task: str, workflow: str) -> None:
    author.write("b.yaml", workflow.replace("output:", "ouput:"))
    author.write("a.yaml", f"{task.replace('timeout', 'tiemout')}---\nkind: Wrkflow\n")

    lines = [
        line for line in author.run("validate", "b.yaml", "a.yaml").out.splitlines() if " error " in line
    ]

    assert [line.split(": ")[0] for line in lines] == ["b.yaml:10:3", "a.yaml:9:3", "a.yaml:11:7"]


def test_nothing_in_a_document_reaches_the_terminal_as_more_than_text(author: Author, workflow: str) -> None:
    hostile = 'x: "[red]\\e[2J[/red]"\n'
    author.write("all.yaml", f"{workflow}{hostile}\x7f\x9b[2J: 1\n")

    said = author.run("validate", "all.yaml")

    assert said.code == 1
    assert "\x1b" not in said.out
    assert "\x9b" not in said.out


def test_of_a_long_line_the_part_in_question_is_shown(author: Author) -> None:
    wide = "日" * 3
    text = f'{{"apiVersion": "workflow.io/v1", "x": "{"y" * 500}{wide}", "kind": "Worklow"}}'
    author.write("all.json", text)

    first, shown, caret, *_ = author.run("validate", "all.json").out.splitlines()

    assert first.startswith("all.json:1:554: error WF013")
    assert len(shown) <= 130
    assert shown[caret.index("^") - len(wide) :].startswith('"Worklow"')


@pytest.mark.parametrize("tenant", tenant_names())
def test_the_examples_are_valid(author: Author, tenant: str) -> None:
    said = author.run("validate", str(FOLDER / tenant))

    assert (said.code, "error" in said.out) == (0, False), said.out


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (["nothing.yaml"], "nothing.yaml cannot be read: No such file or directory.", ""),
        (
            ["empty"],
            "empty holds no definitions.",
            "Definitions are YAML or JSON files that say workflow.io/v1.",
        ),
        (["latin.yaml"], "latin.yaml is not UTF-8: byte 4.", ""),
        (
            ["two.yaml"],
            "These are documents of several tenants: acme, globex.",
            "Name one tenant's at a time.",
        ),
    ],
)
def test_what_cannot_be_judged_is_a_sentence(
    author: Author, arguments: list[str], said: str, hint: str
) -> None:
    author.write("empty/compose.yaml", "services: {}")
    author.write("latin.yaml", b"a: \xe9")
    author.write("two.yaml", f"{TENANT}---\n{TENANT.replace('acme', 'globex')}")

    result = author.run("validate", *arguments)

    assert (result.code, result.out) == (2, "")
    assert result.err == f"workflow: {said}\n" + (f"{hint}\n" if hint else "")


def test_a_folder_is_searched_without_what_is_hidden_or_something_else(
    author: Author, task: str, workflow: str
) -> None:
    author.write("in/deep/er/fetch.JSON", task)
    author.write("in/greet.yaml", workflow)
    author.write("in/.git/greet.yaml", workflow)
    author.write("in/.greet.yaml", workflow)
    author.write("in/README.md", workflow)
    (author.folder / "in/link").symlink_to(author.folder / "in")

    assert author.run("validate", "in").out.splitlines()[-1].startswith("2 documents: ")


def test_a_folder_that_cannot_be_read_is_a_sentence(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    author.write("in/greet.yaml", "")

    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied", "in")

    monkeypatch.setattr("os.scandir", refuse)
    result = author.run("validate", "in")

    assert (result.code, result.err) == (2, "workflow: in cannot be read: Permission denied.\n")


def test_a_text_that_is_too_large_is_a_finding(author: Author) -> None:
    author.write("large.yaml", "# " + "é" * 600_000)

    said = author.run("validate", "large.yaml")

    assert (said.code, "error WF002" in said.out) == (1, True)


def test_the_texts_are_judged_as_the_control_plane_judges_them(task: str, workflow: str) -> None:
    judged = judge({"a": workflow, "b": task}, {})

    assert judged.findings == ()
    assert (set(judged.library.tasks), set(judged.library.workflows)) == ({"fetch"}, {"greet"})
    assert [document.source for document in judged.documents] == ["a", "b"]
