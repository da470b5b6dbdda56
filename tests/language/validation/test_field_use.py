"""Which fields a workflow uses of what it calls, and which changes concern it."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.validation.changes import Change, ChangeKind
from tenantry.language.validation.field_use import calls_task, calls_workflow, concerns, fields_used
from tests.support.definitions import make_workflow


def used(*steps: Any, output: Any = None, task: str = "get") -> set[str]:
    spec = {"tasks": list(steps), "output": output}
    uses = fields_used(make_workflow("w", spec), spec, calls_task(task))
    return {".".join((side.value, *field)) for side, field in uses}


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        ({"id": "a", "taskRef": "get"}, {"input"}),
        (
            {"id": "a", "taskRef": "get", "input": {"n": 1, "to": {"m": "x"}}},
            {"input.n", "input.to.m"},
        ),
        ({"id": "a", "taskRef": "get", "input": {"list": [{"n": 1}, 2]}}, {"input.list.*.n", "input.list.*"}),
        ({"id": "a", "taskRef": "get", "input": "{{input}}"}, {"input"}),
        ({"id": "a", "taskRef": "other", "input": {"id": 1}}, set()),
        ({"id": "a", "taskRef": "other", "fallback": {"taskRef": "get", "input": {"f": 1}}}, {"input.f"}),
        ({"id": "a", "taskRef": "other", "fallback": {"value": 1}}, set()),
        ({"id": "a", "taskRef": "other", "compensate": {"taskRef": "get", "input": {"c": 1}}}, {"input.c"}),
        ({"id": "a", "tasks": [{"id": "b", "taskRef": "get", "input": {"n": 1}}]}, {"input.n"}),
        (
            {"id": "a", "switch": {"value": 1, "cases": [{"match": 1, "taskRef": "get", "input": {"s": 1}}]}},
            {"input.s"},
        ),
    ],
)
def test_what_is_given(step: Any, fields: set[str]) -> None:
    assert used(step) == fields


@pytest.mark.parametrize(
    ("step", "read", "fields"),
    [
        ({"taskRef": "get"}, "{{tasks.a.output.user.email}}", {"output.user.email"}),
        ({"taskRef": "get"}, "{{tasks.a.output[0].email}}", {"output.*.email"}),
        ({"taskRef": "get"}, "{{tasks.a.output}}", {"output"}),
        ({"taskRef": "other"}, "{{tasks.a.output.email}}", set()),
        ({"taskRef": "get", "forEach": {"items": []}}, "{{tasks.a.output[0].email}}", {"output"}),
        ({"tasks": [{"id": "b", "taskRef": "get"}]}, "{{tasks.a.output.b.email}}", {"output"}),
        ({"taskRef": "other", "fallback": {"taskRef": "get"}}, "{{tasks.a.output.email}}", {"output"}),
    ],
)
def test_what_is_read(step: Any, read: str, fields: set[str]) -> None:
    found = used({"id": "a", **step}, output={"x": read, "y": "{{input.email}}"})
    assert {field for field in found if field.startswith("output")} == fields


@pytest.mark.parametrize(
    ("reference", "key", "is_call"),
    [
        ("child", "billing/child", True),
        ("billing/child", "billing/child", True),
        ("child@v1", "billing/child@v1", True),
        ("child@v1", "billing/child", False),
        ("sales/child", "billing/child", False),
    ],
)
def test_a_workflow_is_called_by_its_name_in_the_tenant(reference: str, key: str, *, is_call: bool) -> None:
    step = {"id": "a", "workflowRef": reference, "compensate": {"taskRef": "t"}, "fallback": {"value": 1}}
    spec: dict[str, Any] = {"tasks": [step, {"id": "b", "taskRef": "t"}]}
    uses = fields_used(make_workflow("w", spec), spec, calls_workflow(key, "billing"))
    assert bool(uses) is is_call


@pytest.mark.parametrize(
    ("kind", "field", "is_concerned"),
    [
        (ChangeKind.NARROWED, ("user", "id"), True),
        (ChangeKind.NARROWED, ("user",), True),
        (ChangeKind.NARROWED, ("user", "id", "digits"), True),
        (ChangeKind.NARROWED, ("user", "name"), False),
        (ChangeKind.NARROWED, ("region",), False),
        (ChangeKind.REQUIRED, ("region",), True),
        (ChangeKind.REQUIRED, ("user", "name"), True),
        (ChangeKind.REQUIRED, ("order", "name"), False),
        (ChangeKind.WIDENED, ("email",), True),
        (ChangeKind.REMOVED, ("name",), False),
    ],
)
def test_a_change_concerns_who_uses_the_field(
    kind: ChangeKind, field: tuple[str, ...], *, is_concerned: bool
) -> None:
    step = {"id": "a", "taskRef": "get", "input": {"user": {"id": 1}}}
    spec: dict[str, Any] = {"tasks": [step], "output": "{{tasks.a.output.email}}"}
    uses = fields_used(make_workflow("w", spec), spec, calls_task("get"))
    change = Change(kind=kind, field=field, pointer="", message="", counterexample=None)
    assert concerns(change, uses) is is_concerned
