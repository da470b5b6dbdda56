from __future__ import annotations

from typing import Any

from tenantry.language.documents.model import Action, Step
from tenantry.language.graph.actions import (
    all_actions,
    inner_actions,
    nested_steps,
    task_refs,
    workflow_refs,
)

STEP: dict[str, Any] = {
    "id": "a",
    "switch": {
        "value": 1,
        "cases": [
            {"match": 1, "taskRef": "one"},
            {"match": 2, "tasks": [{"id": "b", "workflowRef": "two@v2", "compensate": {"taskRef": "undo"}}]},
        ],
        "default": {"switch": {"value": 1, "cases": [{"match": 1, "workflowRef": "three"}]}},
    },
    "condition": {"if": "true", "else": {"taskRef": "four"}},
    "fallback": {"taskRef": "five"},
}


def step(raw: dict[str, Any]) -> Step:
    return Step.model_validate(raw)


def did(action: Action) -> str | None:
    return action.id if isinstance(action, Step) else action.task_ref or action.workflow_ref


def test_in_place_of_an_action_its_cases_its_default_and_its_else_may_be_done() -> None:
    assert [did(action) for action in inner_actions(step(STEP))] == ["one", None, None, "four"]
    assert [*inner_actions(step({"id": "a", "taskRef": "t"}))] == []
    assert [*inner_actions(step({"id": "a", "taskRef": "t", "condition": {"if": "true"}}))] == []
    only = {"id": "a", "switch": {"value": 1, "cases": [{"match": 1, "taskRef": "t"}]}}
    assert [did(action) for action in inner_actions(step(only))] == ["t"]


def test_all_actions_are_those_at_any_depth_in_the_order_of_the_document() -> None:
    assert [did(action) for action in all_actions([step(STEP)])] == [
        "a", "one", None, "b", None, "three", "four",
    ]  # fmt: skip


def test_nested_steps_are_those_inside_and_not_the_step_itself() -> None:
    assert [nested.id for nested in nested_steps(step(STEP))] == ["b"]


def test_fallbacks_and_compensations_use_tasks_as_well() -> None:
    assert [*task_refs([step(STEP)])] == ["five", "one", "undo", "four"]
    assert [*task_refs([step({"id": "a", "taskRef": "t", "fallback": {"value": 1}})])] == ["t"]


def test_workflows_are_named_as_they_are_written() -> None:
    assert [*workflow_refs([step(STEP)])] == ["two@v2", "three"]
