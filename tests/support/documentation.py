"""The pages people read, taken apart for tests: their code blocks and their links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def code_blocks(page: Path, language: str) -> list[str]:
    """The page's blocks in a language, in their order."""
    return [code for found, code in _BLOCK.findall(page.read_text()) if found == language]


def local_links(page: Path) -> list[Path]:
    """The files that the page links to."""
    return [page.parent / link for link in _LINK.findall(page.read_text()) if "://" not in link]
