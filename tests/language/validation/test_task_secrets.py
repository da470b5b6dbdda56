from __future__ import annotations

import pytest

from tests.support.secret_flows import (
    KEY,
    OTHER,
    judged_task,
    told_task,
)

REQUEST = 'type: http\nsecrets: [%s]\nrequest: {url: "https://x.example.com/", %s}'


@pytest.mark.parametrize(
    "request_part",
    [
        'headers: {A: "Bearer {{secrets.KEY}}"}',
        'query: {k: "{{secrets.KEY}}"}',
        'query: {k: [1, "{{secrets.KEY}}"]}',
        'body: {deep: [{inside: "{{secrets.KEY}}"}]}',
    ],
)
def test_a_task_may_send_a_secret_it_declares(request_part: str) -> None:
    assert told_task(REQUEST % (KEY, request_part)) == []


def test_a_task_must_declare_the_secret_it_sends() -> None:
    (finding,) = judged_task(REQUEST % ("", 'body: {a: ["x", "y {{secrets.KEY}}"]}'))

    assert (finding.code, finding.severity) == ("WF502", "error")
    assert finding.pointer == "/spec/request/body/a/1"
    assert finding.message == "t does not declare the secret KEY"
    assert finding.suggestion == "declare it in the secrets of t"
    assert finding.position is not None
    assert finding.position.column == 65


def test_the_nearest_declared_secret_is_suggested() -> None:
    findings = judged_task(REQUEST % (KEY, 'query: {a: "{{secrets.KEYS}}", b: "{{secrets.KEY}}"}'))

    assert [finding.suggestion for finding in findings] == ['did you mean "KEY"?']
    assert findings[0].edit is not None
    assert findings[0].edit.replacement == "KEY"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            f'type: http\nsecrets: [{KEY}]\nrequest: {{url: "https://x.example.com/{{{{secrets.KEY}}}}"}}',
            ["WF506 request/url: the secret KEY must not reach a URL"],
        ),
        (
            'type: http\nrequest: {url: "https://x.example.com/?a={{secrets.KEY}}"}',
            ["WF506 request/url: the secret KEY must not reach a URL"],
        ),
        (
            f'{REQUEST % (KEY, "")}\ncache: {{ttl: 1s, key: "{{{{input.id}}}}{{{{secrets.KEY}}}}"}}',
            ["WF506 cache/key: the secret KEY must not reach the key of a cache"],
        ),
        (f'{REQUEST % ("", "")}\ncache: {{ttl: 1s, key: "{{{{input.id}}}}"}}', []),
        (f"{REQUEST % ('', '')}\ncache: {{ttl: 1s}}", []),
        (
            'type: transform\nvalue: {a: ["{{secrets.KEY}}"]}',
            ["WF506 value/a/0: the secret KEY must not reach the value of a transform"],
        ),
        ("type: transform\nexpression: secrets.KEY", []),
        (REQUEST % ("", 'headers: {A: "{{input.a}}"}'), []),
    ],
)
def test_a_task_keeps_its_secrets_out_of_everything_else(spec: str, expected: list[str]) -> None:
    assert told_task(spec) == expected


def test_a_leak_says_what_to_do_instead() -> None:
    assert [
        judged_task(spec)[0].suggestion
        for spec in (
            'type: http\nrequest: {url: "https://x.example.com/{{secrets.KEY}}"}',
            f'{REQUEST % ("", "")}\ncache: {{ttl: 1s, key: "{{{{secrets.KEY}}}}"}}',
            'type: transform\nvalue: "{{secrets.KEY}}"',
        )
    ] == [
        "send it in a header, in the query or in the body",
        "give the cache a key without it, or keep no results",
        "let the step that uses the task give it in its input",
    ]


def test_a_secret_declared_twice_or_for_nothing_is_told() -> None:
    second = KEY.replace("path: a", "path: c")
    findings = judged_task(REQUEST % (f"{KEY}, {OTHER}, {second}", 'headers: {A: "{{secrets.KEY}}"}'))

    assert [(one.code, one.severity, one.pointer, one.message, one.suggestion) for one in findings] == [
        (
            "WF504",
            "warning",
            "/spec/secrets/1",
            "t declares the secret OTHER and does not use it",
            "leave it out",
        ),
        (
            "WF503",
            "error",
            "/spec/secrets/2/name",
            "another secret of t is called KEY",
            "leave it out, or give it a name of its own",
        ),
    ]
