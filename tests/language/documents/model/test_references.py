"""The words of control flow: items, secrets, workflows, statuses, matches."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tenantry.language.documents.words import (
    ItemName,
    ResponseStatus,
    Scalar,
    SecretName,
    WorkflowName,
    WorkflowReference,
    parse_workflow_reference,
)


@pytest.mark.parametrize(
    ("text", "name", "key"),
    [
        ("invoice", WorkflowName(None, "invoice", None), "shop/invoice"),
        ("invoice@v2", WorkflowName(None, "invoice", "v2"), "shop/invoice"),
        ("invoice@stable", WorkflowName(None, "invoice", "stable"), "shop/invoice"),
        (
            "billing/invoice@sha256:0123456789ab",
            WorkflowName("billing", "invoice", "sha256:0123456789ab"),
            "billing/invoice",
        ),
    ],
)
def test_a_reference_to_a_workflow_has_a_name_and_perhaps_a_namespace_and_a_version(
    text: str, name: WorkflowName, key: str
) -> None:
    assert TypeAdapter(WorkflowReference).validate_python(text) == text
    assert parse_workflow_reference(text) == name
    assert name.key("shop") == key


def test_a_workflow_without_namespaces_is_called_by_its_name() -> None:
    assert parse_workflow_reference("invoice").key(None) == "invoice"
    assert parse_workflow_reference("billing/invoice").key(None) == "billing/invoice"


def test_what_is_no_reference_is_not_taken_apart() -> None:
    with pytest.raises(ValueError, match="not a reference to a workflow: 'a b'"):
        parse_workflow_reference("a b")


@pytest.mark.parametrize(
    ("word", "right", "wrong", "sentence"),
    [
        (WorkflowReference, ["a@v1", "a/b@x1"], ["A", "a@", "a/b/c", "a@sha256:12"], "a workflow is"),
        (ItemName, ["item", "_a-1"], ["index", "", "1a", "a.b", "$parent"], "an item's name is"),
        (SecretName, ["API_KEY", "_1"], ["a-b", "", "1"], "a secret's name is"),
        (ResponseStatus, [200, 599, "{{input.status}}"], [199, 600, "200", True, 1.5], "a response's status"),
        (Scalar, ["a", 1, 1.5, True, None], [[], {}], "a case matches"),
    ],
)
def test_a_word_is_taken_or_refused_with_a_sentence(
    word: Any, right: list[Any], wrong: list[Any], sentence: str
) -> None:
    adapter = TypeAdapter[Any](word)
    for value in right:
        assert adapter.validate_python(value) == value
    for value in wrong:
        with pytest.raises(ValidationError, match=sentence):
            adapter.validate_python(value)
