"""A tenant's runner over real connections, allowed to reach this machine, and a real test API to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.tenants.egress import compile_egress_policy
from tests.support.attempts import make_runner
from tests.support.testapi import serve_testapi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tenantry.dataplane.tasks.runner import CallRunner


@pytest.fixture(scope="session")
def testapi() -> Iterator[str]:
    with serve_testapi() as address:
        yield address


@pytest.fixture
async def client() -> AsyncIterator[PooledClient]:
    client = PooledClient(compile_egress_policy(["127.0.0.1"]))
    yield client
    await client.close()


@pytest.fixture
def runner(client: PooledClient) -> CallRunner:
    return make_runner(client)
