"""A control plane on a fresh database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.controlplane.store.database import MIGRATIONS
from tests.support.controlplane import Api, run_control_plane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
async def api(make_migrated_database: Callable[[Path], str]) -> AsyncIterator[Api]:
    """A running control plane with nothing in it."""
    async with run_control_plane(make_migrated_database(MIGRATIONS)) as running:
        yield running
