"""The Makefile on machines where something is missing: one sentence, and nothing half made."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tenantry.cli.processes import run_program
from tests.support.platform import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


def python_that_fails(folder: Path, what: str) -> str:
    """A Python that is as it should be, except that what holds this text fails."""
    program = folder / "python-somewhat"
    program.write_text(f'#!/bin/sh\ncase "$*" in *"{what}"*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    program.chmod(0o700)
    return str(program)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("version_info", f"Python 3.11 or newer is needed, this is Python {sys.version.split()[0]}: "),
        ("ensurepip", "The Python module venv is missing: "),
        (None, "no-such-python is missing: install Python 3.11 or newer."),
    ],
)
def test_a_python_that_will_not_do_is_told_in_a_sentence(
    tmp_path: Path, what: str | None, sentence: str
) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, tmp_path)
    python = python_that_fails(tmp_path, what) if what else "no-such-python"
    result = run_program("make", "-C", str(tmp_path), "run", f"PYTHON={python}")
    assert result.returncode != 0
    assert any(line.startswith(sentence) for line in result.stderr.splitlines()), result.stderr
    assert not (tmp_path / ".venv").exists()
