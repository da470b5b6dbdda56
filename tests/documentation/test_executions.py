"""The guide to executions: its requests are sent in their order, and answered as it says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.callbacks import Receiver, receiving
from tests.support.dataplane import DataPlane, run_data_plane, served_bundle
from tests.support.documentation import code_blocks
from tests.support.eventually import eventually
from tests.support.gates import Gates, gated_upstream
from tests.support.language import judge
from tests.support.platform import REPOSITORY
from tests.support.testapi import serve_testapi
from tests.support.told_requests import Sent, told_requests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

GUIDE = REPOSITORY / "docs/guides/executions.md"
CALLBACK = "https://shop.example.com/hooks/orders"
PACKING = "products/KB-104?delayMs=5000"


@dataclass
class Story:
    """What the guide tells, played: the warehouse packs when it is let."""

    plane: DataPlane
    warehouse: Gates
    receiver: Receiver

    async def before(self, path: str) -> None:
        """What has happened by the time a request is sent."""
        if path.endswith("/pause"):
            await self.warehouse.called(PACKING)

    async def after(self, path: str) -> None:
        """What happens until the next request is sent."""
        if path.endswith("/resume"):
            self.warehouse.let(PACKING)
        if path.endswith(("/resume", "/fork", "/retry")):
            await eventually(lambda: not self.plane.services.executor.ids)


@pytest.fixture
async def story(make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Story]:
    (documents,) = code_blocks(GUIDE, "yaml")
    with serve_testapi() as address:
        async with gated_upstream() as warehouse, receiving() as receiver, httpx.AsyncClient() as client:
            packed = await client.get(f"{address}/products/KB-104")
            warehouse.answers[PACKING] = ("200 OK", packed.content)
            warehouse.hold(PACKING)
            served = documents.replace("http://127.0.0.1:8082/products", f"{warehouse.url}/products")
            bundle = served_bundle(documents=served.replace("http://127.0.0.1:8082", address))
            async with run_data_plane(make_database(), tmp_path, bundle) as plane:
                yield Story(plane, warehouse, receiver)


def test_the_workflow_of_the_guide_is_valid() -> None:
    assert judge("\n---\n".join(code_blocks(GUIDE, "yaml"))) == ()


async def test_the_story_of_the_guide_is_true(story: Story) -> None:
    told, sent = told_requests(GUIDE), Sent(story.plane, stands_for={CALLBACK: story.receiver.url})
    assert told
    for one in told:
        await story.before(one.path)
        answer = (await sent.send(one)).json()
        assert sent.is_as_told(one.answer, answer), (one.method, one.path, answer)
        await story.after(one.path)
    async with asyncio.timeout(30):
        await story.receiver.arrived.acquire()
    assert '"type":"execution.completed"' in story.receiver.received[0].body
