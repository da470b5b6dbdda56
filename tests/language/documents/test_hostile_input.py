"""Whatever an author, or an attacker, writes: findings, never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.codes import Code
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.documents.spans import pointer_tokens

SEED = """\
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: lines, labels: &labels {team: shop}, annotations: *labels}
spec:
  input: {type: object, required: [id], properties: {id: {type: integer}}}
  deadline: 5s
  tasks:
    - id: user
      taskRef: fetch-user
      input: {userId: "{{input.id}}", text: 'it''s'}
    - id: "or\\u0064ers"
      taskRef: list-orders
      dependsOn: [user]
      condition: {if: "{{tasks.user.output.id}} > 3"}
      input: |
        many
        {{tasks.user.output.id}} lines
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: list-orders}
spec: {type: http, request: {method: GET, url: "https://example.com/"}, successStatus: [2xx, 404]}
"""

PIECES = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "[",
            "]",
            "{",
            "}",
            ": ",
            "- ",
            "? ",
            "&a ",
            "*a",
            "!!",
            "! ",
            "|\n",
            ">-\n",
            "---\n",
            "...\n",
        ),
        *(
            "%YAML 1.1\n",
            "%TAG ! x\n",
            "'",
            '"',
            "\\",
            "\t",
            "\n",
            "\r",
            "#",
            ",",
            "~",
            "null",
            ".nan",
            "1e999",
        ),
        *("9" * 25, "\0", "\ufeff", "\ud800", "\u2028", "\x85", "\U0001f600", "<<: ", "@", "`", "\\x4"),
        *("\\U99999999", "!<tag>", "0x"),
    ]
)


def judge(text: str) -> None:
    """Parses and reads; every finding and every value has a place inside the text."""
    parsed = parse_documents(text)
    lines = text.count("\n") + 1
    findings = list(parsed.findings)
    for document in parsed.documents:
        model = WorkflowTask if document.kind == "WorkflowTask" else Workflow
        value, found = read(document, model)
        assert (value is None) == bool(found)
        findings += found
        assert all(isinstance(token, str) for finding in found for token in pointer_tokens(finding.pointer))
    assert parsed.documents or findings
    for finding in findings:
        assert finding.code in set(Code)
        if finding.code != Code.TOO_MANY_FINDINGS:
            assert finding.position is not None
            assert 1 <= finding.position.line <= lines
            assert finding.position.column >= 1


@given(st.lists(st.tuples(st.integers(0, len(SEED)), st.integers(0, 40), PIECES), min_size=1, max_size=4))
def test_a_mutated_document_gives_only_findings(edits: list[tuple[int, int, str]]) -> None:
    text = SEED
    for index, length, piece in edits:
        text = text[:index] + piece + text[index + length :]

    judge(text)


@given(st.lists(PIECES | st.text(max_size=5), max_size=30))
def test_fragments_of_yaml_give_only_findings(pieces: list[str]) -> None:
    judge("".join(pieces))


@given(st.text())
def test_any_text_gives_only_findings(text: str) -> None:
    judge(text)


@pytest.mark.parametrize(
    "text",
    [
        "%YAML 1.x\n---\na: 1",
        "%YAML 99.1\n---\na: 1",
        "%TAG !\n---\na",
        "--- !<!>\na: 1",
        'a: "\\UFFFFFFFF"',
        "a: !!int x",
        "&a *a",
        "*a : 1",
        "? ",
        "{? a: b}",
        "a: |99\n x",
        "a: >0\n x",
        "\ufffe",
        "\ud800",
        '{"kind": "\ud800"}',
        '{"kind": "Workflow", "a": "\\ud800"}',
        "{" * 2000,
        "'" * 2001,
        "? - " * 500,
        "!" * 3000,
        "&" + "a" * 3000,
        "kind: Workflow\n" + "? ? " * 200,
    ],
)
def test_a_text_known_to_trouble_parsers_gives_only_findings(text: str) -> None:
    judge(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(
        ["/spec", "/metadata", "/spec/tasks", "/spec/tasks/0", "/spec/tasks/0/retry", "/spec/input"]
    ),
)
def test_any_value_in_any_place_gives_only_findings(value: object, pointer: str) -> None:
    (document, _) = parse_documents(SEED).documents
    raw: object = document.raw
    *owners, last = pointer_tokens(pointer)
    for token in owners:
        raw = raw[int(token)] if isinstance(raw, list) else raw[token]  # type: ignore[index]  # SEED has these
    if isinstance(raw, list):
        raw[int(last)] = value
    else:
        raw[last] = value  # type: ignore[index]  # SEED has these

    model, findings = read(document, Workflow)

    assert (model is None) == bool(findings)
