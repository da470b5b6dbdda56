"""The source of a plan: another executor compiles the very same plan from it, whatever it serves itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenantry.dataplane.bundles.contents import Contents
from tenantry.dataplane.bundles.plans import DefinitionBrokenError, Plans, plan_from_source
from tenantry.language.plan.explain import explain_json
from tenantry.protocol.bundles import Bundle
from tests.support.examples import document_files, read_for, tenant_names
from tests.support.tenants import bundled, make_bundle
from tests.support.translated import bundle_of, systems

if TYPE_CHECKING:
    from tenantry.language.plan.model import Plan

TEST_API = "127.0.0.1:8082"


def plans_of(bundle: Bundle) -> Plans:
    return Plans(Contents(bundle), lambda _: True)


def plan_of(plans: Plans, workflow: str, selector: str = "") -> Plan:
    plan = plans.get(workflow, selector)
    assert plan is not None
    return plan


def example_bundles() -> dict[str, Bundle]:
    """Each example tenant and each system translated from."""
    bundles = {system: bundle_of(system, TEST_API) for system in systems()}
    for tenant in tenant_names():
        texts = [read_for(path, TEST_API) for path in document_files(tenant)[1:]]
        bundles[tenant] = make_bundle(documents="\n---\n".join(texts))
    return bundles


def everything() -> list[tuple[Bundle, str, str]]:
    """Every version of every example workflow."""
    return [
        (bundle, item.name, f"v{item.version}")
        for bundle in example_bundles().values()
        for item in (*bundle.pinned, *bundle.definitions)
        if item.kind == "Workflow"
    ]


def decoded(content: str) -> tuple[Bundle, str, str]:
    """What a source says."""
    fields: dict[str, Any] = json.loads(content)
    bundle = msgspec.convert(fields["bundle"], Bundle)
    return bundle, fields["workflow"], f"v{fields['version']}"


@pytest.mark.parametrize("one", [pytest.param(one, id=f"{one[1]}@{one[2]}") for one in everything()])
def test_a_plan_compiled_from_its_source_is_the_same(one: tuple[Bundle, str, str]) -> None:
    bundle, workflow, version = one
    served = plans_of(bundle)
    plan = plan_of(served, workflow, version)
    source = served.source(plan)
    again = plan_from_source(source.content)
    assert (again.workflow, again.version, again.digest) == (plan.workflow, plan.version, plan.digest)
    assert explain_json(again) == explain_json(plan)
    little, name, selector = decoded(source.content)
    other = plans_of(little)
    assert other.source(plan_of(other, name, selector)) == source


@pytest.mark.parametrize("name", sorted(example_bundles()))
def test_a_source_holds_nothing_but_what_its_workflow_takes(name: str) -> None:
    bundle = example_bundles()[name]
    served = plans_of(bundle)
    for item in bundle.definitions:
        if item.kind != "Workflow":
            continue
        source = served.source(plan_of(served, item.name))
        little, workflow, version = decoded(source.content)
        for part in (*little.definitions, *little.pinned):
            smaller = without(little, part)
            with pytest.raises((DefinitionBrokenError, AssertionError)):
                plan_of(plans_of(smaller), workflow, version)
        for reference in little.references:
            fewer = {key: value for key, value in little.references.items() if key != reference}
            with pytest.raises(DefinitionBrokenError):
                plan_of(plans_of(msgspec.structs.replace(little, references=fewer)), workflow, version)


def without(bundle: Bundle, part: Any) -> Bundle:
    return msgspec.structs.replace(
        bundle,
        definitions=tuple(item for item in bundle.definitions if item is not part),
        pinned=tuple(item for item in bundle.pinned if item is not part),
    )


TASK = """
{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: get},
 spec: {type: http, request: {url: "http://a.test/"}}}
"""


def workflow(name: str, *steps: str) -> str:
    return (
        f"---\n{{apiVersion: workflow.io/v1, kind: Workflow, metadata: {{name: {name}}},"
        f" spec: {{tasks: [{', '.join(steps)}]}}}}\n"
    )


def versioned(current: str, older: str, **changes: Any) -> Plans:
    """Plans of a bundle with current documents of version 2 and older ones of version 1."""
    bundle = make_bundle(documents=TASK + current)
    definitions = tuple(msgspec.structs.replace(one, version=2) for one in bundle.definitions)
    return plans_of(
        msgspec.structs.replace(bundle, definitions=definitions, pinned=tuple(bundled(older)), **changes)
    )


def test_an_older_version_that_runs_the_current_one_takes_both_along() -> None:
    served = versioned(
        workflow("order", "{id: new, taskRef: get}") + workflow("middle", "{id: m, workflowRef: order}"),
        workflow("order", "{id: old, workflowRef: middle}"),
    )
    old = plan_of(served, "order", "v1")
    again = plan_from_source(served.source(old).content)
    assert (again.version, [step.id for step in again.graph.steps]) == (1, ["old"])
    assert explain_json(again) == explain_json(old)
    assert served.source(old).key != served.source(plan_of(served, "order")).key


def test_what_a_label_meant_stays_in_the_source() -> None:
    older, current = (
        workflow("child", "{id: old, taskRef: get}"),
        workflow("child", "{id: new, taskRef: get}"),
    )
    parent = workflow("parent", "{id: a, workflowRef: child@stable}", "{id: b, workflowRef: child}")
    before = versioned(current + parent, older, references={"child@stable": 1})
    after = versioned(current + parent, older, references={"child@stable": 2})
    after.adopt(before)
    sources = [served.source(plan_of(served, "parent")) for served in (before, after)]
    assert sources[0].key != sources[1].key
    for source, child in zip(sources, ("old", "new"), strict=True):
        steps = plan_from_source(source.content).graph.steps
        assert [step.action.body.plan.graph.steps[0].id for step in steps] == [child, "new"]  # type: ignore[union-attr]


def test_a_source_is_encoded_once_and_outlives_revisions_that_change_nothing_in_it() -> None:
    before = versioned(workflow("order", "{id: a, taskRef: get}"), "")
    source = before.source(plan_of(before, "order"))
    assert before.source(plan_of(before, "order")) is source
    after = versioned(
        workflow("order", "{id: a, taskRef: get}") + workflow("new", "{id: a, taskRef: get}"), ""
    )
    after.adopt(before)
    assert after.source(plan_of(after, "order")) is source
    changed = versioned(workflow("order", "{id: b, taskRef: get}"), "")
    changed.adopt(before)
    assert changed.source(plan_of(changed, "order")).key != source.key


def test_a_source_says_nothing_of_its_tenant() -> None:
    contents = []
    for tenant in ("acme", "globex"):
        bundle = make_bundle(
            tenant,
            documents=TASK + workflow("order", "{id: a, taskRef: get}"),
            spec={"allowedTaskRefs": ["get"]},
        )
        served = plans_of(bundle)
        contents.append(served.source(plan_of(served, "order")).content)
    assert contents[0] == contents[1]
    assert "acme" not in contents[0]
    assert "allowedTaskRefs" not in contents[0]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"workflow": "a", "version": 1}'])
def test_what_is_no_source_is_refused(content: str) -> None:
    with pytest.raises(DefinitionBrokenError, match="not the source of a plan"):
        plan_from_source(content)


def test_a_source_without_its_workflow_is_refused() -> None:
    empty = {"workflow": "order", "version": 1, "bundle": {"tenant": "", "revision": 0, "spec": {}}}
    with pytest.raises(DefinitionBrokenError, match="the source of order is without the workflow itself"):
        plan_from_source(json.dumps(empty))
