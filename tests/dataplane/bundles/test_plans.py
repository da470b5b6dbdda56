"""The plans of a tenant: everything is compiled once, whatever uses it, and again only when it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tenantry.dataplane.bundles.contents import Contents
from tenantry.dataplane.bundles.plans import DefinitionBrokenError, Plans, TaskNotAllowedError
from tenantry.language.plan.model import CallPlan, SubworkflowPlan
from tests.support.tenants import bundled, make_bundle

if TYPE_CHECKING:
    from tenantry.language.plan.model import Plan

TASKS = """
{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: get},
 spec: {type: http, request: {url: "http://a.test/"}}}
---
{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: undo},
 spec: {type: http, request: {url: "http://b.test/"}}}
"""


def workflow(name: str, *steps: str, namespace: str = "") -> str:
    space = f", namespace: {namespace}" if namespace else ""
    return (
        f"---\n{{apiVersion: workflow.io/v1, kind: Workflow, metadata: {{name: {name}{space}}},"
        f" spec: {{tasks: [{', '.join(steps)}]}}}}\n"
    )


def plans(text: str, *, older: str = "", allows: Any = lambda _: True, **references: int) -> Plans:
    """The plans of a bundle: of version 2, with older workflows of version 1, and what their labels mean."""
    bundle = make_bundle(documents=TASKS + text)
    current = tuple(msgspec.structs.replace(one, version=2) for one in bundle.definitions)
    labels = {f"{name}@stable": version for name, version in references.items()}
    bundle = msgspec.structs.replace(
        bundle, definitions=current, pinned=tuple(bundled(older)), references=labels
    )
    return Plans(Contents(bundle), allows)


def plan_of(plans: Plans, name: str) -> Plan:
    plan = plans.get(name)
    assert plan is not None
    return plan


def child_of(plan: Plan, step: int = 0) -> Plan:
    body = plan.graph.steps[step].action.body
    assert isinstance(body, SubworkflowPlan)
    return body.plan


CHILD = workflow("child", "{id: a, taskRef: get}")
PARENT = workflow("parent", "{id: b, workflowRef: child}", "{id: c, workflowRef: child}")
OTHER = workflow("other", "{id: d, workflowRef: child}", "{id: e, taskRef: get}")


def test_what_several_use_is_compiled_once() -> None:
    tenant = plans(CHILD + PARENT + OTHER)
    parent, other, child = (plan_of(tenant, name) for name in ("parent", "other", "child"))
    assert child_of(parent) is child_of(parent, 1) is child_of(other) is child
    calls = [child.graph.steps[0].action.body, other.graph.steps[1].action.body]
    assert all(isinstance(call, CallPlan) for call in calls)
    assert calls[0].task is calls[1].task  # type: ignore[union-attr]  # said in the line before


def test_nothing_is_ready_before_it_was_asked_for() -> None:
    tenant = plans(CHILD + PARENT)
    assert tenant.ready("parent") is None
    parent = plan_of(tenant, "parent")
    assert tenant.ready("parent") is parent
    assert tenant.ready("child") is None
    assert plan_of(tenant, "child") is tenant.ready("child") is child_of(parent)
    assert tenant.ready("nobody") is None
    assert tenant.get("nobody") is None
    assert tenant.get("get") is None


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        (CHILD + PARENT + OTHER, {"child", "parent", "other"}),
        (CHILD + PARENT, {"child", "parent"}),
        (workflow("child", "{id: a2, taskRef: get}") + PARENT + OTHER, set()),
        (CHILD + workflow("parent", "{id: b2, workflowRef: child}") + OTHER, {"child", "other"}),
    ],
)
def test_a_new_revision_compiles_only_what_changed_and_what_runs_it(text: str, stays: set[str]) -> None:
    before = plans(CHILD + PARENT + OTHER)
    former = {name: plan_of(before, name) for name in ("parent", "child", "other")}
    after = plans(text)
    after.adopt(before)
    kept = {name for name, plan in former.items() if after.get(name) is plan}
    assert kept == stays
    if "child" in stays:
        assert child_of(plan_of(after, "parent")) is former["child"]


def test_a_changed_task_is_in_every_plan_above_it() -> None:
    before = plans(CHILD + PARENT)
    former = plan_of(before, "parent")
    tasks = TASKS.replace("a.test", "changed.test")
    after = Plans(Contents(make_bundle(documents=tasks + CHILD + PARENT)), lambda _: True)
    after.adopt(before)
    assert plan_of(after, "parent") is not former
    assert child_of(plan_of(after, "parent")) is plan_of(after, "child")


STABLE = workflow("parent", "{id: b, workflowRef: child}", "{id: c, workflowRef: child@stable}")


def test_a_reference_means_the_version_that_the_bundle_says() -> None:
    older = workflow("child", "{id: old, taskRef: get}")
    parent = plan_of(plans(CHILD + STABLE, older=older, child=1), "parent")
    assert (child_of(parent).version, child_of(parent).graph.steps[0].id) == (2, "a")
    assert (child_of(parent, 1).version, child_of(parent, 1).graph.steps[0].id) == (1, "old")
    parent = plan_of(plans(CHILD + STABLE, older=older, child=2), "parent")
    assert child_of(parent, 1) is child_of(parent)


def test_an_older_version_may_run_the_current_one_of_the_same_name() -> None:
    older = workflow("child", "{id: old, workflowRef: parent}")
    tenant = plans(
        CHILD
        + workflow("parent", "{id: c, workflowRef: child}")
        + workflow("top", "{id: t, workflowRef: child@stable}"),
        older=older,
        child=1,
    )
    top = plan_of(tenant, "top")
    assert child_of(child_of(child_of(top))) is plan_of(tenant, "child")


def test_a_moved_label_is_a_changed_workflow() -> None:
    older = workflow("child", "{id: old, taskRef: get}")
    before = plans(CHILD + STABLE, older=older, child=1)
    former = plan_of(before, "parent")
    after = plans(CHILD + STABLE, older=older, child=2)
    after.adopt(before)
    assert plan_of(after, "parent") is not former
    assert child_of(plan_of(after, "parent"), 1) is child_of(former)


def test_names_are_looked_for_in_the_namespace_of_who_refers() -> None:
    tenant = plans(
        workflow("child", "{id: here, taskRef: get}", namespace="billing")
        + CHILD
        + workflow("near", "{id: a, workflowRef: child}", namespace="billing")
        + workflow("far", "{id: a, workflowRef: billing/child}")
    )
    child = plan_of(tenant, "billing/child")
    assert (child.workflow, child.graph.steps[0].id) == ("billing/child", "here")
    assert child_of(plan_of(tenant, "billing/near")) is child
    assert child_of(plan_of(tenant, "far")) is child


@pytest.mark.parametrize(
    "step",
    [
        "{id: b, tasks: [{id: c, taskRef: undo}]}",
        "{id: b, forEach: {items: []}, tasks: [{id: c, taskRef: undo}]}",
        "{id: b, taskRef: get, fallback: {taskRef: undo}}",
        "{id: b, taskRef: get, compensate: {taskRef: undo}}",
        "{id: b, taskRef: get, condition: {if: 'true', else: {taskRef: undo}}}",
        "{id: b, switch: {value: 1, cases: [{match: 1, taskRef: undo}]}}",
        "{id: b, switch: {value: 1, cases: [{match: 1, taskRef: get}], default: {taskRef: undo}}}",
        "{id: b, workflowRef: undoing}",
        "{id: b, tasks: [{id: c, workflowRef: undoing}]}",
    ],
)
def test_a_task_the_tenant_may_not_use_is_found_wherever_it_hides(step: str) -> None:
    text = workflow("undoing", "{id: a, taskRef: undo}") + workflow("w", step)
    with pytest.raises(TaskNotAllowedError, match="uses task undo") as raised:
        plans(text, allows=lambda name: name != "undo").get("w")
    assert raised.value.task == "undo"
    assert plan_of(plans(text), "w").workflow == "w"


def test_what_was_compiled_before_is_judged_by_the_new_policy() -> None:
    before = plans(CHILD + PARENT)
    plan_of(before, "parent")
    after = plans(CHILD + PARENT, allows=lambda name: name != "get")
    after.adopt(before)
    with pytest.raises(TaskNotAllowedError, match="workflow child uses task get"):
        after.get("parent")


def chain(length: int) -> str:
    links = [workflow(f"w{n}", f"{{id: a, workflowRef: w{n + 1}}}") for n in range(length)]
    return "".join(links) + workflow(f"w{length}", "{id: a, taskRef: get}")


def test_five_levels_of_workflows_may_lie_below_one() -> None:
    assert plan_of(plans(chain(5)), "w0").workflow == "w0"


@pytest.mark.parametrize("first", [(), ("w1",), ("w3", "w2", "w1")])
def test_six_may_not_whichever_was_asked_for_first(first: tuple[str, ...]) -> None:
    tenant = plans(chain(6))
    for name in first:
        plan_of(tenant, name)
    with pytest.raises(DefinitionBrokenError, match="more than 5 levels of workflows below w0"):
        tenant.get("w0")


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("a", "b", "c")])
def test_a_cycle_is_a_broken_definition(names: tuple[str, ...]) -> None:
    following = [*names[1:], names[0]]
    text = "".join(
        workflow(name, f"{{id: s, workflowRef: {other}}}")
        for name, other in zip(names, following, strict=True)
    )
    with pytest.raises(DefinitionBrokenError, match="more than 5 levels of workflows below a"):
        plans(text).get("a")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{id: a, workflowRef: nobody}", "workflow w uses the unknown workflow nobody"),
        ("{id: a, workflowRef: child@stable}", "workflow w uses the unknown version child@stable"),
        ("{id: a, taskRef: nobody}", "workflow w uses the unknown task nobody"),
        ("{taskRef: get}", "workflow w"),
        ("{id: a, taskRef: get, dependsOn: [a]}", "workflow w: the graph has a cycle"),
        ("{id: a, taskRef: get, condition: {if: '=='}}", "workflow w"),
    ],
)
def test_what_does_not_compile_is_a_broken_definition(step: str, message: str) -> None:
    with pytest.raises(DefinitionBrokenError, match=message):
        plans(CHILD + workflow("w", step)).get("w")


def test_a_task_that_does_not_compile_breaks_who_uses_it() -> None:
    broken = workflow("w", "{id: a, taskRef: b}") + (
        "---\n{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: b}, spec: {type: magic}}\n"
    )
    with pytest.raises(DefinitionBrokenError, match="task b: "):
        plans(broken).get("w")
