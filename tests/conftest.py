"""Fixtures every suite may use: fresh databases on a real PostgreSQL, one server per test process."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.postgres import Databases, run_postgres
from tests.support.redis import RedisServer, run_redis
from tests.support.reliability.store_faults import MOMENTS, faulty_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG: Final = ("e2e", "reliability")
"""Folders whose files take longest: begun last, they would keep one process busy while the other is idle."""

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/dataplane/gateway --store-faults=after`: the same tests on a store that fails."""
    parser.addoption("--store-faults", choices=MOMENTS, help="commits of data planes fail now and then")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first; with `--store-faults` without what means something else to who asks again."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)
    if config.getoption("--store-faults"):
        for item in items:
            if (marker := item.get_closest_marker("asks_once")) is not None:
                item.add_marker(pytest.mark.skip(reason=marker.args[0]))


def pytest_collection_finish() -> None:
    """What is imported stays: the garbage collector need not go through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _store_faults(pytestconfig: pytest.Config) -> Iterator[None]:
    moment = pytestconfig.getoption("--store-faults")
    with faulty_store(moment) if moment else nullcontext():
        yield


@pytest.fixture(scope="session")
def _all_databases() -> Iterator[Databases]:
    with run_postgres() as postgres:
        yield Databases(postgres)


@pytest.fixture
def _databases(_all_databases: Databases) -> Iterator[Databases]:
    yield _all_databases
    _all_databases.drop_all()


@pytest.fixture
def make_database(_databases: Databases) -> Callable[[], str]:
    """Creates a fresh, empty database and gives its URL; removed after the test."""
    return _databases.make


@pytest.fixture
def make_migrated_database(_databases: Databases) -> Callable[[Path], str]:
    """Creates a fresh database to which a folder of migrations has been applied; removed after the test."""
    return _databases.make_migrated


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[RedisServer]:
    with run_redis() as server:
        yield server


@pytest.fixture
def redis_server(_redis_server: RedisServer) -> RedisServer:
    """A real Redis, running and empty, whatever an earlier test has done to it."""
    _redis_server.start()
    _redis_server.forget_all()
    return _redis_server
