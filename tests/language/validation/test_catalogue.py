from __future__ import annotations

from pathlib import Path

import pytest

from tenantry.language.codes import Code
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import validate_task
from tenantry.language.validation.catalogue import CATALOGUE, TASKS, Frame
from tenantry.language.validation.catalogue.page import render_page
from tenantry.language.validation.changes import Interface, Side, breaking_changes, task_interface
from tests.support.language import judge

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "findings.md"


def test_every_code_is_explained_once_and_in_order() -> None:
    assert list(CATALOGUE) == list(Code)
    assert len({entry.title for entry in CATALOGUE.values()}) == len(CATALOGUE)


def test_the_tasks_the_examples_use_are_right() -> None:
    assert judge(TASKS) == ()


@pytest.mark.parametrize(
    "code", [code for code, entry in CATALOGUE.items() if entry.frame is not Frame.VERSIONS]
)
def test_the_example_of_a_code_gives_that_code(code: Code) -> None:
    entry = CATALOGUE[code]

    findings = judge(entry.text, lambda name: not name.startswith("internal-"))

    assert {finding.code for finding in findings} - {Code.NOT_A_DOCUMENT} | {code} == {code}
    assert code in {finding.code for finding in findings}
    assert entry.severity in {finding.severity for finding in findings if finding.code == code}
    assert all(finding.position for finding in findings)


def test_the_example_of_a_breaking_change_has_some_on_both_sides() -> None:
    old, new = CATALOGUE[Code.BREAKING_CHANGE].text.split("---\n")
    changes = breaking_changes(interface_of(old), interface_of(new))
    assert {change.kind.side for change in changes} == set(Side)


def interface_of(text: str) -> Interface:
    (document,) = parse_documents(text).documents
    task, findings = validate_task(document)
    assert findings == ()
    assert task is not None
    return task_interface(task)


def test_the_reference_page_is_the_catalogue() -> None:
    assert PAGE.read_text() == render_page(), "write render_page() to docs/reference/findings.md"


def test_a_finding_leads_to_its_section_of_the_page() -> None:
    (finding,) = judge("- a list")

    path, anchor = finding.docs.split("#")
    assert path == "docs/reference/findings.md"
    assert f"### {anchor.upper()}\n" in PAGE.read_text()
