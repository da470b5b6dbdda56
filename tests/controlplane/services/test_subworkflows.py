"""Workflows that run workflows: names, namespaces, chosen versions, and what a change does to the others."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.controlplane.services.offered import NEWEST
from tests.support.controlplane import REMOVE_LABEL, Api, steps_text, task_text, tenant_text

GIVES = "{type: object, required: [id], properties: {id: {type: integer}}}"
TAKES = "{type: object, required: [n], properties: {n: {type: integer}}}"
CHILD = steps_text("child", "{id: a, taskRef: get}", input=TAKES, output="{total: '{{input.n}}'}")
CHILD_2 = steps_text("child", "{id: a, taskRef: get}", input=TAKES, output="{total: '{{input.n}}', more: 1}")
BROKEN_CHILD = steps_text("child", "{id: a, taskRef: get}", input=TAKES, output="{sum: '{{input.n}}'}")


def parent(reference: str = "child", name: str = "parent") -> str:
    step = f"{{id: c, workflowRef: '{reference}', input: {{n: 1}}}}"
    return steps_text(name, step, output="'{{tasks.c.output.total}}'")


@pytest.fixture
async def tenant(api: Api) -> str:
    await api.create_tenant("acme")
    await api.apply("acme", task_text("get"))
    return "acme"


async def refused(api: Api, tenant: str, text: str) -> list[Any]:
    payload = await api.apply(tenant, text)
    assert payload["definitions"] == [], payload
    return [(finding["code"], finding["document"], finding["message"]) for finding in payload["findings"]]


async def applied(api: Api, tenant: str, text: str, **variables: Any) -> list[Any]:
    payload = await api.apply(tenant, text, **variables)
    assert payload["userErrors"] == [], payload
    return [finding["message"] for finding in payload["findings"]]


async def test_a_workflow_may_come_with_the_workflow_it_runs_in_any_order(api: Api, tenant: str) -> None:
    assert await applied(api, tenant, parent() + CHILD) == []


async def test_an_unknown_workflow_is_refused(api: Api, tenant: str) -> None:
    ((code, _, message),) = await refused(api, tenant, parent("chidl") + CHILD)
    assert (code, message) == ("WF207", 'there is no workflow "chidl"')


async def test_a_name_is_found_in_its_own_namespace_and_another_is_named(api: Api, tenant: str) -> None:
    billing = CHILD.replace("{name: child}", "{name: child, namespace: billing}")
    near = parent("child", "billing/near")
    await applied(api, tenant, billing + near + parent("billing/child", "far"))
    assert [code for code, *_ in await refused(api, tenant, parent("child", "lost"))] == ["WF207"]
    bundle = await api.bundle(tenant)
    assert [one.name for one in bundle.definitions if one.kind == "Workflow"] == [
        "billing/child",
        "billing/near",
        "far",
    ]


async def test_one_name_in_two_namespaces_is_two_definitions(api: Api, tenant: str) -> None:
    text = CHILD + CHILD_2.replace("{name: child}", "{name: child, namespace: billing}")
    payload = await api.apply(tenant, text)
    assert [(one["name"], one["version"]) for one in payload["definitions"]] == [
        ("child", 1),
        ("billing/child", 1),
    ]
    query = """query ($tenant: String!, $name: String!) {
      definition(tenant: $tenant, kind: Workflow, name: $name) { name document } }"""
    found = (await api.ask(query, tenant=tenant, name="billing/child"))["definition"]
    assert found["document"]["metadata"] == {"name": "child", "namespace": "billing"}


async def test_a_cycle_through_stored_workflows_is_refused(api: Api, tenant: str) -> None:
    await applied(api, tenant, CHILD + parent())
    text = steps_text("child", "{id: a, workflowRef: parent}", input=TAKES, output="{total: 1}")
    assert "WF403" in {code for code, *_ in await refused(api, tenant, text)}


async def test_a_version_a_hash_and_a_label_find_what_is_stored(api: Api, tenant: str) -> None:
    await applied(api, tenant, CHILD)
    digest = next(one.digest for one in (await api.bundle(tenant)).definitions if one.name == "child")
    await applied(api, tenant, CHILD_2)
    await api.label(tenant, "child", "stable", 1)
    selectors = ["v1", f"sha256:{digest[:12]}", f"sha256:{digest}", "stable", "v2"]
    text = "".join(parent(f"child@{one}", f"parent-{number}") for number, one in enumerate(selectors))
    await applied(api, tenant, text)
    bundle = await api.bundle(tenant)
    assert bundle.references == {
        "child@stable": 1,
        "child@v1": 1,
        "child@v2": 2,
        f"child@sha256:{digest[:12]}": 1,
        f"child@sha256:{digest}": 1,
    }
    assert [(one.name, one.version, one.digest) for one in bundle.pinned] == [("child", 1, digest)]


@pytest.mark.parametrize("selector", ["v2", "v7", "stable", "sha256:0123456789ab"])
async def test_what_is_referred_to_by_version_is_there_before(api: Api, tenant: str, selector: str) -> None:
    await applied(api, tenant, CHILD)
    ((code, document, _),) = await refused(api, tenant, CHILD_2 + parent(f"child@{selector}"))
    assert (code, document) == ("WF208", "Workflow/parent")


async def test_a_hash_means_the_oldest_version_of_that_content(api: Api, tenant: str) -> None:
    for text in (CHILD, CHILD_2, CHILD):
        await applied(api, tenant, text)
    digest = next(one.digest for one in (await api.bundle(tenant)).definitions if one.name == "child")
    await applied(api, tenant, parent(f"child@sha256:{digest[:16]}"))
    assert list((await api.bundle(tenant)).references.values()) == [1]


async def test_the_bundle_holds_what_pinned_versions_pin_themselves(api: Api, tenant: str) -> None:
    await applied(api, tenant, CHILD)
    await applied(api, tenant, parent("child@v1", "middle"))
    await applied(api, tenant, CHILD_2 + steps_text("middle", "{id: a, taskRef: get}", output="{total: 1}"))
    await applied(api, tenant, parent("middle@v1", "top").replace(".total", ""))
    bundle = await api.bundle(tenant)
    assert bundle.references == {"child@v1": 1, "middle@v1": 1}
    assert [(one.name, one.version) for one in bundle.pinned] == [("child", 1), ("middle", 1)]


async def test_a_version_that_nobody_can_call_any_more_leaves_the_bundle(api: Api, tenant: str) -> None:
    await applied(api, tenant, CHILD)
    await applied(api, tenant, CHILD_2 + parent("child@v1"))
    assert (await api.bundle(tenant)).references == {"child@v1": 1}
    for number in range(NEWEST):
        await applied(api, tenant, CHILD.replace("total:", f"n{number}: 1, total:"))
        await applied(api, tenant, parent("child").replace("{n: 1}", f"{{n: {number}}}"))
    bundle = await api.bundle(tenant)
    assert bundle.references == {}
    assert ("child", 1) not in {(one.name, one.version) for one in bundle.pinned}


async def test_a_changed_child_is_judged_by_those_that_run_it(api: Api, tenant: str) -> None:
    await applied(api, tenant, CHILD + parent())
    finding, *_ = (await api.apply(tenant, BROKEN_CHILD))["findings"][::-1]
    assert (finding["code"], finding["document"]) == ("WF601", "Workflow/child")
    assert "would break the workflow parent" in finding["message"]
    assert "output.total" in finding["message"]


async def test_one_that_stays_with_an_older_version_is_left_alone(api: Api, tenant: str) -> None:
    await applied(api, tenant, CHILD)
    await applied(api, tenant, parent("child@v1"))
    messages = await applied(api, tenant, BROKEN_CHILD)
    assert all(message.startswith("callers may break: ") for message in messages)


async def test_a_changed_task_is_judged_at_any_distance(api: Api, tenant: str) -> None:
    task = task_text("count").replace("inputSchema: {}", f"outputSchema: {GIVES}")
    child = steps_text("inner", "{id: a, taskRef: count}", output="{id: '{{tasks.a.output.id}}'}")
    use = "{id: d, taskRef: use, input: {id: '{{tasks.c.output.id}}'}}"
    top = steps_text("top", "{id: c, workflowRef: inner}", use)
    await applied(api, tenant, task + child + top + "---\n" + task_text("use", GIVES))
    findings = await refused(api, tenant, task.replace("id: {type: integer}", "id: {type: string}"))
    assert [message for _, _, message in findings if "the workflow top" in message]


async def test_an_older_version_in_use_is_judged_by_the_tasks_of_today(api: Api, tenant: str) -> None:
    takes = steps_text("child", "{id: a, taskRef: get, input: {id: 1}}", output="{total: 1}")
    await applied(api, tenant, takes)
    await applied(
        api,
        tenant,
        steps_text("child", "{id: b, tasks: [{id: c, taskRef: other}]}") + "---\n" + task_text("other"),
    )
    await applied(api, tenant, parent("child@v1").replace("{n: 1}", "{}"))
    needs = "{type: object, required: [region], properties: {region: {type: string}}}"
    messages = [message for *_, message in await refused(api, tenant, task_text("get", needs))]
    assert any("would break the workflow child@v1: " in message for message in messages)


async def test_an_older_version_that_does_not_work_any_more_cannot_be_referred_to(
    api: Api, tenant: str
) -> None:
    needs = "{type: object, required: [region], properties: {region: {type: string}}}"
    await applied(
        api, tenant, steps_text("child", "{id: a, taskRef: get, input: {id: 1}}", output="{total: 1}")
    )
    mended = steps_text("child", "{id: a, taskRef: get, input: {region: eu}}", output="{total: 1}")
    await applied(api, tenant, task_text("get", needs) + mended)
    text = parent("child@v1").replace("{n: 1}", "{}") + "---\n" + task_text("unrelated")
    ((code, document, message),) = await refused(api, tenant, text)
    assert (code, document) == ("WF601", "Workflow/parent")
    assert message.startswith("child@v1 does not work any more: ")
    payload = await api.label(tenant, "child", "stable", 1)
    assert payload["userErrors"] == []
    ((code, _, _),) = await refused(api, tenant, text.replace("@v1", "@stable"))
    assert code == "WF601"


async def test_loops_go_as_deep_as_the_tenant_s_spec_says(api: Api, tenant: str) -> None:
    two = (
        "{id: a, forEach: {items: [1]}, tasks: [{id: b, forEach: {items: [1], itemVar: two}, taskRef: get}]}"
    )
    await applied(api, tenant, steps_text("loops", two))
    update = (
        "mutation ($text: String!) { updateTenant(text: $text) { findings { code } userErrors { code } } }"
    )
    text = tenant_text(tenant, "{quotas: {maxLoopDepth: 1}}")
    payload = (await api.ask(update, text=text))["updateTenant"]
    assert [finding["code"] for finding in payload["findings"]] == ["WF404"]
    text = tenant_text(tenant, "{quotas: {maxLoopDepth: 2}}")
    assert (await api.ask(update, text=text))["updateTenant"]["userErrors"] == []


async def test_a_label_in_use_is_not_taken_away(api: Api, tenant: str) -> None:
    await applied(api, tenant, CHILD)
    await api.label(tenant, "child", "stable", 1)
    await applied(api, tenant, parent("child@stable"))
    answer = (await api.ask(REMOVE_LABEL, tenant=tenant, name="child", label="stable"))["answer"]
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [
        ("documents.rejected", "label")
    ]
    (finding,) = answer["findings"]
    assert (finding["code"], finding["document"]) == ("WF208", "Workflow/parent")
    assert finding["message"].startswith("would break the workflow parent: ")
    assert (await api.bundle(tenant)).references == {"child@stable": 1}
