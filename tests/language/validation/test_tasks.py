from __future__ import annotations

from pathlib import Path

import pytest

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.validation import validate_task
from tests.support.language import cases, edited, judge

HERE = Path(__file__).parent

HTTP = """\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: t}
spec:
  type: http
  inputSchema: {type: object, required: [id], properties: {id: {type: integer}, note: {type: string}}}
  request:
    method: POST
    url: "https://api.example.com/users/{{input.id}}"
    headers: {X-Note: "{{input.note ?? ''}}"}
    query: {tenant: "{{tenant.name}}", run: "{{execution.id}}", expand: "{{input.expand ?? 'none'}}"}
    body: {workflow: "{{workflow.name}}", items: ["{{input.id}}"]}
"""

TRANSFORM = """\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: t}
spec:
  type: transform
"""


def told(text: str) -> list[str]:
    return [str(finding).removeprefix("<input>:") for finding in judge(text)]


def codes(text: str) -> list[str]:
    return [str(finding.code) for finding in judge(text)]


def test_a_right_task_comes_back_without_findings() -> None:
    (document,) = parse_documents(HTTP).documents

    model, findings = validate_task(document)

    assert findings == ()
    assert model is not None
    assert model.name == "t"


def test_a_task_with_errors_does_not_come_back_and_one_with_warnings_does() -> None:
    broken = HTTP.replace('input.id}}"\n', 'input.ID}}"\n')
    warned = HTTP.replace("input.note ?? ''", "input.notes ?? ''")

    model, findings = validate_task(parse_documents(broken).documents[0])
    assert model is None
    assert [finding.code for finding in findings] == ["WF204"]
    model, findings = validate_task(parse_documents(warned).documents[0])
    assert model is not None
    assert [(finding.code, finding.severity) for finding in findings] == [("WF204", "warning")]


@pytest.mark.parametrize(("old", "new", "expected"), cases(HERE / "wrong_requests.txt"))
def test_a_mistake_in_a_request_is_named_with_its_place(old: str, new: str, expected: str) -> None:
    assert "\n".join(told(edited(HTTP, old, new))) == expected


@pytest.mark.parametrize("key", ["{{input.id}}", "{{execution.id}}", "{{tenant.name}}-{{input.note ?? ''}}"])
def test_an_idempotency_key_that_tells_executions_apart_is_right(key: str) -> None:
    assert told(HTTP.replace("headers: {", f'headers: {{Idempotency-Key: "{key}", ')) == []


@pytest.mark.parametrize("header", ["Idempotency-Key", "IDEMPOTENCY-key"])
@pytest.mark.parametrize("key", ["", "charge", "{{'charge'}}", "{{workflow.name}}@{{tenant.name}}"])
def test_a_key_that_all_executions_share_is_warned_of(header: str, key: str) -> None:
    (finding,) = judge(HTTP.replace("headers: {", f'headers: {{{header}: "{key}", '))
    assert (finding.code, finding.severity) == ("WF113", "warning")
    assert finding.pointer == f"/spec/request/headers/{header}"
    assert (
        finding.message
        == f"{header} is the same in every execution, so the upstream takes all of them for one"
    )


def test_a_key_with_a_mistake_is_told_as_that_mistake_only() -> None:
    assert codes(HTTP.replace("headers: {", 'headers: {Idempotency-Key: "{{input.id", ')) == ["WF201"]


@pytest.mark.parametrize(("_", "new", "expected"), cases(HERE / "wrong_transforms.txt"))
def test_a_mistake_in_a_transform_is_named_with_its_place(_: str, new: str, expected: str) -> None:
    assert "\n".join(told(edited(TRANSFORM, "", new))) == expected


@pytest.mark.parametrize(
    "schema", ["{type: int}", "{$ref: 'https://example.com/schema'}", "{type: string, pattern: '(a)\\1'}"]
)
def test_a_broken_schema_is_told_once_and_not_blamed_on_the_templates(schema: str) -> None:
    assert codes(HTTP.replace("{type: integer}", schema)) == ["WF105"]
    assert codes(HTTP + f"  outputSchema: {schema}\n") == ["WF105"]


def test_everything_wrong_with_a_task_is_found_at_once() -> None:
    broken = (
        HTTP.replace('input.id}}"\n', 'input.ID}}"\n')
        .replace("tenant.name", "tenant.id")
        .replace("method: POST", "method: POST\n    retries: 3")
    )

    assert codes(broken) == ["WF101", "WF204", "WF201"]


@pytest.mark.parametrize(
    "choice",
    [
        "expression: \"orders[?status == 'open'] | length(@)\"",
        'value: {total: "{{input.a}}", list: [1, "{{input.b}} x"]}',
        "value: null",
    ],
)
def test_a_transform_is_an_expression_or_a_value(choice: str) -> None:
    assert told(edited(TRANSFORM, "", choice)) == []


def test_a_transform_is_not_both_and_not_nothing() -> None:
    what = "error WF107: a transform task has either an expression or a value"

    assert told(TRANSFORM) == [f"5:3: {what} (give one of them)"]
    assert told(TRANSFORM + "  value: 1\n  expression: a\n") == [f"5:3: {what} (leave out one of them)"]


def test_an_expression_nested_without_end_is_refused() -> None:
    (finding,) = judge(edited(TRANSFORM, "", "expression: " + "(" * 5000))

    assert finding.message == "the expression is not JMESPath: it is nested too deep"


def test_a_task_that_lacks_a_required_field_is_judged_as_far_as_it_goes() -> None:
    text = TRANSFORM.replace("transform", "http") + "  inputSchema: {type: text}\n"

    missing, schema = judge(text)
    assert str(missing) == '<input>:5:3: error WF102: spec needs "request"'
    assert schema.code == "WF105"
