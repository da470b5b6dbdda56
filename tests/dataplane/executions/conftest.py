"""Executors that look around and obey only when a test tells them to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.executions import lease
from tests.support.executors import Executors, open_executors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def executors(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Executors]:
    monkeypatch.setattr(lease, "LOOK_SECONDS", 3600.0)
    async with open_executors(url, tmp_path) as executors:
        yield executors
