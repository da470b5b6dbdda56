from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.cli.control_plane import ControlPlane, ControlPlaneError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import ScriptedServer

DONE: dict[str, Any] = {"userErrors": [], "findings": []}


@pytest.fixture
def control_plane(server: ScriptedServer) -> Iterator[ControlPlane]:
    with ControlPlane(server.port, "tnt_p_secret") as client:
        yield client


def keys(*nodes: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    page = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return {"data": {"apiKeys": {"edges": [{"node": node} for node in nodes], "pageInfo": page}}}


def test_a_tenant_that_exists_otherwise_is_updated(
    server: ScriptedServer, control_plane: ControlPlane
) -> None:
    exists = {"userErrors": [{"code": "tenant.already_exists", "message": "exists"}], "findings": []}
    server.answer({"data": {"createTenant": exists}}, {"data": {"updateTenant": DONE}})
    control_plane.put_tenant("kind: WorkflowTenant")
    assert [body["variables"] for _, body in server.requests] == [{"text": "kind: WorkflowTenant"}] * 2


def test_a_new_tenant_is_created_only(server: ScriptedServer, control_plane: ControlPlane) -> None:
    server.answer({"data": {"createTenant": DONE}})
    control_plane.put_tenant("kind: WorkflowTenant")
    assert len(server.requests) == 1


def test_applying_gives_the_versions_of_tasks_and_workflows(
    server: ScriptedServer, control_plane: ControlPlane
) -> None:
    definitions = [
        {"kind": "Workflow", "name": "checkout", "version": 3},
        {"kind": "WorkflowTask", "name": "charge", "version": 1},
    ]
    server.answer({"data": {"applyDefinitions": {**DONE, "definitions": definitions}}})
    assert control_plane.apply_definitions("acme", "…") == {
        ("Workflow", "checkout"): 3,
        ("WorkflowTask", "charge"): 1,
    }


def test_refused_documents_are_reported_with_every_finding(
    server: ScriptedServer, control_plane: ControlPlane
) -> None:
    finding = {"code": "WF201", "message": "unknown task", "document": "Workflow/a", "line": 3, "column": 7}
    refused = {
        "userErrors": [{"code": "documents.rejected", "message": "see the findings"}],
        "findings": [finding] * 2,
    }
    server.answer({"data": {"applyDefinitions": refused}})
    with pytest.raises(
        ControlPlaneError, match="refused the definitions of acme: see the findings"
    ) as failure:
        control_plane.apply_definitions("acme", "…")
    assert failure.value.evidence.splitlines() == ["Workflow/a 3:7 WF201: unknown task"] * 2


def test_a_lost_key_in_force_is_revoked_before_a_new_one_is_issued(
    server: ScriptedServer, control_plane: ControlPlane
) -> None:
    server.answer(
        keys({"id": "1", "name": "run", "revokedAt": "2026-01-01T00:00:00Z"}, cursor="c1"),
        keys({"id": "2", "name": "run", "revokedAt": None}, {"id": "3", "name": "mine", "revokedAt": None}),
        {"data": {"revokeApiKey": {"userErrors": []}}},
        {"data": {"issueApiKey": {"token": "tnt_new", "userErrors": []}}},
    )
    assert control_plane.issue_key("acme", "CALLER", "run") == "tnt_new"
    assert [body["variables"] for _, body in server.requests] == [
        {"tenant": "acme", "after": None},
        {"tenant": "acme", "after": "c1"},
        {"tenant": "acme", "id": "2"},
        {"tenant": "acme", "role": "CALLER", "name": "run"},
    ]


@pytest.mark.parametrize(
    ("status", "answer", "accepted"),
    [
        (200, {"data": {"definitions": {}}}, True),
        (200, {"data": None, "errors": [{"message": "no such tenant"}]}, False),
        (401, {"errors": [{"message": "revoked"}]}, False),
    ],
)
def test_a_token_is_accepted_when_it_reads_its_tenant(
    server: ScriptedServer, control_plane: ControlPlane, status: int, answer: Any, *, accepted: bool
) -> None:
    server.answer(answer, status=status)
    assert control_plane.accepts("tnt_x", "acme") is accepted


@pytest.mark.parametrize(
    ("status", "answer"), [(401, {}), (200, {"data": None, "errors": [{"message": "no"}]})]
)
def test_an_error_answer_is_reported_with_its_text(
    server: ScriptedServer, control_plane: ControlPlane, status: int, answer: Any
) -> None:
    server.answer(answer, status=status)
    with pytest.raises(ControlPlaneError, match=f"answered {status} with an error"):
        control_plane.put_tenant("…")


def test_no_control_plane_at_all_is_one_sentence(unused_tcp_port: int) -> None:
    with (
        ControlPlane(unused_tcp_port, "tnt_p_secret") as control_plane,
        pytest.raises(ControlPlaneError, match="does not answer"),
    ):
        control_plane.put_tenant("…")
