"""Tenants: created once, updated, listed."""

from __future__ import annotations

import pytest

from tests.support.controlplane import (
    CREATE_TENANT,
    UPDATE_TENANT,
    Api,
    StatementCount,
    task_text,
    tenant_text,
    workflow_text,
)

LIST = """query ($first: Int!, $after: String) { tenants(first: $first, after: $after) {
  edges { cursor node { name definitionCounts { kind count } } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
} }"""
GET = "query ($name: String!) { tenant(name: $name) { name displayName document revision } }"


async def test_a_created_tenant_can_be_read(api: Api) -> None:
    created = await api.create_tenant("acme-corp", "{displayName: ACME, costCenter: CC-1}")
    assert created["revision"] == 1
    read = (await api.ask(GET, name="acme-corp"))["tenant"]
    assert read["displayName"] == "ACME"
    assert read["document"]["spec"] == {"displayName": "ACME", "costCenter": "CC-1"}


async def test_creating_the_same_tenant_again_changes_nothing(api: Api) -> None:
    first = await api.create_tenant("acme-corp")
    api.clock.advance(hours=1)
    assert await api.create_tenant("acme-corp") == first


async def test_creating_a_tenant_that_exists_otherwise_is_a_user_error(api: Api) -> None:
    await api.create_tenant("acme-corp")
    text = tenant_text("acme-corp", "{displayName: Other}")
    payload = (await api.ask(CREATE_TENANT, text=text))["createTenant"]
    assert payload["tenant"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["tenant.already_exists"]


async def test_an_invalid_tenant_is_refused_with_everything_that_is_wrong(api: Api) -> None:
    text = tenant_text("acme-corp", "{displayNme: ACME, rateLimit: {requestsPerSecond: -1}}")
    payload = (await api.ask(CREATE_TENANT, text=text))["createTenant"]
    assert [error["code"] for error in payload["userErrors"]] == ["documents.rejected"]
    assert [finding["pointer"] for finding in payload["findings"]] == [
        "/spec/displayNme",
        "/spec/rateLimit/requestsPerSecond",
    ]
    assert all(finding["line"] == 1 for finding in payload["findings"])
    assert (await api.refusal(GET, name="acme-corp"))["extensions"]["code"] == "tenant.not_found"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text holds no document"),
        (tenant_text("a") + "\n---\n" + tenant_text("b"), "one tenant is created or updated at a time"),
        (task_text("lonely"), "a WorkflowTask is applied as a definition, not as a tenant"),
    ],
)
async def test_a_text_that_is_not_one_tenant_is_refused(api: Api, text: str, message: str) -> None:
    payload = (await api.ask(CREATE_TENANT, text=text))["createTenant"]
    assert message in [finding["message"] for finding in payload["findings"]]
    assert payload["userErrors"]


async def test_an_updated_tenant_has_a_new_bundle_and_an_equal_one_does_not(api: Api) -> None:
    await api.create_tenant("acme-corp")
    text = tenant_text("acme-corp", "{displayName: New}")
    updated = (await api.ask(UPDATE_TENANT, text=text))["updateTenant"]["tenant"]
    assert updated["revision"] == 2
    assert (await api.bundle("acme-corp")).spec == {"displayName": "New"}
    assert (await api.ask(UPDATE_TENANT, text=text))["updateTenant"]["tenant"]["revision"] == 2


async def test_updating_a_tenant_that_does_not_exist_is_a_user_error(api: Api) -> None:
    payload = (await api.ask(UPDATE_TENANT, text=tenant_text("nobody")))["updateTenant"]
    assert payload["userErrors"] == [
        {"field": "tenant", "message": "there is no tenant 'nobody'", "code": "tenant.not_found"}
    ]


async def test_a_spec_that_forbids_a_task_in_use_is_refused_naming_the_workflow(api: Api) -> None:
    await api.create_tenant("acme-corp")
    await api.apply("acme-corp", task_text("http-get") + "---\n" + workflow_text("report", "http-get"))
    text = tenant_text("acme-corp", "{allowedTaskRefs: ['*', '!http-*']}")
    payload = (await api.ask(UPDATE_TENANT, text=text))["updateTenant"]
    assert [error["code"] for error in payload["userErrors"]] == ["documents.rejected"]
    (finding,) = payload["findings"]
    assert finding["code"] == "WF501"
    assert finding["message"].startswith("would break the workflow report: ")
    assert (await api.bundle("acme-corp")).spec == {}


async def test_tenants_are_listed_in_pages_by_name(api: Api) -> None:
    for name in ("c", "a", "b"):
        await api.create_tenant(name)
    first = (await api.ask(LIST, first=2))["tenants"]
    assert [edge["node"]["name"] for edge in first["edges"]] == ["a", "b"]
    assert first["pageInfo"]["hasNextPage"] is True
    assert first["pageInfo"]["hasPreviousPage"] is False
    assert first["pageInfo"]["startCursor"] == first["edges"][0]["cursor"]
    rest = (await api.ask(LIST, first=2, after=first["pageInfo"]["endCursor"]))["tenants"]
    assert [edge["node"]["name"] for edge in rest["edges"]] == ["c"]
    assert rest["pageInfo"]["hasNextPage"] is False
    assert rest["pageInfo"]["hasPreviousPage"] is True


async def test_an_empty_list_is_a_page_without_cursors(api: Api) -> None:
    page = (await api.ask(LIST, first=1))["tenants"]
    assert page["edges"] == []
    assert page["pageInfo"]["startCursor"] is page["pageInfo"]["endCursor"] is None


@pytest.mark.parametrize("first", [0, 101, -5])
async def test_a_page_is_between_1_and_100(api: Api, first: int) -> None:
    assert (await api.refusal(LIST, first=first))["extensions"] == {"code": "page.size", "field": "first"}


@pytest.mark.parametrize("cursor", ["", "???", "bm90IGpzb24=", "WzFd", "WyJhIiwiYiJd", "WyJcdTAwMDAiXQ=="])
async def test_a_made_up_cursor_is_refused(api: Api, cursor: str) -> None:
    error = await api.refusal(LIST, first=1, after=cursor)
    assert error["extensions"] == {"code": "page.cursor", "field": "after"}


async def test_a_list_takes_as_many_statements_for_many_tenants_as_for_one(api: Api) -> None:
    await api.create_tenant("tenant-0")
    with StatementCount(api.engine) as for_one:
        await api.ask(LIST, first=100)
    for number in range(1, 8):
        await api.create_tenant(f"tenant-{number}")
        await api.apply(f"tenant-{number}", task_text("get"))
    with StatementCount(api.engine) as for_many:
        page = (await api.ask(LIST, first=100))["tenants"]
    assert page["edges"][0]["node"]["definitionCounts"] == []
    assert page["edges"][7]["node"]["definitionCounts"] == [{"kind": "WorkflowTask", "count": 1}]
    assert for_many.total == for_one.total
