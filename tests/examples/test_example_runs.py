"""Every run under `examples/` gives the answer it promises, through a real data plane on the test API."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True, slots=True)
class Plane:
    """A data plane that serves one tenant."""

    client: httpx.AsyncClient
    tenant: str

    async def execute(self, workflow: str, value: Any) -> httpx.Response:
        path = f"/tenants/{self.tenant}/api/v1/workflows/{workflow}/execute"
        return await self.client.post(path, json=value)

    async def trace(self, execution_id: str) -> dict[str, Any]:
        """The tasks of the execution's trace, by id."""
        response = await self.client.get(f"/tenants/{self.tenant}/api/v1/executions/{execution_id}/trace")
        return {task["id"]: task for task in response.json()["tasks"]}


@asynccontextmanager
async def data_plane(bundle: Bundle, database_url: str, folder: Path) -> AsyncIterator[Plane]:
    """A data plane that serves the bundle."""
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
            yield Plane(client, bundle.tenant)


@pytest.mark.parametrize("run", example_runs(), ids=str)
async def test_a_run_gives_the_answer_it_promises(
    run: ExampleRun, test_api: str, make_database: Callable[[], str], tmp_path: Path
) -> None:
    async with data_plane(make_bundle(run.tenant, test_api), make_database(), tmp_path) as plane:
        response = await plane.execute(run.workflow, run.input)
    answer = response.json()
    assert (response.status_code, promised_part(run.answer, answer)) == (run.status, run.answer), answer


async def test_a_checkout_charges_once_and_a_review_charges_nothing(
    test_api: str, make_database: Callable[[], str], tmp_path: Path
) -> None:
    async with data_plane(make_bundle("acme-corp", test_api), make_database(), tmp_path) as plane:
        approved = await plane.execute("checkout", {"orderId": 5006, "card": "tok_visa"})
        reviewed = await plane.execute("checkout", {"orderId": 5003, "card": "tok_visa"})
        trace = await plane.trace(reviewed.headers["execution-id"])
    assert await charges(test_api, approved) == [49200]
    assert await charges(test_api, reviewed) == []
    assert [trace[task]["status"] for task in ("charge", "confirm", "review")] == [
        "skipped",
        "skipped",
        "completed",
    ]


async def test_delivery_options_come_at_the_third_attempt(
    test_api: str, make_database: Callable[[], str], tmp_path: Path
) -> None:
    async with data_plane(make_bundle("acme-corp", test_api), make_database(), tmp_path) as plane:
        response = await plane.execute("delivery-options", {"userId": 10, "weightGrams": 500})
        trace = await plane.trace(response.headers["execution-id"])
    statuses = [attempt.get("failure", {}).get("status") for attempt in trace["quotes"]["attempts"]]
    assert statuses == [503, 503, None]


async def charges(test_api: str, response: httpx.Response) -> list[int]:
    """What the payment service captured for the execution."""
    reference = response.headers["execution-id"]
    async with httpx.AsyncClient(base_url=f"http://{test_api}") as client:
        payments = (await client.get("/payments", params={"reference": reference})).json()["payments"]
    return [payment["amountCents"] for payment in payments]
