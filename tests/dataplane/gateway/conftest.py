"""A data plane of two tenants, `acme` and `globex`, on the same documents and a real test API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.dataplane import DataPlane, run_data_plane, served_bundle
from tests.support.shop import shop_documents
from tests.support.testapi import serve_testapi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def testapi() -> Iterator[str]:
    with serve_testapi() as address:
        yield address


@pytest.fixture
def documents(testapi: str) -> str:
    return shop_documents(testapi)


@pytest.fixture
async def plane(url: str, tmp_path: Path, documents: str) -> AsyncIterator[DataPlane]:
    bundles = [served_bundle(tenant, documents=documents) for tenant in ("acme", "globex")]
    async with run_data_plane(url, tmp_path, *bundles) as plane:
        yield plane
