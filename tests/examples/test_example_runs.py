"""Every run under `examples/` gives the answer it promises, through a real data plane on the test API."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.process import running
from tenantry.dataplane.settings import Settings
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.values import canonical_json
from tenantry.protocol.bundles import Bundle, BundledDefinition, BundledKey, encode, sign
from tenantry.tenants.api_keys import hash_token, make_token
from tenantry.tenants.rate_card import DEFAULT_RATE_CARD
from tests.support.examples import ExampleRun, document_files, example_runs, promised_part, read_for
from tests.support.testapi import serve_testapi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

TOKEN = make_token("examples", bytes(range(16)))


@pytest.fixture(scope="module")
def test_api() -> Iterator[str]:
    with serve_testapi() as address:
        yield address.removeprefix("http://")


def make_bundle(tenant: str, test_api: str) -> Bundle:
    """The tenant as the control plane would bundle it."""
    texts = [read_for(path, test_api) for path in document_files(tenant)]
    spec, *definitions = [document for text in texts for document in parse_documents(text).documents]
    return Bundle(
        tenant=tenant,
        revision=1,
        spec=spec.raw["spec"],
        definitions=tuple(
            BundledDefinition(
                kind=document.kind,
                name=document.name,
                version=1,
                digest=hashlib.sha256(canonical_json(document.raw)).hexdigest(),
                document=document.raw,
            )
            for document in definitions
        ),
        keys=(BundledKey(id="examples", hash=hash_token(TOKEN), role="caller"),),
        rate_card=DEFAULT_RATE_CARD.to_text(),
    )


@asynccontextmanager
async def data_plane(bundle: Bundle, database_url: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a data plane that serves the bundle."""
    key = Ed25519PrivateKey.generate()
    (folder / f"{bundle.tenant}.json").write_bytes(encode(sign(bundle, key)))
    settings = Settings(
        name="examples",
        database_url=database_url,
        control_plane_url="",
        data_plane_token="",
        bundle_key=key.public_key(),
        bundle_directory=folder,
    )
    async with running(settings) as services:
        transport = httpx.ASGITransport(create_app(services))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://data-plane", headers=headers
        ) as client:
            yield client


@pytest.mark.parametrize("run", example_runs(), ids=str)
async def test_a_run_gives_the_answer_it_promises(
    run: ExampleRun, test_api: str, make_database: Callable[[], str], tmp_path: Path
) -> None:
    bundle = make_bundle(run.tenant, test_api)
    async with data_plane(bundle, make_database(), tmp_path) as client:
        path = f"/tenants/{run.tenant}/api/v1/workflows/{run.workflow}/execute"
        response = await client.post(path, json=run.input)
    answer = response.json()
    assert (response.status_code, promised_part(run.answer, answer)) == (run.status, run.answer), answer
