"""Plans to be shown: compiled from steps, with tasks that are there for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenantry.language.plan.compile import compile_task, compile_workflow
from tests.support.definitions import make_task, make_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.language.documents.model import WorkflowTask
    from tenantry.language.plan.model import Plan, TaskPlan


def task_documents() -> dict[str, WorkflowTask]:
    """Calls that last one to four seconds, one that is tried twice (4.5 s), and one that computes."""
    request = {"type": "http", "request": {"url": "https://h/"}}
    specs: dict[str, dict[str, Any]] = {
        **{f"call{seconds}": {**request, "timeout": f"{seconds}s"} for seconds in range(1, 5)},
        "twice": {**request, "timeout": "2s", "retry": {"maxAttempts": 2, "initialDelay": "500ms"}},
        "same": {"type": "transform", "expression": "@"},
    }
    return {name: make_task(name, spec) for name, spec in specs.items()}


def task_plans() -> dict[str, TaskPlan]:
    """The same, compiled."""
    return {name: compile_task(task, "") for name, task in task_documents().items()}


def plan_of(
    *steps: dict[str, Any], name: str = "flow", workflows: Mapping[str, Plan] | None = None, **spec: Any
) -> Plan:
    """The plan of a workflow of these steps."""
    workflow = make_workflow(name, {"tasks": list(steps), **spec})
    return compile_workflow(workflow, task_plans(), workflows or {}, version=1, digest="")


def everything() -> Plan:
    """A plan with every construct of the language."""
    child = plan_of(
        {"id": "one", "taskRef": "call1"},
        {"id": "two", "taskRef": "same", "dependsOn": ["one"]},
        name="child",
    )
    return plan_of(
        {"id": "user", "taskRef": "twice"},
        {
            "id": "lines",
            "forEach": {
                "items": "{{tasks.user.output}}",
                "itemVar": "order",
                "maxParallel": 5,
                "onItemFailure": "continue",
            },
            "condition": {"if": "{{forEach.order.open}}"},
            "taskRef": "call1",
        },
        {"id": "audit", "taskRef": "call1", "dependsOn": ["lines"], "optional": True},
        {
            "id": "pay",
            "switch": {
                "value": "{{input.method}}",
                "cases": [
                    {"match": "card", "taskRef": "call2"},
                    {
                        "match": 7,
                        "tasks": [
                            {"id": "ask", "taskRef": "call1"},
                            {"id": "wait", "taskRef": "call1", "dependsOn": ["ask"]},
                        ],
                    },
                ],
                "default": {"taskRef": "same"},
            },
            "fallback": {"value": {"paid": False}},
            "compensate": {"taskRef": "call3"},
        },
        {
            "id": "bill",
            "workflowRef": "child",
            "dependsOn": ["pay"],
            "condition": {"if": "{{input.bill}}", "else": {"taskRef": "same"}},
        },
        {
            "id": "all",
            "forEach": {"items": [1, 2, 3], "maxParallel": 2},
            "tasks": [{"id": "each", "forEach": {"items": "{{forEach.item}}"}, "taskRef": "call1"}],
        },
        workflows={"child": child},
        deadline="5s",
    )
