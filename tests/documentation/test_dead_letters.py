"""The requests of the pages about dead letters are sent, and answered as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import Library
from tenantry.language.validation.together import validate_documents
from tests.support.dataplane import DataPlane, run_data_plane, served_bundle
from tests.support.documentation import code_blocks
from tests.support.eventually import eventually
from tests.support.platform import REPOSITORY
from tests.support.testapi import serve_testapi
from tests.support.told_requests import Sent, told_requests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

GUIDE = REPOSITORY / "docs/guides/dead-letters.md"
REFERENCE = REPOSITORY / "docs/reference/data-plane-api.md"
DECLINED = {"orderId": 5001, "card": "tok_declined", "email": "ada@example.com"}


@pytest.fixture
async def plane(make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[DataPlane]:
    (documents,) = code_blocks(GUIDE, "yaml")
    with serve_testapi() as address:
        bundle = served_bundle(documents=documents.replace("http://127.0.0.1:8082", address))
        async with run_data_plane(make_database(), tmp_path, bundle) as plane:
            yield plane


async def send_all(plane: DataPlane, page: Path) -> None:
    told, sent = told_requests(page), Sent(plane)
    assert told
    for one in told:
        answer = (await sent.send(one)).json()
        assert sent.is_as_told(one.answer, answer), (one.method, one.path, answer)
        await eventually(lambda: nothing_runs(plane))


async def nothing_runs(plane: DataPlane) -> bool:
    pool = plane.services.deliveries._pool
    return bool(await pool.fetchval("SELECT bool_and(ended_at IS NOT NULL) FROM executions"))


def test_the_workflow_of_the_guide_is_valid() -> None:
    parsed = parse_documents(*code_blocks(GUIDE, "yaml"))
    _, findings = validate_documents(parsed.documents, Library())
    assert [*parsed.findings, *findings] == []


async def test_the_story_of_the_guide_is_true(plane: DataPlane) -> None:
    await send_all(plane, GUIDE)


async def test_the_examples_of_the_reference_are_true(plane: DataPlane) -> None:
    for _ in range(3):
        await plane.execute("buy", DECLINED)
    await send_all(plane, REFERENCE)
