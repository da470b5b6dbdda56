"""Findings as lines: every kind of remark, and places of every kind."""

from __future__ import annotations

import pytest

from tenantry.cli.author.printing import describe
from tenantry.language.findings import Edit, Finding, Position

TEXT = "kind: Wrkflow\nname:\tx\n"


def lines(finding: Finding) -> list[str]:
    return describe(finding, {"a.yaml": TEXT}).plain.splitlines()


def at(line: int, column: int) -> Position:
    return Position(line=line, column=column)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Edit(at(1, 7), at(1, 14), "Workflow"), "replace 'Wrkflow' with 'Workflow'"),
        (Edit(at(1, 7), at(1, 14), ""), "take out 'Wrkflow'"),
        (Edit(at(1, 8), at(1, 8), "o"), "put in 'o'"),
    ],
)
def test_an_edit_is_told_in_words(edit: Edit, said: str) -> None:
    finding = Finding(code="WF013", message="no such kind", source="a.yaml", position=at(1, 7), edit=edit)

    assert lines(finding) == [
        "a.yaml:1:7: error WF013: no such kind",
        "  1 | kind: Wrkflow",
        "    |       ^",
        f"  edit: {said}",
        "  see: docs/reference/findings.md#wf013",
    ]


def test_a_finding_about_no_place_has_no_excerpt() -> None:
    finding = Finding(code="WF016", message="more", source="a.yaml", suggestion="mend these first")

    assert lines(finding) == [
        "a.yaml: error WF016: more",
        "  help: mend these first",
        "  see: docs/reference/findings.md#wf016",
    ]


def test_a_counterexample_may_be_null_and_details_are_lines() -> None:
    finding = Finding(
        code="WF302",
        message="m",
        source="a.yaml",
        position=at(9, 1),
        counterexample=None,
        details="a  b\nc  d",
    )

    assert lines(finding) == [
        "a.yaml:9:1: error WF302: m",
        "  9 | ",
        "    | ^",
        "  example: null",
        "  a  b",
        "  c  d",
        "  see: docs/reference/findings.md#wf302",
    ]


def test_what_a_terminal_would_obey_is_replaced_wherever_it_stands() -> None:
    finding = Finding(
        code="WF302",
        message="m\x1b[2J",
        source="a.yaml",
        position=at(2, 6),
        suggestion="\x9b1m",
        counterexample="\x1b",
        details="\x07",
    )

    assert [line for line in lines(finding) if not line.isprintable()] == []
    assert lines(finding)[1] == "  2 | name:\N{REPLACEMENT CHARACTER}x"
