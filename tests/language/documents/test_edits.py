from __future__ import annotations

import pytest

from tenantry.language.codes import Code
from tenantry.language.documents.edits import apply_edit, rename_value, rename_within
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report
from tenantry.language.findings import Edit, Finding, Position
from tenantry.language.validation.catalogue import CATALOGUE
from tests.support.language import judge

TASK = """\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: fetch-user}
spec:
  type: http
  request: {method: GET, url: "https://example.com/"}
"""


def findings_of(text: str) -> list[Finding]:
    parsed = parse_documents(text)
    found = [
        finding
        for document in parsed.documents
        for finding in read(document, WorkflowTask if document.kind == "WorkflowTask" else Workflow)[1]
    ]
    return [*parsed.findings, *found]


@pytest.mark.parametrize(
    ("part", "wrong", "right"),
    [
        ("kind: WorkflowTask", "kind: WorkflwTask", "kind: WorkflowTask"),
        ("kind: WorkflowTask", 'kind: "WorkflwTask"', 'kind: "WorkflowTask"'),
        ("type: http", "typ: http", "type: http"),
        ("type: http", '"typ": http', '"type": http'),
        ("type: http", "type: htp", "type: http"),
        ("GET", "'GETT'", "'GET'"),
        ("fetch-user", "2026", '"2026"'),
        ("name: fetch-user", "name: fetch-user, labels: {a: true}", 'name: fetch-user, labels: {a: "true"}'),
        ("name: fetch-user", "name: fetch-user, labels: {404: a}", 'name: fetch-user, labels: {"404": a}'),
        ("fetch-user", "!!binary fetch-user", "fetch-user"),
        ("{method", "{body: {{input.url}}, method", '{body: "{{input.url}}", method'),
        ("type: http", 'type: {{input["a"]}}', "type: '{{input[\"a\"]}}'"),
        ("type: http", "type: http\n  retry: {maxAttempts: '3'}", "type: http\n  retry: {maxAttempts: 3}"),
        ("type: http", "type: http  # \0", "type: http  # "),
    ],
)
def test_a_certain_mend_comes_as_an_edit(part: str, wrong: str, right: str) -> None:
    text = TASK.replace(part, wrong)

    (edit,) = [finding.edit for finding in findings_of(text) if finding.edit is not None]

    assert apply_edit(text, edit) == TASK.replace(part, right)


@pytest.mark.parametrize(
    "wrong",
    [
        "  typ: http\n  type: http",
        "  type: &t htp",
        "  type: http\n  idempotent: 1\n  successStatus: [&a true]",
        "  type: >-\n    htp",
        "  type: ht-\n    tp",
        '  "t\\u0079p": http',
        "  type: {{input.a}} and b\\c",
        '  type: {{input["it\'s"]}}',
    ],
)
def test_what_is_not_certain_is_no_edit(wrong: str) -> None:
    findings = findings_of(TASK.replace("  type: http", wrong))

    assert findings
    assert all(finding.edit is None for finding in findings)


def test_a_template_that_makes_its_line_unreadable_is_quoted_with_its_line() -> None:
    text = "kind: Workflow\na: to {{b}}\nc: {{input.x}} and more  # why\nd: [{{x}} y]\n"

    (finding,) = parse_documents(text).findings

    assert finding.edit == Edit(Position(3, 4), Position(3, 24), '"{{input.x}} and more"')
    (finding,) = parse_documents("kind: Workflow\nd: [{{x}} y]\n").findings
    assert finding.edit is None


def renamed(text: str, pointer: str, *, at_key: bool = False, offset: int | None = None) -> str | None:
    (document,) = parse_documents(text).documents
    report = Report(document)
    meant = ("usr", ["user", "x y"])
    report.add(Code.UNKNOWN_STEP, "no usr", pointer, at_key=at_key, offset=offset, meant=meant)
    (finding,) = report.findings()
    return apply_edit(text, finding.edit) if finding.edit else None


def test_a_name_is_replaced_where_it_stands() -> None:
    assert renamed("kind: Workflow\na: usr", "/a") == "kind: Workflow\na: user"
    assert renamed("kind: Workflow\na: ['usr']", "/a/0") == "kind: Workflow\na: ['user']"
    assert renamed("kind: Workflow\n'usr': 1", "/usr", at_key=True) == "kind: Workflow\n'user': 1"
    assert renamed("kind: Workflow\na: {usr: 1}", "/a/usr", at_key=True) == "kind: Workflow\na: {user: 1}"
    text = "kind: Workflow\na: |\n  see usr\n  {{tasks.usr.output}}"
    assert renamed(text, "/a", offset=len("see usr\n{{")) == text.replace("tasks.usr", "tasks.user")
    text = "kind: Workflow\na: \"\\t{{tasks['usr'].output}}\""
    assert renamed(text, "/a", offset=3) == text.replace("usr", "user")


def test_a_name_that_is_not_plainly_there_is_not_replaced() -> None:
    assert renamed("kind: Workflow\na: {usr: 1, user: 2}", "/a/usr", at_key=True) is None
    assert renamed("kind: Workflow\na: other", "/a") is None
    assert renamed("kind: Workflow\na: usr", "/b") is None
    assert renamed("kind: Workflow\na: usr", "/b/usr", at_key=True) is None
    assert renamed('kind: Workflow\na: "{{tasks.us\\x72.output}}"', "/a", offset=2) is None
    assert renamed("kind: Workflow\na: '{{tasks.usr.usr}}'", "/a", offset=2) is None
    assert renamed("kind: Workflow\na: '{{ }}'", "/a", offset=2) is None
    assert renamed("kind: Workflow\na: [usr]", "/a", offset=2) is None
    (document,) = parse_documents("kind: Workflow\na: usr\nb: x usr").documents
    assert rename_value(document, "/a", "usr", "null") is None
    assert rename_value(document, "/a", "usr", "a b") is None
    assert rename_value(load_document(document.raw), "/a", "usr", "user") is None
    assert rename_within(load_document(document.raw), "/b", 2, "usr", "user") is None


def test_an_edit_is_applied_by_lines_and_columns() -> None:
    text = "\ufeffab\ncd\n"

    assert apply_edit(text, Edit(Position(1, 2), Position(2, 2), "-")) == "\ufeffa-d\n"
    assert apply_edit(text, Edit(Position(2, 3), Position(2, 3), "-")) == "\ufeffab\ncd-\n"
    assert apply_edit(text, Edit(Position(1, 9), Position(9, 9), "-")) == "\ufeffab-"


@pytest.mark.parametrize("code", Code)
def test_every_edit_of_an_example_mends_what_it_is_about(code: Code) -> None:
    text = CATALOGUE[code].text
    findings = judge(text, lambda name: not name.startswith("internal-"))

    for finding in findings:
        if finding.edit is not None:
            left = judge(apply_edit(text, finding.edit), lambda name: not name.startswith("internal-"))
            assert (finding.code, finding.pointer) not in {(other.code, other.pointer) for other in left}


def test_the_catalogue_has_edits_for_the_common_mistakes() -> None:
    certain = {
        finding.code
        for entry in CATALOGUE.values()
        for finding in judge(entry.text, lambda name: not name.startswith("internal-"))
        if finding.edit is not None
    }

    common = {Code.UNQUOTED_TEMPLATE, Code.UNKNOWN_KIND, Code.UNKNOWN_FIELD, Code.UNKNOWN_TASK}
    assert {*common, Code.UNKNOWN_STEP, Code.UNKNOWN_PATH, Code.UNKNOWN_DEPENDENCY} <= certain
