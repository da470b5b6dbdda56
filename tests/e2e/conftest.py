"""A platform that serves, for the tests that only use it; and places for those that start their own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.platform import Place, ServingPlatform
from tests.support.ports import find_free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def make_place() -> Iterator[Callable[[], Place]]:
    """Homes outside of pytest's folders, which PostgreSQL's account could not enter."""
    folders: list[Path] = []

    def make() -> Place:
        folders.append(Path(tempfile.mkdtemp(prefix="tenantry-")))
        return Place(folders[-1] / ".tenantry", find_free_ports())

    yield make
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def platform(make_place: Callable[[], Place]) -> Iterator[ServingPlatform]:
    serving = ServingPlatform(make_place())
    yield serving
    serving.stop()
