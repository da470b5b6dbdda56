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


def workflows(**versions: int) -> dict[str, object]:
    return {"workflows": [{"name": name, "version": version} for name, version in versions.items()]}


def tasks(**versions: int) -> dict[str, object]:
    return {"tasks": workflows(**versions)["workflows"]}


APPLIED = {("Workflow", "a"): 1, ("Workflow", "b"): 2, ("WorkflowTask", "a"): 3}


def test_it_waits_until_every_definition_has_its_version_or_a_later_one(
    server: ScriptedServer, data_plane: DataPlane
) -> None:
    server.answer({}, status=401)
    server.answer(workflows(), tasks())
    server.answer(workflows(a=1, b=1), tasks(a=3))
    server.answer(workflows(a=3, b=2), tasks(a=2))
    server.answer(workflows(a=1, b=3, c=9), tasks(a=3, b=1))
    data_plane.wait_served(APPLIED, timeout_seconds=60)
    assert [path.rpartition("/")[2] for path, _ in server.requests] == ["workflows"] + [
        "workflows",
        "tasks",
    ] * 4


def test_a_tenant_that_is_never_served_is_given_up(server: ScriptedServer, data_plane: DataPlane) -> None:
    server.answer(workflows(a=1), tasks())
    with pytest.raises(DataPlaneError, match="does not serve acme"):
        data_plane.wait_served({("Workflow", "a"): 1, ("WorkflowTask", "a"): 1}, timeout_seconds=0)


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
