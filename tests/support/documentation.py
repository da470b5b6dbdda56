"""The pages people read, taken apart for tests: their code blocks and their links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)
_LINK: Final = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def code_blocks(page: Path, language: str) -> list[str]:
    """The page's blocks in a language, in their order."""
    return [code for found, code in _BLOCK.findall(page.read_text()) if found == language]


def broken_links(page: Path) -> list[str]:
    """The page's links to files of ours that do not exist, or have no such heading."""
    broken = []
    for link, heading in _LINK.findall(page.read_text()):
        target = page.parent / link if link else page
        if "://" not in link and not (target.exists() and (not heading or heading in _anchors(target))):
            broken.append(f"{link}#{heading}")
    return broken


def _anchors(page: Path) -> set[str]:
    """What its headings are called in addresses."""
    headings = _HEADING.findall(_CODE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
