from __future__ import annotations

import pytest

from tests.support.secret_flows import (
    SIGNED,
    judged,
    step,
    told,
)


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (
            'taskRef: by-url, input: {a: {b: "{{secrets.KEY}}"}, list: []}',
            "input/a/b: the secret KEY in input.a.b must not reach the URL of by-url",
        ),
        (
            'taskRef: by-url, input: {list: [1, "{{secrets.KEY}}"]}',
            "input/list/1: the secret KEY in input.list[1] must not reach the URL of by-url",
        ),
        (
            'taskRef: by-url, input: {a: "{{secrets.KEY}}"}',
            "input/a: the secret KEY in input.a.b must not reach the URL of by-url",
        ),
        (
            'taskRef: by-url, input: "{{secrets.KEY}}"',
            "input: the secret KEY in input.a.b must not reach the URL of by-url",
        ),
        ('taskRef: by-url, input: {a: {c: "{{secrets.KEY}}"}, list: ["{{secrets.KEY}}"]}', ""),
        ('taskRef: tenants-url, input: "{{secrets.KEY}}"', ""),
        (
            'taskRef: cached, input: {id: 1, a: "{{secrets.KEY}}"}',
            "input: the secret KEY in input must not reach the cache key of cached",
        ),
        ('taskRef: keyed, input: {id: 1, a: "{{secrets.KEY}}"}', ""),
        (
            'taskRef: keyed, input: {id: "{{secrets.KEY}}"}',
            "input/id: the secret KEY in input.id must not reach the cache key of keyed",
        ),
        (
            'taskRef: keyed, cache: {ttl: 1s}, input: {a: "{{secrets.KEY}}"}',
            "input: the secret KEY in input must not reach the cache key of keyed",
        ),
        ('taskRef: cached, cache: {ttl: 1s, key: "{{input.id}}"}, input: {a: "{{secrets.KEY}}"}', ""),
        (
            'taskRef: send, cache: {ttl: 1s, key: "{{input.a}}"}, input: {a: "{{secrets.KEY}}"}',
            "input/a: the secret KEY in input.a must not reach the cache key of send",
        ),
        (
            'taskRef: same, cache: {ttl: 1s, key: "{{input.id}}"}, input: {a: "{{secrets.KEY}}"}',
            "input: the secret KEY in input must not reach the cached results of same",
        ),
        ('taskRef: fixed, cache: {ttl: 1s, key: "{{input.id}}"}, input: {a: "{{secrets.KEY}}"}', ""),
        # a step's cache is none of its fallback's and its compensation's
        (
            (
                "taskRef: fixed, cache: {ttl: 1s}, fallback: {taskRef: send, input: '{{secrets.KEY}}'}, "
                "compensate: {taskRef: send, input: '{{secrets.KEY}}'}"
            ),
            "",
        ),
        (
            "taskRef: fixed, fallback: {taskRef: by-url}, input: {a: '{{secrets.KEY}}'}",
            "input/a: the secret KEY in input.a.b must not reach the URL of by-url",
        ),
        (
            "taskRef: fixed, compensate: {taskRef: by-url, input: '{{secrets.KEY}}'}",
            "compensate/input: the secret KEY in input.a.b must not reach the URL of by-url",
        ),
        (
            (
                "switch: {value: 1, cases: [{match: 1, taskRef: by-url}], default: {taskRef: fixed}}, "
                "input: {a: '{{secrets.KEY}}'}"
            ),
            "input/a: the secret KEY in input.a.b must not reach the URL of by-url",
        ),
        (
            (
                "switch: {value: 1, cases: [{match: 1, taskRef: fixed}], default: {taskRef: by-url}}, "
                "input: {a: '{{secrets.KEY}}'}"
            ),
            "input/a: the secret KEY in input.a.b must not reach the URL of by-url",
        ),
        (
            "taskRef: fixed, condition: {if: 'true', else: {taskRef: by-url}}, input: {a: '{{secrets.KEY}}'}",
            "input/a: the secret KEY in input.a.b must not reach the URL of by-url",
        ),
        (
            'workflowRef: child, input: {a: "{{secrets.KEY}}"}',
            "input/a: the secret KEY must not reach the workflow child",
        ),
        (
            "switch: {value: 1, cases: [{match: 1, workflowRef: child}]}, input: {a: '{{secrets.KEY}}'}",
            "input/a: the secret KEY must not reach the workflow child",
        ),
        (
            (
                "switch: {value: 1, cases: [{match: 1, workflowRef: child, input: {}}]}, "
                "input: {a: '{{secrets.KEY}}'}"
            ),
            "",
        ),
        ("tasks: [{id: x, workflowRef: child}], input: {a: '{{secrets.KEY}}'}", ""),
        ("taskRef: unknown, input: {a: '{{secrets.KEY}}'}", ""),
    ],
)
def test_what_a_task_does_with_a_secret_in_its_input_is_known(does: str, expected: str) -> None:
    assert told("tasks:\n" + step(does)) == ([f"WF506 tasks/0/{expected}"] if expected else [])


def test_a_workflow_takes_nothing_that_holds_a_secret() -> None:
    spec = SIGNED + step('workflowRef: child, input: {a: "{{tasks.signed.output}}"}')

    (finding,) = judged(spec)
    assert finding.message == "the secret KEY in tasks.signed.output must not reach the workflow child"
    assert finding.suggestion == "declare it in that workflow, at the step that sends it"


def test_a_refused_input_says_what_to_do_instead() -> None:
    assert [
        judged("tasks:\n" + step(does))[0].suggestion
        for does in (
            'taskRef: by-url, input: {a: "{{secrets.KEY}}"}',
            'taskRef: cached, input: {a: "{{secrets.KEY}}"}',
            'taskRef: same, cache: {ttl: 1s, key: "{{input.id}}"}, input: {a: "{{secrets.KEY}}"}',
        )
    ] == [
        "let by-url send it in a header, in the query or in the body",
        "give the cache a key without it, or keep no results",
        "keep no results",
    ]


def test_of_an_input_of_too_many_parts_any_may_hold_any_secret() -> None:
    fields = ", ".join(f'f{number}: "{{{{secrets.KEY}}}}"' for number in range(200))

    assert told("tasks:\n" + step(f"taskRef: by-url, input: {{{fields}}}")) == [
        "WF506 tasks/0/input: the secret KEY in input.a.b must not reach the URL of by-url"
    ]
    fewer = fields.replace(', f199: "{{secrets.KEY}}"', "")
    assert told("tasks:\n" + step(f"taskRef: by-url, input: {{{fewer}}}")) == []
    found = told("tasks:\n" + step(f"taskRef: by-url, input: {{list: [1], {fields}}}"))
    assert found[1].startswith("WF506 tasks/0/input/list: the secret KEY in input.list[1]")
