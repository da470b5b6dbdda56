"""Labels of versions: given, moved, taken away, and shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.controlplane import REMOVE_LABEL, Api, StatementCount, steps_text, task_text

LIST = """query ($tenant: String!) {
  definitionVersions(tenant: $tenant, kind: Workflow, name: "w") { edges { node { version labels } } } }"""
ALL = """query ($tenant: String!) {
  definitions(tenant: $tenant, first: 100) { edges { node { name labels findings { code } } } } }"""
FIRST = steps_text("w", "{id: a, taskRef: get}", output="{total: 1}")
SECOND = steps_text("w", "{id: b, taskRef: get}", output="{total: 2}")
OTHER = steps_text("w", "{id: b, taskRef: get}", output="{sum: 2}")
USER = steps_text("user", "{id: c, workflowRef: w@stable}", output="'{{tasks.c.output.total}}'")


@pytest.fixture
async def tenant(api: Api) -> str:
    await api.create_tenant("acme")
    for text in (FIRST + "---\n" + task_text("get"), SECOND, OTHER):
        assert (await api.apply("acme", text))["userErrors"] == []
    return "acme"


async def labels(api: Api, tenant: str) -> dict[int, list[str]]:
    edges = (await api.ask(LIST, tenant=tenant))["definitionVersions"]["edges"]
    return {edge["node"]["version"]: edge["node"]["labels"] for edge in edges}


async def remove(api: Api, tenant: str, label: str, name: str = "w") -> Any:
    return (await api.ask(REMOVE_LABEL, tenant=tenant, name=name, label=label))["answer"]


async def test_a_version_has_the_labels_it_was_given(api: Api, tenant: str) -> None:
    payload = await api.label(tenant, "w", "stable", 1)
    assert payload["definition"] == {"name": "w", "version": 1, "labels": ["stable"]}
    await api.label(tenant, "w", "canary", 2)
    await api.label(tenant, "w", "blue", 2)
    assert await labels(api, tenant) == {3: [], 2: ["blue", "canary"], 1: ["stable"]}


async def test_a_label_moves_from_version_to_version(api: Api, tenant: str) -> None:
    await api.label(tenant, "w", "stable", 1)
    await api.label(tenant, "w", "stable", 2)
    assert await labels(api, tenant) == {3: [], 2: ["stable"], 1: []}


async def test_what_is_repeated_changes_nothing(api: Api, tenant: str) -> None:
    await api.label(tenant, "w", "stable", 1)
    before = await api.bundle(tenant)
    again = await api.label(tenant, "w", "stable", 1)
    assert again["userErrors"] == []
    assert await api.bundle(tenant) == before
    assert (await remove(api, tenant, "nothing"))["userErrors"] == []
    assert await api.bundle(tenant) == before


async def test_a_label_is_taken_away(api: Api, tenant: str) -> None:
    await api.label(tenant, "w", "stable", 1)
    answer = await remove(api, tenant, "stable")
    assert answer["definition"] == {"name": "w", "version": 3, "labels": []}
    assert await labels(api, tenant) == {3: [], 2: [], 1: []}


async def test_labels_are_in_the_audit_log(api: Api, tenant: str) -> None:
    await api.label(tenant, "w", "stable", 1)
    await remove(api, tenant, "stable")
    removed, put, *_ = await api.deeds(tenant)
    assert (put["action"], put["target"]) == ("definition.label", "Workflow/w")
    assert put["details"] == {"label": "stable", "version": 1}
    assert (removed["action"], removed["details"]["label"]) == ("definition.unlabel", "stable")


@pytest.mark.parametrize(
    "label", ["v1", "v12", "a", "Stable", "a_b", "-ab", "ab-", "sha256:ab", "a" * 64, ""]
)
async def test_what_could_be_no_reference_is_no_label(api: Api, tenant: str, label: str) -> None:
    payload = await api.label(tenant, "w", label, 1)
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("label.invalid", "label")


async def test_an_unknown_version_or_definition_has_no_label(api: Api, tenant: str) -> None:
    for name, version in (("w", 9), ("nobody", 1)):
        payload = await api.label(tenant, name, "stable", version)
        assert [error["code"] for error in payload["userErrors"]] == ["definition.not_found"]
    assert [error["code"] for error in (await remove(api, tenant, "x", "nobody"))["userErrors"]] == [
        "definition.not_found"
    ]


async def test_a_task_has_labels_too(api: Api, tenant: str) -> None:
    payload = await api.label(tenant, "get", "stable", 1, kind="WorkflowTask")
    assert payload["definition"]["labels"] == ["stable"]


async def test_a_label_goes_only_where_its_users_can_follow(api: Api, tenant: str) -> None:
    await api.label(tenant, "w", "stable", 1)
    assert (await api.apply(tenant, USER))["userErrors"] == []
    refused = await api.label(tenant, "w", "stable", 3)
    assert refused["definition"] is None
    assert [error["code"] for error in refused["userErrors"]] == ["documents.rejected"]
    (finding,) = refused["findings"]
    assert finding["source"] == "stored Workflow/user"
    assert finding["message"].startswith("would break the workflow user: ")
    assert (await api.bundle(tenant)).references == {"w@stable": 1}
    assert (await api.label(tenant, "w", "stable", 2))["userErrors"] == []
    assert (await api.bundle(tenant)).references == {"w@stable": 2}


async def test_many_definitions_show_their_labels_in_as_many_statements_as_one(api: Api, tenant: str) -> None:
    with StatementCount(api.engine) as few:
        await api.ask(ALL, tenant=tenant)
    text = "---\n".join(task_text(f"task-{number}") for number in range(20))
    await api.apply(tenant, text)
    with StatementCount(api.engine) as many:
        await api.ask(ALL, tenant=tenant)
    assert many.total == few.total
