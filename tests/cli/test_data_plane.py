from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.cli.data_plane import DataPlane, DataPlaneError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import ScriptedServer


@pytest.fixture
def data_plane(server: ScriptedServer) -> Iterator[DataPlane]:
    with DataPlane(server.port, "acme", "tnt_c_secret") as client:
        yield client


def serving(**versions: int) -> dict[str, object]:
    return {"workflows": [{"name": name, "version": version} for name, version in versions.items()]}


def test_it_waits_until_every_workflow_has_its_version(server: ScriptedServer, data_plane: DataPlane) -> None:
    server.answer({}, status=401)
    server.answer(serving(), serving(a=1), serving(a=1, b=1), serving(a=1, b=2, c=9))
    data_plane.wait_served({"a": 1, "b": 2}, timeout_seconds=60)
    assert [path for path, _ in server.requests] == ["/tenants/acme/api/v1/workflows"] * 5


def test_a_tenant_that_is_never_served_is_given_up(server: ScriptedServer, data_plane: DataPlane) -> None:
    server.answer(serving(a=1))
    with pytest.raises(DataPlaneError, match="does not serve acme"):
        data_plane.wait_served({"a": 2}, timeout_seconds=0)


def test_a_resource_that_is_not_there_is_reported_with_the_answer(
    server: ScriptedServer, data_plane: DataPlane
) -> None:
    server.answer({"title": "Not found"}, status=404)
    with pytest.raises(DataPlaneError, match="answered 404 to GET executions/x") as failure:
        data_plane.get("executions/x", timeout_seconds=0)
    assert "Not found" in failure.value.evidence


def test_a_resource_that_is_not_there_yet_is_waited_for(
    server: ScriptedServer, data_plane: DataPlane
) -> None:
    server.answer({}, {}, status=404)
    server.answer({"id": "x"})
    assert data_plane.get("executions/x", timeout_seconds=60) == {"id": "x"}


def test_an_execution_goes_to_the_public_endpoint(server: ScriptedServer, data_plane: DataPlane) -> None:
    server.answer({"ok": True})
    assert data_plane.execute("checkout", {"orderId": 1}).json() == {"ok": True}
    assert server.requests == [("/tenants/acme/api/v1/workflows/checkout/execute", {"orderId": 1})]
