"""The versions of workflows that a bundle carries for callers: the newest few, and those with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.controlplane.services import offered
from tenantry.controlplane.services.labels import MAX_LABELS
from tests.support.controlplane import REMOVE_LABEL, Api, StatementCount, steps_text, task_text

if TYPE_CHECKING:
    from tenantry.protocol.bundles import Bundle


@pytest.fixture
async def tenant(api: Api) -> str:
    await api.create_tenant("acme")
    assert (await api.apply("acme", task_text("get")))["userErrors"] == []
    return "acme"


async def apply_versions(api: Api, name: str, count: int, *, size: int = 0, start: int = 1) -> None:
    """Versions of a workflow, each of which says which one it is, and at such a length."""
    for number in range(start, start + count):
        text = steps_text(name, "{id: a, taskRef: get}", output=f"{{n: {number}, pad: '{'x' * size}'}}")
        assert (await api.apply("acme", text))["userErrors"] == []


def older(bundle: Bundle, name: str) -> list[int]:
    return [one.version for one in bundle.pinned if one.name == name]


async def test_a_bundle_carries_the_newest_five_versions_of_each_workflow(api: Api, tenant: str) -> None:
    await apply_versions(api, "often", 7)
    await apply_versions(api, "seldom", 2)
    await apply_versions(api, "once", 1)
    bundle = await api.bundle(tenant)
    current = {one.name: one.version for one in bundle.definitions if one.kind == "Workflow"}
    assert current == {"often": 7, "seldom": 2, "once": 1}
    assert [older(bundle, name) for name in ("often", "seldom", "once")] == [[3, 4, 5, 6], [1], []]
    assert [one.document["spec"]["output"]["n"] for one in bundle.pinned if one.name == "often"] == [
        3,
        4,
        5,
        6,
    ]


async def test_tasks_are_carried_in_their_current_version_only(api: Api, tenant: str) -> None:
    assert (await api.apply(tenant, task_text("get", url="https://other.example.com/")))["userErrors"] == []
    bundle = await api.bundle(tenant)
    assert (older(bundle, "get"), [one.version for one in bundle.definitions]) == ([], [2])


async def test_a_labelled_version_stays_however_old_it_is(api: Api, tenant: str) -> None:
    await apply_versions(api, "w", 7)
    await api.label(tenant, "w", "stable", 1)
    await api.label(tenant, "w", "next", 7)
    await api.label(tenant, "get", "stable", 1, kind="WorkflowTask")
    bundle = await api.bundle(tenant)
    assert older(bundle, "w") == [1, 3, 4, 5, 6]
    assert bundle.labels == {"w@next": 7, "w@stable": 1}
    assert bundle.references == {}
    await api.ask(REMOVE_LABEL, tenant=tenant, name="w", label="stable")
    bundle = await api.bundle(tenant)
    assert (older(bundle, "w"), bundle.labels) == ([3, 4, 5, 6], {"w@next": 7})


async def test_a_label_that_moves_is_a_new_revision_and_one_that_stays_is_none(api: Api, tenant: str) -> None:
    await apply_versions(api, "w", 2)
    await api.label(tenant, "w", "stable", 1)
    before = await api.bundle(tenant)
    await api.label(tenant, "w", "stable", 1)
    assert await api.bundle(tenant) == before
    await api.label(tenant, "w", "stable", 2)
    after = await api.bundle(tenant)
    assert (after.revision, after.labels) == (before.revision + 1, {"w@stable": 2})


async def test_equal_content_is_the_same_bundle_but_for_its_revision(api: Api, tenant: str) -> None:
    await apply_versions(api, "b", 3)
    await apply_versions(api, "a", 3)
    await api.label(tenant, "b", "stable", 1)
    await api.label(tenant, "a", "stable", 1)
    first = await api.bundle(tenant)
    await api.label(tenant, "a", "extra", 1)
    await api.ask(REMOVE_LABEL, tenant=tenant, name="a", label="extra")
    second = await api.bundle(tenant)
    assert (first.definitions, first.pinned) == (second.definitions, second.pinned)
    assert list(first.labels.items()) == list(second.labels.items()) == [("a@stable", 1), ("b@stable", 1)]
    assert [(one.name, one.version) for one in first.pinned] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


async def test_what_an_offered_version_refers_to_comes_with_it(api: Api, tenant: str) -> None:
    await apply_versions(api, "child", 1)
    old = steps_text("parent", "{id: c, workflowRef: child@v1}")
    new = steps_text("parent", "{id: c, taskRef: get}")
    for text in (old, new):
        assert (await api.apply(tenant, text))["userErrors"] == []
    await apply_versions(api, "child", 7, start=2)
    bundle = await api.bundle(tenant)
    assert older(bundle, "parent") == [1]
    assert older(bundle, "child") == [1, 4, 5, 6, 7]
    assert bundle.references == {"child@v1": 1}


async def test_an_offered_version_does_not_stand_in_the_way_of_a_change(api: Api, tenant: str) -> None:
    needs = "{type: object, required: [n], properties: {n: {type: integer}}}"
    await apply_versions(api, "w", 1)
    current = steps_text("w", "{id: a, taskRef: get, input: {n: 1}}")
    for text in (current, task_text("get", needs)):
        payload = await api.apply(tenant, text)
        assert payload["userErrors"] == [], payload
    assert older(await api.bundle(tenant), "w") == [1]


async def test_versions_without_a_label_are_carried_within_a_bound_the_newest_first(
    api: Api, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offered, "MAX_BYTES", 25_000)
    await apply_versions(api, "large", 5, size=10_000)
    assert older(await api.bundle(tenant), "large") == [3, 4]
    await apply_versions(api, "small", 5)
    bundle = await api.bundle(tenant)
    assert (older(bundle, "large"), older(bundle, "small")) == ([3, 4], [3, 4])
    await api.label(tenant, "large", "stable", 1)
    assert older(await api.bundle(tenant), "large") == [1, 3, 4]


async def test_a_definition_has_so_many_labels_and_no_more(api: Api, tenant: str) -> None:
    await apply_versions(api, "w", 2)
    await api.label(tenant, "get", "other", 1, kind="WorkflowTask")
    for number in range(MAX_LABELS):
        assert (await api.label(tenant, "w", f"label-{number}", 1))["userErrors"] == []
    (error,) = (await api.label(tenant, "w", "one-more", 1))["userErrors"]
    assert (error["code"], error["field"]) == ("label.too_many", "label")
    assert (await api.label(tenant, "w", "label-0", 2))["userErrors"] == []
    assert len((await api.bundle(tenant)).labels) == MAX_LABELS


async def test_many_workflows_are_bundled_in_as_many_statements_as_one(api: Api, tenant: str) -> None:
    await apply_versions(api, "w", 2)
    with StatementCount(api.engine) as few:
        await api.label(tenant, "w", "stable", 1)
    for number in range(5):
        await apply_versions(api, f"w{number}", 2)
        await api.label(tenant, f"w{number}", "stable", 1)
    with StatementCount(api.engine) as many:
        await api.label(tenant, "w", "canary", 1)
    assert many.total == few.total
