"""Health, the front page, and how errors look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.support.controlplane import Api, run_control_plane

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_the_front_page_says_what_this_is_and_where_the_api_is(api: Api) -> None:
    response = await api.client.get("/", headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert response.json()["name"] == "Tenantry control plane"
    assert response.json()["graphql"] == "/graphql"


async def test_it_is_alive_and_ready_with_its_database(api: Api) -> None:
    assert (await api.client.get("/healthz")).json() == {"status": "alive"}
    assert (await api.client.get("/readyz")).json() == {"status": "ready"}


async def test_it_is_alive_and_not_ready_without_its_database(
    make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_control_plane(make_database()) as api:
        await api.engine.dispose()
        monkeypatch.setattr(api.engine.sync_engine.dialect, "connect", _no_connection)
        response = await api.client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["status"] == "unready"
        assert (await api.client.get("/healthz")).status_code == 200


def _no_connection(*_: object, **__: object) -> None:
    raise ConnectionRefusedError


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/healthz/", 404),
        ("DELETE", "/healthz", 405),
        ("GET", "/graphql", 405),
        ("PUT", "/", 405),
    ],
)
async def test_an_address_that_does_not_exist_is_a_problem(
    api: Api, method: str, path: str, status: int
) -> None:
    response = await api.client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status


async def test_a_fault_of_ours_is_masked_and_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async with api.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE bundles RENAME TO gone"))
    response = await api.internal("/internal/v1/bundles")
    assert response.status_code == 500
    assert response.json() == {
        "type": "https://tenantry.dev/problems/internal",
        "title": "Internal error",
        "status": 500,
        "source": "platform",
    }
    assert "GET /internal/v1/bundles failed" in caplog.text
