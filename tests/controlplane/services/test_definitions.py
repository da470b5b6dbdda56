"""Definitions: applied all or nothing, versioned, bundled, audited."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import text

from tenantry.controlplane.services import definitions
from tenantry.controlplane.services.admission import read_definitions
from tests.support.controlplane import Api, StatementCount, task_text, tenant_text, workflow_text

LIST = """query ($tenant: String!, $kind: DefinitionKind, $first: Int!, $after: String) {
  definitions(tenant: $tenant, kind: $kind, first: $first, after: $after) {
    edges { cursor node { kind name version digest document author createdAt } }
    pageInfo { hasNextPage endCursor }
} }"""
GET = """query ($tenant: String!, $kind: DefinitionKind!, $name: String!, $version: Int) {
  definition(tenant: $tenant, kind: $kind, name: $name, version: $version) { version document digest }
}"""
VERSIONS = """query ($tenant: String!, $name: String!, $first: Int!, $after: String) {
  definitionVersions(tenant: $tenant, kind: WorkflowTask, name: $name, first: $first, after: $after) {
    edges { node { version digest createdAt author } } pageInfo { hasNextPage endCursor }
} }"""

NEEDS_ID = "{type: object, required: [id], properties: {id: {type: integer}}}"
NEEDS_MORE = (
    "{type: object, required: [id, region], properties: {id: {type: integer}, region: {type: string}}}"
)


@pytest.fixture
async def tenant(api: Api) -> str:
    await api.create_tenant("acme")
    return "acme"


def names(payload: Any) -> list[tuple[str, int, bool]]:
    return [(one["name"], one["version"], one["changed"]) for one in payload["definitions"]]


async def test_a_workflow_may_come_with_the_task_it_uses_in_any_order(api: Api, tenant: str) -> None:
    payload = await api.apply(tenant, workflow_text("report", "get") + "---\n" + task_text("get"))
    assert payload["userErrors"] == payload["findings"] == []
    assert names(payload) == [("report", 1, True), ("get", 1, True)]


async def test_what_is_applied_is_in_the_bundle_at_once(api: Api, tenant: str) -> None:
    before = await api.bundle(tenant)
    await api.apply(tenant, task_text("get") + "---\n" + workflow_text("report", "get"))
    bundle = await api.bundle(tenant)
    assert bundle.revision == before.revision + 1
    assert [(one.kind, one.name, one.version) for one in bundle.definitions] == [
        ("Workflow", "report", 1),
        ("WorkflowTask", "get", 1),
    ]
    assert bundle.definitions[1].document["metadata"] == {"name": "get"}


async def test_applying_the_same_again_changes_nothing(api: Api, tenant: str) -> None:
    first = await api.apply(tenant, task_text("get"))
    before = await api.bundle(tenant)
    again = await api.apply(tenant, task_text("get"))
    assert names(again) == [("get", 1, False)]
    assert again["definitions"][0]["digest"] == first["definitions"][0]["digest"]
    assert await api.bundle(tenant) == before


async def test_only_what_differs_gets_a_new_version(api: Api, tenant: str) -> None:
    await api.apply(tenant, task_text("a") + "---\n" + task_text("b"))
    payload = await api.apply(tenant, task_text("a", NEEDS_ID) + "---\n" + task_text("b"))
    assert names(payload) == [("a", 2, True), ("b", 1, False)]


async def test_one_error_keeps_everything_as_it_was(api: Api, tenant: str) -> None:
    before = await api.bundle(tenant)
    payload = await api.apply(tenant, task_text("good") + "---\n" + workflow_text("bad", "missing"))
    assert payload["definitions"] == []
    assert [error["code"] for error in payload["userErrors"]] == ["documents.rejected"]
    assert [finding["code"] for finding in payload["findings"]] == ["WF202"]
    assert (await api.ask(LIST, tenant=tenant, first=10))["definitions"]["edges"] == []
    assert await api.bundle(tenant) == before


async def test_findings_of_all_documents_come_together(api: Api, tenant: str) -> None:
    text_ = "\n---\n".join([workflow_text("one", "nope"), task_text("Bad Name"), "kind: Wokflow", "{"])
    payload = await api.apply(tenant, text_)
    codes = {finding["code"] for finding in payload["findings"]}
    assert {"WF202", "WF104", "WF013", "WF001"} <= codes
    assert all(finding["line"] and finding["column"] for finding in payload["findings"])


async def test_a_finding_carries_the_edit_that_mends_it_where_that_is_certain(api: Api, tenant: str) -> None:
    payload = await api.apply(tenant, "kind: Wokflow\n---\n" + workflow_text("one", "nope"))
    assert [finding["edit"] for finding in payload["findings"]] == [
        {"startLine": 1, "startColumn": 7, "endLine": 1, "endColumn": 14, "replacement": "Workflow"},
        None,
    ]


async def test_a_text_full_of_mistakes_is_answered_with_the_first_200(api: Api, tenant: str) -> None:
    payload = await api.apply(tenant, "---\n".join(workflow_text(f"w-{n}", "missing") for n in range(201)))
    assert len(payload["findings"]) == 200
    assert payload["userErrors"][0]["message"].endswith("(the first 200 of 201)")


async def test_what_is_wrong_with_a_task_is_not_told_again_at_its_uses(api: Api, tenant: str) -> None:
    broken = "apiVersion: workflow.io/v1\nkind: WorkflowTask\nmetadata: {name: get}\nspec: {type: http}\n"
    payload = await api.apply(tenant, broken + "---\n" + workflow_text("report", "get"))
    assert [finding["document"] for finding in payload["findings"]] == ["WorkflowTask/get"]


async def test_a_tenant_document_is_not_a_definition(api: Api, tenant: str) -> None:
    payload = await api.apply(tenant, tenant_text("other"))
    (finding,) = payload["findings"]
    assert finding["code"] == "WF013"
    assert finding["pointer"] == "/kind"


async def test_a_dry_run_answers_the_same_and_writes_nothing(api: Api, tenant: str) -> None:
    before = await api.bundle(tenant)
    dry = await api.apply(tenant, task_text("get"), dryRun=True)
    assert names(dry) == [("get", 1, True)]
    assert await api.bundle(tenant) == before
    assert (await api.ask(LIST, tenant=tenant, first=10))["definitions"]["edges"] == []
    assert await api.apply(tenant, task_text("get")) == dry


async def test_a_dry_run_for_nobody_is_a_user_error(api: Api) -> None:
    payload = await api.apply("nobody", task_text("get"), dryRun=True)
    assert [error["code"] for error in payload["userErrors"]] == ["tenant.not_found"]


async def test_a_changed_task_that_breaks_a_stored_workflow_is_refused_naming_it(
    api: Api, tenant: str
) -> None:
    await api.apply(tenant, task_text("get", NEEDS_ID) + "---\n" + workflow_text("report", "get", "{id: 1}"))
    payload = await api.apply(tenant, task_text("get", NEEDS_MORE))
    assert payload["definitions"] == []
    (finding,) = payload["findings"]
    assert (finding["code"], finding["document"]) == ("WF601", "WorkflowTask/get")
    assert finding["pointer"] == "/spec/inputSchema/properties/region"
    assert (finding["line"], finding["column"]) == (4, 114)
    assert finding["message"].startswith("would break the workflow report: ")
    assert finding["message"].endswith("(input.region must be given now)")


async def test_a_changed_task_may_come_with_the_workflow_mended(api: Api, tenant: str) -> None:
    await api.apply(tenant, task_text("get", NEEDS_ID) + "---\n" + workflow_text("report", "get", "{id: 1}"))
    mended = workflow_text("report", "get", "{id: 1, region: eu}")
    payload = await api.apply(tenant, task_text("get", NEEDS_MORE) + "---\n" + mended)
    assert names(payload) == [("get", 2, True), ("report", 2, True)]


async def test_a_changed_task_leaves_workflows_alone_that_do_not_use_it(api: Api, tenant: str) -> None:
    await api.apply(tenant, task_text("a") + "---\n" + task_text("b") + "---\n" + workflow_text("w", "b"))
    assert names(await api.apply(tenant, task_text("a", NEEDS_MORE))) == [("a", 2, True)]


async def test_a_task_that_the_tenant_may_not_use_is_a_finding(api: Api) -> None:
    await api.create_tenant("strict", "{allowedTaskRefs: ['*', '!internal-*']}")
    text_ = task_text("internal-audit") + "---\n" + workflow_text("report", "internal-audit")
    payload = await api.apply("strict", text_)
    assert [finding["code"] for finding in payload["findings"]] == ["WF501"]


async def test_definitions_are_listed_by_kind_and_name(api: Api, tenant: str) -> None:
    await api.apply(tenant, "---\n".join([task_text("b"), task_text("a"), workflow_text("z", "a")]))
    page = (await api.ask(LIST, tenant=tenant, first=2))["definitions"]
    assert [edge["node"]["name"] for edge in page["edges"]] == ["z", "a"]
    rest = await api.ask(LIST, tenant=tenant, first=2, after=page["pageInfo"]["endCursor"])
    assert [edge["node"]["name"] for edge in rest["definitions"]["edges"]] == ["b"]
    tasks = (await api.ask(LIST, tenant=tenant, kind="WorkflowTask", first=5))["definitions"]
    assert [edge["node"]["name"] for edge in tasks["edges"]] == ["a", "b"]


async def test_a_list_takes_as_many_statements_for_many_definitions_as_for_one(api: Api, tenant: str) -> None:
    await api.apply(tenant, task_text("a"))
    with StatementCount(api.engine) as for_one:
        await api.ask(LIST, tenant=tenant, first=100)
    await api.apply(tenant, "---\n".join(task_text(f"task-{number}") for number in range(20)))
    with StatementCount(api.engine) as for_many:
        await api.ask(LIST, tenant=tenant, first=100)
    assert for_many.total == for_one.total


async def test_every_version_stays_readable_with_its_author_and_time(api: Api, tenant: str) -> None:
    await api.apply(tenant, task_text("get"))
    api.clock.advance(days=1)
    key = await api.issue_key(tenant, "AUTHOR")
    await api.apply(tenant, task_text("get", NEEDS_ID), token=key["token"])
    page = (await api.ask(VERSIONS, tenant=tenant, name="get", first=1))["definitionVersions"]
    newest = page["edges"][0]["node"]
    assert (newest["version"], newest["author"]) == (2, key["apiKey"]["id"])
    assert newest["createdAt"] == "2026-03-02T12:00:00+00:00"
    rest = await api.ask(VERSIONS, tenant=tenant, name="get", first=5, after=page["pageInfo"]["endCursor"])
    (oldest,) = rest["definitionVersions"]["edges"]
    assert (oldest["node"]["version"], oldest["node"]["author"]) == (1, "bootstrap")
    first = (await api.ask(GET, tenant=tenant, kind="WorkflowTask", name="get", version=1))["definition"]
    assert first["document"]["spec"]["inputSchema"] == {}
    current = (await api.ask(GET, tenant=tenant, kind="WorkflowTask", name="get"))["definition"]
    assert current["version"] == 2


@pytest.mark.parametrize("version", [None, 7])
async def test_an_unknown_definition_or_version_is_not_found(
    api: Api, tenant: str, version: int | None
) -> None:
    await api.apply(tenant, task_text("get"))
    name = "get" if version else "got"
    error = await api.refusal(GET, tenant=tenant, kind="WorkflowTask", name=name, version=version)
    assert error["extensions"] == {"code": "definition.not_found", "field": "name"}


async def test_concurrent_applies_happen_one_after_the_other(api: Api, tenant: str) -> None:
    before = (await api.bundle(tenant)).revision
    await asyncio.gather(
        *(api.apply(tenant, task_text("get", url=f"https://example.com/{number}")) for number in range(5))
    )
    versions = (await api.ask(VERSIONS, tenant=tenant, name="get", first=100))["definitionVersions"]
    assert [edge["node"]["version"] for edge in versions["edges"]] == [5, 4, 3, 2, 1]
    assert (await api.bundle(tenant)).revision == before + 5


async def test_what_was_done_is_in_the_audit_log(api: Api, tenant: str) -> None:
    await api.apply(tenant, task_text("get"))
    await api.apply(tenant, task_text("get"))
    key = await api.issue_key(tenant, "VIEWER", "ci")
    async with api.engine.connect() as connection:
        rows = (
            await connection.execute(text("SELECT actor, action, target FROM audit_log ORDER BY id"))
        ).all()
    assert [tuple(row) for row in rows] == [
        ("bootstrap", "tenant.create", "acme"),
        ("bootstrap", "definition.apply", "WorkflowTask/get"),
        ("bootstrap", "api_key.issue", key["apiKey"]["id"]),
    ]


async def test_one_tenant_s_heavy_texts_wait_for_each_other_and_leave_room_for_others(
    api: Api, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.create_tenant("globex")
    may_go_on = threading.Event()
    reading: list[str] = []

    def read_slowly(text_: str) -> Any:
        if "heavy" in text_:
            reading.append(text_)
            assert may_go_on.wait(60)
        return read_definitions(text_)

    monkeypatch.setattr(definitions, "read_definitions", read_slowly)
    asked = [asyncio.create_task(api.apply(tenant, task_text(f"heavy-{number}"))) for number in range(8)]
    try:
        answers = asyncio.as_completed(asked)
        refused = [await next(answers) for _ in asked[1 + definitions.MAX_WAITING_APPLIES :]]
        assert names(await api.apply("globex", task_text("light"))) == [("light", 1, True)]
        assert len(reading) == 1
    finally:
        may_go_on.set()
    errors = [error for payload in refused for error in payload["userErrors"]]
    assert [error["code"] for error in errors] == ["definitions.busy"] * 3
    assert "try again" in errors[0]["message"]
    payloads = [await answer for answer in answers]
    assert all(payload["definitions"] for payload in payloads)
    assert names(await api.apply(tenant, task_text("light"))) == [("light", 1, True)]
