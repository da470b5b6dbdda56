from __future__ import annotations

import pytest

from tests.support.secret_flows import (
    GIVEN,
    KEY,
    OTHER,
    SIGNED,
    judged,
    step,
    told,
)


@pytest.mark.parametrize(
    ("does", "given", "tainted", "clean"),
    [
        (
            "taskRef: sign",
            GIVEN,
            ["output", "output.auth", "output.l", "output.l[0]"],
            ["output.id", "output.l[1]"],
        ),
        ("taskRef: same", GIVEN, ["output", "output.a"], ["output.b", "status"]),
        ("taskRef: same", ', input: {a: {b: "x {{secrets.KEY}} y"}}', ["output.a.b"], ["output.a.c"]),
        ("taskRef: query", GIVEN, ["output", "output.anything"], ["status"]),
        ("taskRef: fixed", GIVEN, [], ["output"]),
        ("taskRef: send", GIVEN, [], ["output"]),
        ("taskRef: unknown", GIVEN, [], ["output"]),
        ("taskRef: own", "", [], ["output"]),
        # every branch counts, with an input of its own or the step's
        ("switch: {value: 1, cases: [{match: 1, taskRef: same}]}", GIVEN, ["output.a"], ["output.b"]),
        (
            "switch: {value: 1, cases: [{match: 1, taskRef: fixed}], default: {taskRef: same}}",
            GIVEN,
            ["output.a"],
            ["output.b"],
        ),
        (
            'switch: {value: 1, cases: [{match: 1, taskRef: same, input: {b: "{{secrets.KEY}}"}}]}',
            "",
            ["output.b"],
            ["output.a"],
        ),
        (
            "switch: {value: 1, cases: [{match: 1, taskRef: same, input: {}}]}",
            GIVEN,
            [],
            ["output.a", "output"],
        ),
        (
            "switch: {value: 1, cases: [{match: 1, taskRef: same, forEach: {items: [1]}}]}",
            GIVEN,
            ["output[0].a"],
            ["output.a"],
        ),
        ("taskRef: send, condition: {if: 'true', else: {taskRef: same}}", GIVEN, ["output.a"], ["output.b"]),
        ("taskRef: send, fallback: {taskRef: same}", GIVEN, ["output.a"], ["output.b"]),
        (
            'taskRef: send, fallback: {taskRef: same, input: {b: "{{secrets.KEY}}"}}',
            "",
            ["output.b"],
            ["output.a"],
        ),
        ("taskRef: send, fallback: {taskRef: same, input: {}}", GIVEN, [], ["output"]),
        # loops
        (
            "taskRef: same, forEach: {items: [1]}",
            GIVEN,
            [
                "output",
                "output[3].a",
                "forEach.outputs",
                "forEach.outputs[0].a",
                "forEach.itemResults",
                "forEach.itemResults[0].output.a",
            ],
            [
                "output[3].b",
                "forEach.outputs[0].b",
                "forEach.itemCount",
                "forEach.itemResults[0].status",
                "status",
            ],
        ),
        (
            "taskRef: send, forEach: {items: [1]}, condition: {if: 'true', else: {taskRef: same}}",
            GIVEN,
            ["output.a", "output[0].a"],
            ["output.b"],
        ),
    ],
)
def test_what_a_step_makes_of_a_secret_holds_it(
    does: str, given: str, tainted: list[str], clean: list[str]
) -> None:
    made = "tasks:\n" + step(does, given, name="made")

    def leaks(path: str) -> bool:
        found = told(f'{made}output: "{{{{tasks.made.{path}}}}}"')
        return any(one.startswith("WF506 output: the secret KEY in tasks.made") for one in found)

    assert [path for path in tainted if not leaks(path)] == []
    assert [path for path in clean if leaks(path)] == []


NESTED = f"""\
tasks:
  - id: outer
    tasks:
      - {{id: second, taskRef: same, secrets: [{KEY}], input: {{b: "{{{{tasks.first.output.a}}}}"}}}}
      - {{id: first, taskRef: same, secrets: [{KEY}], input: {{a: "{{{{secrets.KEY}}}}"}}}}
"""


@pytest.mark.parametrize(
    ("output", "path", "leaks"),
    [
        ("", "", True),
        ("", ".first.a", True),
        ("", ".second.b", True),
        ("", ".second.a", False),
        ("", ".third", False),
        ('    output: {x: "{{tasks.second.output.b}}", y: 1}', ".x", True),
        ('    output: {x: "{{tasks.second.output.b}}", y: 1}', ".y", False),
        ("    output: {y: 1}", "", False),
        ('    forEach: {items: [1]}\n    output: "{{tasks.second.output}}"', "[2].b", True),
        ('    forEach: {items: [1]}\n    output: "{{tasks.second.output}}"', "[2].a", False),
        ("    fallback: {value: 1}", ".first.a", True),
    ],
)
def test_secrets_are_followed_through_nested_steps_in_the_order_they_run(
    output: str, path: str, *, leaks: bool
) -> None:
    spec = f'{NESTED}{output}\noutput: "{{{{tasks.outer.output{path}}}}}"'

    assert bool(told(spec)) is leaks


def test_a_fallbacks_value_passes_on_what_it_holds() -> None:
    spec = SIGNED + '  - {id: s, taskRef: send, fallback: {value: ["{{tasks.signed.output.auth}}"]}}\n'

    assert told(spec) == []
    assert told(spec + 'output: "{{tasks.s.output[0]}}"') == [
        "WF506 output: the secret KEY in tasks.s.output[0] must not reach the output of the workflow"
    ]
    assert told(spec + 'output: "{{tasks.s.output[1]}}"') == []


def test_who_reads_what_holds_a_secret_declares_it() -> None:
    spec = SIGNED + '  - {id: s, taskRef: send, input: {a: "{{tasks.signed.output.auth}}"}}\n'

    (finding,) = judged(spec)
    assert (finding.code, finding.pointer) == ("WF502", "/spec/tasks/1/input/a")
    assert finding.message == "tasks.signed.output.auth holds the secret KEY, which s does not declare"
    assert finding.suggestion == "declare it in the secrets of s, or read something else"
    assert told(spec.replace("{id: s,", f"{{id: s, secrets: [{KEY}],")) == []
    another = KEY.replace("path: a", "path: elsewhere")
    assert told(spec.replace("{id: s,", f"{{id: s, secrets: [{another}],")) == [
        "WF502 tasks/1/input/a: tasks.signed.output.auth holds the secret KEY, which s does not declare"
    ]


def test_several_secrets_are_named_together() -> None:
    both = "tasks:\n" + step(
        "taskRef: query",
        ', input: ["{{secrets.OTHER}}", "{{secrets.KEY}}", "{{secrets.A}}"]',
        secrets=f"{KEY}, {OTHER}, {{name: A, source: vault, path: c, key: k}}",
    )

    (message,) = told(both + 'output: "{{tasks.s.output}}"')

    assert message.startswith("WF506 output: the secrets A, KEY and OTHER in tasks.s.output must not reach")


def test_a_compensation_reads_its_steps_output_as_a_whole_and_of_one_item() -> None:
    spec = (
        "tasks:\n  - {id: s, taskRef: same, forEach: {items: [1]}, "
        f"secrets: [{KEY}], {GIVEN[2:]}, compensate: {{taskRef: by-url, input: {{a: "
        '{b: "{{tasks.s.output.a}}"}}}}\n'
    )

    assert told(spec) == [
        "WF506 tasks/0/compensate/input/a/b: the secret KEY in input.a.b must not reach the URL of by-url"
    ]
