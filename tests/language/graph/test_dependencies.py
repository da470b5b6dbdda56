from __future__ import annotations

import pytest

from tenantry.language.documents.model import ForEach, Step
from tenantry.language.graph.dependencies import dependencies, reads_item, tasks_read
from tenantry.language.templates import parse_condition, parse_template


def test_a_step_waits_for_what_it_names_and_what_its_templates_read() -> None:
    step = Step.model_validate(
        {
            "id": "total",
            "taskRef": "sum",
            "dependsOn": ["audit", "user"],
            "input": {"lines": ["{{tasks.orders.output.lines}}", "{{input.x}} {{tasks.user.output.id}}"]},
            "condition": {"if": "{{tasks.gate.status}} == 'completed'"},
        }
    )

    assert dependencies(step) == ("audit", "user", "gate", "orders")


def test_a_step_waits_for_what_the_input_of_its_fallback_reads() -> None:
    fallback = {"taskRef": "t", "input": {"id": "{{tasks.user.output.id}}"}}

    assert dependencies(Step.model_validate({"id": "a", "taskRef": "b", "fallback": fallback})) == ("user",)


def test_a_step_that_reads_nothing_waits_for_nothing() -> None:
    assert dependencies(Step.model_validate({"id": "a", "taskRef": "b"})) == ()


def test_a_step_waits_for_what_is_read_anywhere_inside_it_but_not_for_what_stands_inside() -> None:
    step = Step.model_validate(
        {
            "id": "outer",
            "switch": {
                "value": "{{tasks.value.output}}",
                "cases": [{"match": 1, "taskRef": "t", "input": "{{tasks.case.output}}"}],
                "default": {
                    "tasks": [
                        {"id": "inner", "taskRef": "t", "input": "{{tasks.nested.output}}"},
                        {"id": "second", "taskRef": "t", "input": "{{tasks.inner.output}}"},
                    ],
                    "output": "{{tasks.second.output}} {{tasks.output.output}}",
                },
            },
            "forEach": {"items": "{{tasks.items.output}}"},
            "condition": {
                "if": "{{tasks.gate.status}} == 'completed'",
                "else": {"workflowRef": "w", "input": ["{{tasks.otherwise.output}}"]},
            },
            "fallback": {"value": "{{tasks.fallback.output}}"},
            "compensate": {"taskRef": "t", "input": "{{tasks.compensation.output}} {{tasks.outer.output}}"},
        }
    )

    assert set(dependencies(step)) == {
        "gate", "fallback", "items", "value", "case", "nested", "output", "otherwise",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "filters"),
    [
        ("{{forEach.item}} == 1", True),
        ("{{forEach.index}} < 3", True),
        ("{{input.go}} && !{{forEach.item.done}}", True),
        ("{{forEach.other}} == 1", False),
        ("{{forEach.$parent.item}} == 1", False),
        ("{{tasks.a.forEach.itemCount}} > 0", False),
    ],
)
def test_a_condition_filters_items_when_it_reads_them(condition: str, *, filters: bool) -> None:
    assert reads_item(parse_condition(condition), ForEach(items=[])) is filters


def test_only_references_to_tasks_name_tasks() -> None:
    references = parse_template("{{input.a}} {{tasks.a.output}} {{tasks.b.status}}").references

    assert list(tasks_read(references)) == ["a", "b"]
