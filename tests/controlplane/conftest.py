"""A control plane on a fresh database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.controlplane import Api, run_control_plane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@pytest.fixture
async def api(make_database: Callable[[], str]) -> AsyncIterator[Api]:
    """A running control plane with nothing in it."""
    async with run_control_plane(make_database()) as running:
        yield running
