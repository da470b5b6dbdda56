from __future__ import annotations

from tenantry.language.documents.model import Step
from tenantry.language.graph.dependencies import dependencies


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

    assert dependencies(step) == ("audit", "user", "orders", "gate")


def test_a_step_that_reads_nothing_waits_for_nothing() -> None:
    assert dependencies(Step.model_validate({"id": "a", "taskRef": "b"})) == ()
