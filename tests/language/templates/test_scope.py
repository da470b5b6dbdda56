"""What templates read inside nested tasks, loops and sub-workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.language.templates import Scope, TemplateError, compile_value

if TYPE_CHECKING:
    from tenantry.language.values import Json


def read(scope: Scope, path: str) -> Json:
    return compile_value("{{" + path + "}}")(scope)


def test_nested_tasks_read_what_is_around_them_and_nobody_outside_reads_theirs() -> None:
    around = Scope(
        input=1, outputs={"a": "outer"}, statuses={"a": "completed"}, loops={"a": {"itemCount": 2}}
    )
    inside = around.nested()
    inside.outputs["b"] = "inner"
    inside.statuses["b"] = "skipped"

    assert read(inside, "tasks.a.output") == "outer"
    assert read(inside, "tasks.a.forEach.itemCount") == 2
    assert read(inside, "tasks.b.output") == "inner"
    assert read(inside.nested(), "tasks.b.status") == "skipped"
    with pytest.raises(TemplateError):
        read(around, "tasks.b.output")


def test_what_ends_outside_later_is_read_inside() -> None:
    around = Scope(input=1, outputs={})
    inside = around.nested()
    around.outputs["a"] = "later"

    assert read(inside, "tasks.a.output") == "later"


def test_an_item_is_read_by_its_name_and_the_loops_around_by_theirs_and_as_parents() -> None:
    outer = Scope(input=None).of_item("dept", {"id": 1}, 4)
    middle = outer.of_item("team", {"id": 2}, 5)
    inner = middle.of_item("person", {"id": 3}, 6)

    assert [read(inner, f"forEach.{path}") for path in ("person.id", "team.id", "dept.id")] == [3, 2, 1]
    assert [read(inner, f"forEach.{path}") for path in ("index", "$parent.index", "$root.index")] == [6, 5, 4]
    assert read(inner, "forEach.$parent.team.id") == 2
    assert read(inner, "forEach.$parent.$parent.dept.id") == 1
    assert read(middle, "forEach.$root.dept.id") == 1
    assert read(outer, "forEach.index") == 4


@pytest.mark.parametrize("path", ["$parent.dept", "$root.dept", "team"])
def test_the_outermost_loop_has_none_around_it(path: str) -> None:
    with pytest.raises(TemplateError):
        read(Scope(input=None).of_item("dept", 1, 0), f"forEach.{path}")


def test_an_item_that_is_called_like_one_around_hides_it_but_for_its_parent() -> None:
    scope = Scope(input=None).of_item("item", "outer", 0).of_item("item", "inner", 1)

    assert read(scope, "forEach.item") == "inner"
    assert read(scope, "forEach.$parent.item") == "outer"


def test_nested_tasks_and_items_read_the_whole_scope_around_them() -> None:
    around = Scope(
        input=1,
        outputs={"a": "o"},
        statuses={"a": "completed"},
        loops={"a": {"itemCount": 2}},
        workflow_name="w",
        execution_id="e",
        tenant_name="t",
        secrets={"KEY": "s"},
    ).of_item("x", "i", 0)
    paths = {
        "input": 1, "tasks.a.output": "o", "tasks.a.status": "completed", "tasks.a.forEach.itemCount": 2,
        "forEach.x": "i", "workflow.name": "w", "execution.id": "e", "tenant.name": "t", "secrets.KEY": "s",
    }  # fmt: skip

    for inside in (around.nested(), around.of_item("y", "j", 1)):
        assert {path: read(inside, path) for path in paths} == paths


def test_a_sub_workflow_reads_its_own_input_and_nothing_of_its_parent() -> None:
    parent = Scope(
        input=1,
        outputs={"a": 1},
        statuses={"a": "completed"},
        loops={"a": {"itemCount": 2}},
        items={"x": 1},
        workflow_name="parent",
        execution_id="e",
        tenant_name="t",
        secrets={"KEY": "s"},
    )
    child = parent.of_child({"n": 2}, "child")

    assert read(child, "input.n") == 2
    assert [read(child, path) for path in ("workflow.name", "execution.id", "tenant.name")] == [
        "child", "e", "t",
    ]  # fmt: skip
    assert read(child, "secrets.KEY") == "s"
    for path in ("tasks.a.output", "tasks.a.status", "tasks.a.forEach.itemCount", "forEach.x"):
        with pytest.raises(TemplateError):
            read(child, path)
