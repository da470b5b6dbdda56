"""A fresh shop for each test, called in process; and one real server for what needs a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tenantry.testapi.app import create_app
from tests.support.testapi import serve_testapi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://testapi") as client:
        yield client


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with serve_testapi() as address:
        yield address


@pytest.fixture
async def remote(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, timeout=10) as client:
        yield client
