"""Bundles as data planes get them: signed, tagged, and at once when they change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tenantry.protocol.bundles import BundleIndex, decode_index
from tests.support.controlplane import Api, run_control_plane, task_text, tenant_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

INDEX = "/internal/v1/bundles"


def index_of(response: httpx.Response) -> BundleIndex:
    assert response.status_code == 200, response.text
    return decode_index(response.content)


async def test_the_index_names_every_tenant_with_its_revision_and_digest(api: Api) -> None:
    await api.create_tenant("b")
    await api.create_tenant("a")
    await api.apply("b", task_text("get"))
    entries = index_of(await api.internal(INDEX)).entries
    assert [(entry.tenant, entry.revision) for entry in entries] == [("a", 1), ("b", 2)]
    response = await api.internal(f"{INDEX}/b")
    assert response.headers["etag"] == f'"{entries[1].digest}"'


async def test_a_new_tenant_has_a_bundle_with_its_prices(api: Api) -> None:
    await api.create_tenant("acme", "{displayName: ACME}")
    bundle = await api.bundle("acme")
    assert (bundle.tenant, bundle.revision, bundle.spec) == ("acme", 1, {"displayName": "ACME"})
    assert bundle.rate_card["currency"] == "USD"
    assert bundle.rate_card["invocations"] == "0.000001"


@pytest.mark.parametrize("decorate", ['"{}"', 'W/"{}"', '"other", "{}"', "{}"])
async def test_what_is_known_already_is_304(api: Api, decorate: str) -> None:
    await api.create_tenant("acme")
    for path in (INDEX, f"{INDEX}/acme"):
        tag = (await api.internal(path)).headers["etag"].strip('"')
        response = await api.internal(path, **{"If-None-Match": decorate.format(tag)})
        assert response.status_code == 304
        assert response.content == b""
        assert (await api.internal(path, **{"If-None-Match": '"older"'})).status_code == 200


@pytest.mark.parametrize("name", ["nobody", "%00", "%F0%9F%98%80", "..%2f", "a" * 5000, "'"])
async def test_the_bundle_of_an_unknown_tenant_is_not_found(api: Api, name: str) -> None:
    response = await api.internal(f"{INDEX}/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "https://tenantry.dev/problems/not-found"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", "Basic abc", "Bearer tnt_bootstrap_" + "a" * 32]
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", INDEX), ("GET", f"{INDEX}/acme"), ("POST", "/internal/v1/usage")]
)
async def test_nothing_is_given_without_the_data_planes_token(
    api: Api, header: str, method: str, path: str
) -> None:
    response = await api.client.request(method, path, headers={"Authorization": header})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["content-type"] == "application/problem+json"


async def poll(api: Api, tag: str, wait: str = "wait=30") -> httpx.Response:
    return await api.internal(INDEX, **{"If-None-Match": tag, "Prefer": wait})


async def test_a_long_poll_ends_when_another_process_changes_a_tenant(
    make_database: Callable[[], str],
) -> None:
    url = make_database()
    async with run_control_plane(url) as one, run_control_plane(url) as other:
        await one.create_tenant("acme")
        tag = (await one.internal(INDEX)).headers["etag"]
        waiting = asyncio.create_task(poll(one, tag))
        await other.apply("acme", task_text("get"))
        response = await asyncio.wait_for(waiting, 20)
        assert index_of(response).entries[0].revision == 2


async def test_a_long_poll_that_starts_behind_a_change_ends_at_once(api: Api) -> None:
    await api.create_tenant("acme")
    tag = (await api.internal(INDEX)).headers["etag"]
    await api.apply("acme", task_text("get"))
    assert (await asyncio.wait_for(poll(api, tag), 20)).status_code == 200


async def test_a_long_poll_is_304_at_the_end_of_its_wait(api: Api) -> None:
    tag = (await api.internal(INDEX)).headers["etag"]
    assert (await poll(api, tag, "respond-async, wait=1")).status_code == 304


@pytest.mark.parametrize("wait", ["wait=x", "await=30", "wait=-3", ""])
async def test_a_wait_that_is_no_number_is_no_wait(api: Api, wait: str) -> None:
    tag = (await api.internal(INDEX)).headers["etag"]
    assert (await asyncio.wait_for(poll(api, tag, wait), 20)).status_code == 304


async def test_draining_ends_long_polls_and_begins_none(api: Api) -> None:
    tag = (await api.internal(INDEX)).headers["etag"]
    waiting = asyncio.create_task(poll(api, tag))
    await asyncio.sleep(0)
    api.plane.drain()
    assert (await asyncio.wait_for(waiting, 20)).status_code == 304
    assert (await asyncio.wait_for(poll(api, tag), 20)).status_code == 304


async def test_a_refused_change_leaves_revision_and_bundle(api: Api) -> None:
    await api.create_tenant("acme")
    before = await api.bundle("acme")
    await api.apply("acme", "nonsense")
    await api.apply("acme", tenant_text("acme"))
    assert await api.bundle("acme") == before
