"""Changes that break somebody: refused with names and fields, or forced, and then marked and remembered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.controlplane import Api, steps_text, task_text

LIST = """query ($tenant: String!, $broken: Boolean) {
  definitions(tenant: $tenant, broken: $broken, first: 100) {
    edges { node { kind name version findings { code message } } } } }"""
USER = "{type: object, required: [id, email], properties: {id: {type: integer}, email: {type: string}}}"
LESS = "{type: object, required: [id], properties: {id: {type: integer}}}"
ID = "{type: object, required: [id], properties: {id: {type: integer}}}"


def user_task(output: str = USER, takes: str = ID) -> str:
    return task_text("get", takes).replace("request:", f"outputSchema: {output}, request:")


REPORT = steps_text("report", "{id: a, taskRef: get, input: {id: 1}}", output="'{{tasks.a.output.email}}'")
IDS = steps_text("ids", "{id: a, taskRef: get, input: {id: 1}}", output="'{{tasks.a.output.id}}'")


@pytest.fixture
async def tenant(api: Api) -> str:
    await api.create_tenant("acme")
    assert (await api.apply("acme", user_task() + REPORT + IDS))["userErrors"] == []
    return "acme"


async def broken(api: Api, tenant: str) -> dict[str, list[str]]:
    edges = (await api.ask(LIST, tenant=tenant, broken=True))["definitions"]["edges"]
    nodes = [edge["node"] for edge in edges]
    return {node["name"]: [finding["code"] for finding in node["findings"]] for node in nodes}


async def force(api: Api, tenant: str, text: str, **variables: Any) -> Any:
    payload = await api.apply(tenant, text, force=True, **variables)
    assert payload["userErrors"] == [], payload
    return payload


async def test_a_refusal_names_the_workflow_and_the_fields_it_uses(api: Api, tenant: str) -> None:
    payload = await api.apply(tenant, user_task(LESS))
    (finding,) = payload["findings"]
    assert (finding["code"], finding["document"]) == ("WF601", "WorkflowTask/get")
    assert finding["severity"] == "ERROR"
    assert finding["message"].startswith("would break the workflow report: ")
    assert finding["message"].endswith("(output.email is no longer given)")
    assert finding["pointer"] == "/spec/outputSchema/properties/email"
    assert finding["line"] == 4


async def test_every_workflow_that_breaks_is_named_at_once(api: Api, tenant: str) -> None:
    payload = await api.apply(tenant, user_task(takes="{type: object, required: [id, eu], properties: {}}"))
    assert sorted(finding["message"].split(":")[0] for finding in payload["findings"]) == [
        "would break the workflow ids",
        "would break the workflow report",
    ]


async def test_a_forced_change_is_stored_and_marks_what_it_broke(api: Api, tenant: str) -> None:
    payload = await force(api, tenant, user_task(LESS))
    assert [(one["name"], one["version"]) for one in payload["definitions"]] == [("get", 2)]
    assert [finding["code"] for finding in payload["findings"]] == ["WF601"]
    assert await broken(api, tenant) == {"report": ["WF204"]}
    sound = (await api.ask(LIST, tenant=tenant, broken=False))["definitions"]["edges"]
    assert {edge["node"]["name"] for edge in sound} == {"ids", "get"}
    assert all(edge["node"]["findings"] == [] for edge in sound)


async def test_who_forced_what_is_in_the_audit_log(api: Api, tenant: str) -> None:
    key = await api.issue_key(tenant, "AUTHOR")
    await force(api, tenant, user_task(LESS), token=key["token"])
    deed = (await api.deeds(tenant))[0]
    assert (deed["actor"], deed["action"]) == (key["apiKey"]["id"], "definition.apply")
    assert deed["target"] == "WorkflowTask/get"
    assert deed["details"]["forced"] == ["report"]


async def test_force_that_breaks_nothing_is_an_apply_like_any_other(api: Api, tenant: str) -> None:
    await force(api, tenant, task_text("other"))
    assert "forced" not in (await api.deeds(tenant))[0]["details"]
    assert await broken(api, tenant) == {}


async def test_a_dry_run_of_a_forced_change_marks_nothing(api: Api, tenant: str) -> None:
    payload = await force(api, tenant, user_task(LESS), dryRun=True)
    assert [finding["code"] for finding in payload["findings"]] == ["WF601"]
    assert await broken(api, tenant) == {}


async def test_force_does_not_take_a_document_with_errors(api: Api, tenant: str) -> None:
    payload = await api.apply(tenant, steps_text("new", "{id: a, taskRef: nobody}"), force=True)
    assert [error["code"] for error in payload["userErrors"]] == ["documents.rejected"]


async def test_what_would_not_run_at_all_cannot_be_forced(api: Api, tenant: str) -> None:
    for name, other in (("c", "d"), ("d", "e"), ("e", "f"), ("f", "g"), ("g", "h")):
        text = steps_text(other, "{id: a, taskRef: get, input: {id: 1}}")
        text += steps_text(name, f"{{id: a, workflowRef: {other}}}")
        await api.apply(tenant, text)
    for name, other in (("g", "h"), ("f", "g"), ("e", "f"), ("d", "e"), ("c", "d")):
        await api.apply(tenant, steps_text(name, f"{{id: a, workflowRef: {other}}}"))
    payload = await api.apply(tenant, steps_text("h", "{id: a, workflowRef: ids}"), force=True)
    assert payload["definitions"] == []
    assert "would break the workflow c: " in "".join(finding["message"] for finding in payload["findings"])


async def test_a_broken_workflow_refuses_nothing_more_and_is_sound_again_when_its_task_is(
    api: Api, tenant: str
) -> None:
    await force(api, tenant, user_task(LESS))
    other = user_task(LESS).replace("/x", "/y")
    assert (await api.apply(tenant, other))["userErrors"] == []
    assert await broken(api, tenant) == {"report": ["WF204"]}
    assert (await api.apply(tenant, user_task()))["userErrors"] == []
    assert await broken(api, tenant) == {}


async def test_a_mended_workflow_is_broken_no_more(api: Api, tenant: str) -> None:
    await force(api, tenant, user_task(LESS))
    assert (await api.apply(tenant, REPORT.replace("email", "id")))["userErrors"] == []
    assert await broken(api, tenant) == {}


async def test_only_the_current_version_shows_what_broke_it(api: Api, tenant: str) -> None:
    await force(api, tenant, user_task(LESS))
    query = """query ($tenant: String!, $version: Int) {
      definition(tenant: $tenant, kind: Workflow, name: "report", version: $version) {
        findings { code } } }"""
    assert (await api.ask(query, tenant=tenant))["definition"]["findings"] == [{"code": "WF204"}]
    await api.apply(tenant, REPORT.replace("email", "id"))
    await force(api, tenant, user_task("{type: object, properties: {name: {}}}"))
    assert (await api.ask(query, tenant=tenant))["definition"]["findings"] != []
    assert (await api.ask(query, tenant=tenant, version=1))["definition"]["findings"] == []


async def test_a_broken_older_version_marks_who_runs_it(api: Api, tenant: str) -> None:
    top = steps_text("top", "{id: a, workflowRef: report@v1}")
    await api.apply(tenant, top)
    await api.apply(tenant, REPORT.replace("email", "id"))
    refused = await api.apply(tenant, user_task(LESS))
    assert [finding["message"].split(":")[0] for finding in refused["findings"]] == [
        "would break the workflow report@v1"
    ]
    await force(api, tenant, user_task(LESS))
    assert await broken(api, tenant) == {"top": ["WF204"]}


async def test_what_callers_may_rely_on_is_a_warning_with_an_example(api: Api, tenant: str) -> None:
    takes = "{type: object, required: [n], properties: {n: {type: integer}}}"
    needs = "{type: object, required: [n, m], properties: {n: {type: integer}, m: {type: integer}}}"
    step = "{id: a, taskRef: get, input: {id: 1}}"
    await api.apply(tenant, steps_text("w", step, input=takes, output="{a: 1, b: 2}"))
    payload = await api.apply(tenant, steps_text("w", step, input=needs, output="{a: x}"))
    assert payload["userErrors"] == []
    assert {finding["severity"] for finding in payload["findings"]} == {"WARNING"}
    messages = [finding["message"] for finding in payload["findings"]]
    assert messages[0] == 'callers may break: input.m must be given now; an example is {"n":0}'
    assert payload["findings"][0]["pointer"] == "/spec/input/properties/m"
    assert any("output.b" in message for message in messages)
    assert any(finding["pointer"] == "/spec/output/a" for finding in payload["findings"])


async def test_an_example_that_is_long_is_cut(api: Api, tenant: str) -> None:
    names = [f"a-name-as-long-as-they-come-{number}" for number in range(40)]
    takes = f"{{type: object, required: [{', '.join(names)}]}}"
    step = "{id: a, taskRef: get, input: {id: 1}}"
    await api.apply(tenant, steps_text("w", step, input=takes))
    payload = await api.apply(tenant, steps_text("w", step, input=takes.replace("]}", ", more]}")))
    (finding,) = payload["findings"]
    assert finding["message"].endswith("…")
    assert len(finding["message"]) < 400


async def test_the_audit_log_is_read_page_by_page(api: Api, tenant: str) -> None:
    query = """query ($tenant: String!, $after: String) {
      auditLog(tenant: $tenant, first: 2, after: $after) {
        edges { node { action } } pageInfo { hasNextPage endCursor } } }"""
    page = (await api.ask(query, tenant=tenant))["auditLog"]
    assert [edge["node"]["action"] for edge in page["edges"]] == ["definition.apply"] * 2
    assert page["pageInfo"]["hasNextPage"]
    rest = (await api.ask(query, tenant=tenant, after=page["pageInfo"]["endCursor"]))["auditLog"]
    assert [edge["node"]["action"] for edge in rest["edges"]] == ["definition.apply", "tenant.create"]


async def test_the_audit_log_of_nobody_is_not_found(api: Api) -> None:
    error = await api.refusal('{ auditLog(tenant: "nobody") { edges { cursor } } }')
    assert error["extensions"]["code"] == "tenant.not_found"
