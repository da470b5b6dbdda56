"""The guide to the author's command line shows what the commands print."""

from __future__ import annotations

import shlex
import shutil
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tenantry.cli.author.commands import commands
from tests.support.documentation import code_blocks
from tests.support.platform import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = REPOSITORY / "docs/guides/command-line.md"


@pytest.mark.parametrize("block", code_blocks(GUIDE, "console"), ids=lambda block: block.split("\n")[0])
def test_a_command_of_the_guide_prints_what_it_says(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = code_blocks(GUIDE, "yaml")
    shutil.copytree(REPOSITORY / "examples/acme-corp", tmp_path / "examples/acme-corp")
    (tmp_path / "greeting.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    command, printed = block.split("\n", 1)

    result = CliRunner().invoke(commands, shlex.split(command)[2:])

    assert result.stdout == printed


def test_the_guide_draws_the_flowchart_that_it_prints() -> None:
    printed = code_blocks(GUIDE, "console")[-1].split("\n")
    (drawn,) = code_blocks(GUIDE, "mermaid")

    assert [line for line in printed[1:] if "%%" not in line] == drawn.split("\n")
