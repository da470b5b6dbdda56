"""What the pages say is true: their YAML is valid, their links lead somewhere, their commands exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import Library
from tenantry.language.validation.together import validate_documents
from tests.support.documentation import broken_links, code_blocks
from tests.support.platform import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tenantry.language.findings import Finding

PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "examples/README.md",
    REPOSITORY / "benchmarks/README.md",
    *sorted(REPOSITORY.glob("docs/**/*.md")),
    *sorted(REPOSITORY.glob("tenantry/**/README.md")),
]


def name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def findings(texts: Iterable[str]) -> list[Finding]:
    """What validation says about all documents together."""
    parsed = [parse_documents(text, f"block {number}") for number, text in enumerate(texts)]
    documents = [document for one in parsed for document in one.documents]
    _, found = validate_documents(documents, Library())
    return [finding for one in parsed for finding in one.findings] + list(found)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    assert broken_links(page) == []


def test_the_workflow_of_the_readme_is_valid_with_the_example_tasks() -> None:
    tasks = [path.read_text() for path in sorted(REPOSITORY.glob("examples/acme-corp/tasks/*.yaml"))]
    blocks = code_blocks(REPOSITORY / "README.md", "yaml")
    assert blocks
    assert findings([*tasks, *blocks]) == []


def test_the_workflow_of_the_quickstart_is_valid() -> None:
    blocks = code_blocks(REPOSITORY / "docs/guides/quickstart.md", "yaml")
    assert blocks
    assert findings(blocks) == []


def test_the_examples_of_the_language_reference_are_valid_together() -> None:
    blocks = code_blocks(REPOSITORY / "docs/reference/language.md", "yaml")
    assert findings(blocks) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )?make ([a-z]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= targets
