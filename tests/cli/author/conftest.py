"""The command line `workflow`, called in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.author import TASK, WORKFLOW, Author

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Author:
    monkeypatch.chdir(tmp_path)
    return Author(tmp_path)


@pytest.fixture
def task() -> str:
    return TASK


@pytest.fixture
def workflow() -> str:
    return WORKFLOW
