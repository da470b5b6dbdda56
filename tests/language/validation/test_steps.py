"""Whole workflows with everything that is said about them, beside the tasks of the catalogue's examples."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tenantry.language.validation.catalogue import TASKS
from tests.support.language import judge

CASES = (Path(__file__).parent / "steps.txt").read_text().split("\n\n# ")
WORKFLOW = "---\napiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n{spec}\n"


def text_of(lines: list[str]) -> tuple[str, int]:
    """A case as documents, and how many lines stand before the workflow in question.

    Lines that begin with `@name: ` are the specs of other workflows.
    """
    text = TASKS
    for line in lines:
        if line.startswith("@"):
            name, _, spec = line[1:].partition(": ")
            text += WORKFLOW.format(name=name, spec=f"  {spec}")
    spec = "\n".join(line for line in lines if line[:1] not in "@>")
    before = text.count("\n") + 5
    return text + WORKFLOW.format(name="example", spec=indent(spec, "  ")), before


def told(lines: list[str]) -> list[str]:
    text, before = text_of(lines)
    return [
        f"> {finding.position.line - before}:{finding.position.column} {finding.severity} {finding.code} "
        f"{finding.message}" + (f" ({finding.suggestion})" if finding.suggestion else "")
        for finding in judge(text)
        if finding.position and finding.document == "Workflow/example"
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.splitlines()[0].lstrip("# "))
def test_what_is_said_of_a_workflow(case: str) -> None:
    _, *lines = case.splitlines()

    assert told(lines) == [line for line in lines if line.startswith(">")]
