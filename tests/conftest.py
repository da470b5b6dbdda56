"""Fixtures every suite may use: fresh databases on a real PostgreSQL, one server per test process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.postgres import Databases, run_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How long an example takes says something about the machine, nothing about the code.
settings.register_profile("tenantry", deadline=None)
settings.register_profile("torture", deadline=None, max_examples=5000)  # by --hypothesis-profile
# The same few examples every time, and no search for the smallest: `make mutation` wants a verdict.
settings.register_profile(
    "mutation",
    deadline=None,
    max_examples=30,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("tenantry")


@pytest.fixture(scope="session")
def _databases() -> Iterator[Databases]:
    with run_postgres() as postgres:
        yield Databases(postgres)


@pytest.fixture
def make_database(_databases: Databases) -> Iterator[Callable[[], str]]:
    """Creates a fresh, empty database and gives its URL; removed after the test."""
    yield _databases.make
    _databases.drop_all()
