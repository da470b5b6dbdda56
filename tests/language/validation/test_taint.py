from __future__ import annotations

import pytest

from tenantry.language.documents.model import Step, Workflow
from tenantry.language.documents.parsing import load_document
from tenantry.language.documents.report import Report
from tenantry.language.validation.taint import check_secrets
from tests.support.secret_flows import GIVEN, KEY, SIGNED, judged, library, step, told


def test_a_step_may_give_its_task_a_secret_it_declares() -> None:
    assert told("tasks:\n" + step("taskRef: send", GIVEN)) == []


def test_only_a_workflow_with_secrets_is_looked_into() -> None:
    def looked_at(given: str) -> list[str]:
        steps: list[str] = []

        def waits(step: Step) -> tuple[str, ...]:
            steps.append(step.id)
            return ()

        raw = {"tasks": [{"id": "a", "taskRef": "send", "input": {"a": given}}]}
        document = load_document(
            {"apiVersion": "workflow.io/v1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": raw}
        )
        workflow = Workflow.model_validate(document.raw)
        check_secrets(workflow, library(), Report(document), waits)
        return steps

    assert looked_at("{{input.a}}") == []
    assert looked_at("{{secrets.KEY}}") == ["a"]


@pytest.mark.parametrize(
    ("steps", "pointer"),
    [
        ("{id: s, taskRef: send, input: {a: ['{{secrets.KEY}}']}}", "0/input/a/0"),
        ("{id: s, taskRef: send, fallback: {taskRef: send, input: '{{secrets.KEY}}'}}", "0/fallback/input"),
        (
            "{id: s, taskRef: send, compensate: {taskRef: send, input: '{{secrets.KEY}}'}}",
            "0/compensate/input",
        ),
        (
            "{id: s, taskRef: x, condition: {if: 'true', else: {taskRef: x, input: '{{secrets.KEY}}'}}}",
            "0/condition/else/input",
        ),
        (
            "{id: s, switch: {value: 1, cases: [{match: 1, taskRef: send, input: '{{secrets.KEY}}'}]}}",
            "0/switch/cases/0/input",
        ),
        (
            (
                "{id: s, switch: {value: 1, cases: [{match: 1, taskRef: send}], "
                "default: {taskRef: send, input: '{{secrets.KEY}}'}}}"
            ),
            "0/switch/default/input",
        ),
        ("{id: a, tasks: [{id: s, taskRef: send, input: '{{secrets.KEY}}'}]}", "0/tasks/0/input"),
        (
            (
                "{id: a, taskRef: send, condition: {if: 'true', else: "
                "{tasks: [{id: s, taskRef: send, input: '{{secrets.KEY}}'}]}}}"
            ),
            "0/condition/else/tasks/0/input",
        ),
    ],
)
def test_a_step_must_declare_a_secret_wherever_it_gives_it_on(steps: str, pointer: str) -> None:
    (finding,) = judged(f"tasks: [{steps}]")

    assert (finding.code, finding.pointer) == ("WF502", f"/spec/tasks/{pointer}")
    assert finding.message == "s does not declare the secret KEY"
    declared = steps.replace("{id: s,", f"{{id: s, secrets: [{KEY}],")
    assert told(f"tasks: [{declared}]") == []


def test_nested_steps_declare_for_themselves() -> None:
    inner = "tasks: [{id: inner, taskRef: send, input: {a: '{{secrets.KEY}}'}}]"

    assert told("tasks:\n" + step(inner)) == [
        "WF502 tasks/0/tasks/0/input/a: inner does not declare the secret KEY",
        "WF504 tasks/0/secrets/0: s declares the secret KEY and does not use it",
    ]


DIRECT = "the secret KEY must not reach "


@pytest.mark.parametrize(
    ("spec", "place", "what"),
    [
        ('output: {a: ["{{secrets.KEY}}"]}', "output/a/0", "the output of the workflow"),
        ('response: {status: "{{secrets.KEY}}"}', "response/status", "the answer of the workflow"),
        (
            'response: {headers: {A-B: "{{secrets.KEY}}"}}',
            "response/headers/A-B",
            "the answer of the workflow",
        ),
        ('response: {contentType: "{{secrets.KEY}}"}', "response/contentType", "the answer of the workflow"),
        ('response: {body: ["{{secrets.KEY}}"]}', "response/body/0", "the answer of the workflow"),
    ],
)
def test_a_secret_never_comes_out_of_a_workflow(spec: str, place: str, what: str) -> None:
    assert told(f"tasks: [{{id: s, taskRef: fixed}}]\n{spec}") == [f"WF506 {place}: {DIRECT}{what}"]
    direct = spec.replace("secrets.KEY", "tasks.signed.output.auth")
    assert told(SIGNED + direct) == [
        f"WF506 {place}: the secret KEY in tasks.signed.output.auth must not reach {what}"
    ]
    assert told(SIGNED + spec.replace("secrets.KEY", "tasks.signed.output.id")) == []


@pytest.mark.parametrize(
    ("more", "place", "what"),
    [
        ("condition: {if: \"{{secrets.KEY}} == 'x'\"}", "condition/if", "a condition"),
        ('forEach: {items: "{{secrets.KEY}}"}', "forEach/items", "the items of a loop"),
        ('forEach: {items: [1, "{{secrets.KEY}}"]}', "forEach/items/1", "the items of a loop"),
        ('cache: {ttl: 1s, key: "{{secrets.KEY}}"}', "cache/key", "the key of a cache"),
        (
            'condition: {if: "true", else: {taskRef: fixed, forEach: {items: "{{secrets.KEY}}"}}}',
            "condition/else/forEach/items",
            "the items of a loop",
        ),
    ],
)
def test_a_secret_decides_nothing(more: str, place: str, what: str) -> None:
    spec = "tasks:\n" + step("taskRef: fixed", f", {more}")
    assert told(spec) == [f"WF506 tasks/0/{place}: {DIRECT}{what}"]
    tainted = SIGNED + step("taskRef: fixed", f", {more}").replace("secrets.KEY", "tasks.signed.output.auth")
    assert told(tainted) == [
        f"WF506 tasks/1/{place}: the secret KEY in tasks.signed.output.auth must not reach {what}"
    ]


def test_a_secret_chooses_no_case() -> None:
    switch = 'switch: {value: "{{secrets.KEY}}", cases: [{match: a, taskRef: fixed}]}'

    assert told("tasks:\n" + step(switch)) == [f"WF506 tasks/0/switch/value: {DIRECT}the value of a switch"]


@pytest.mark.parametrize(
    ("does", "place"),
    [
        ('tasks: [{id: a, taskRef: fixed}], output: "{{secrets.KEY}}"', "output"),
        ('taskRef: fixed, fallback: {value: "{{secrets.KEY}}"}', "fallback/value"),
    ],
)
def test_a_secret_is_not_itself_an_output_of_a_step(does: str, place: str) -> None:
    assert told("tasks:\n" + step(does)) == [f"WF506 tasks/0/{place}: {DIRECT}an output"]


def test_a_leak_of_a_workflow_says_where_secrets_may_be_read() -> None:
    (finding,) = judged('tasks: [{id: s, taskRef: fixed}]\noutput: "{{secrets.KEY}}"')

    assert finding.severity == "error"
    assert finding.suggestion == "read it only in the input of a step, or in the request of a task"
    assert finding.position is not None
    assert (finding.position.line, finding.position.column) == (6, 14)


def test_steps_that_wait_for_each_other_are_looked_at_in_the_order_of_the_document() -> None:
    spec = (
        "tasks:\n"
        + step("taskRef: same, dependsOn: [b]", GIVEN, name="a")
        + '  - {id: b, taskRef: same, input: "{{tasks.a.output}}"}\n'
    )

    assert told(spec) == [
        "WF502 tasks/1/input: tasks.a.output holds the secret KEY, which b does not declare"
    ]


def test_templates_with_mistakes_are_read_as_far_as_they_can_be() -> None:
    spec = "tasks:\n" + step("taskRef: send", ', input: {a: "{{secrets.KEY}} {{oops"}')

    assert told(spec) == []
    assert told(spec.replace("secrets: [" + KEY, "secrets: [")) == [
        "WF502 tasks/0/input/a: s does not declare the secret KEY"
    ]


def test_a_condition_with_a_mistake_is_told_elsewhere() -> None:
    assert told("tasks:\n" + step("taskRef: send", GIVEN + ", condition: {if: '{{secrets.KEY}} ='}")) == []
