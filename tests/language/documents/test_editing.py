from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.documents.editing import END, EditError, remove_value, set_value
from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.documents.printing import print_document
from tenantry.language.documents.spans import find_span
from tenantry.language.values import Json, canonical_json, pointer_token

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document

TEXT = """\
# The first.
kind: Workflow
metadata: {name: w}
---
# The second.
kind: Workflow   # of workflows
metadata: {name: two, labels: {a: b}}  # metadata
spec:
  # how long
  deadline: 5s  # not longer
  note: |  # why
    one
      two

  empty:   # nothing
  nested:
    - - 1  # one
      - 2
  shared: &shared {x: 1}
  again: *shared
  tasks:   # steps
    # the first
    - id: user   # who
      dependsOn: [a, b]   # waits
    # the second
    - id: two
      input:
        x: 1
        # why
        y: 2
"""


def document(text: str = TEXT) -> Document:
    return parse_documents(text).documents[-1]


def changed(before: str, after: str, text: str = TEXT) -> str:
    assert before in text
    return text.replace(before, after)


@pytest.mark.parametrize(
    ("pointer", "value", "before", "after"),
    [
        ("/spec/deadline", "7s", "deadline: 5s  #", "deadline: 7s  #"),
        ("/spec/deadline", "5s", "", ""),
        ("/spec/deadline", {"a": [1, "b: c"]}, "deadline: 5s  #", 'deadline: {a: [1, "b: c"]}  #'),
        ("/spec/note", "a\n\nb", "|  # why\n    one\n      two\n", "|-  # why\n    a\n\n    b\n"),
        ("/spec/note", "short", "|  # why\n    one\n      two\n", "short  # why\n"),
        ("/spec/note", None, "|  # why\n    one\n      two\n", "null\n"),
        ("/spec/empty", 5, "empty:   #", "empty: 5   #"),
        ("/spec/nested/0/1", 3, "- 2", "- 3"),
        ("/spec/nested/0/-", {"a": 1}, "- 2\n", "- 2\n      - a: 1\n"),
        ("/spec/nested/0", "x", "- 1  # one\n      - 2\n", "x\n"),
        ("/spec/nested/0", {"a": [2]}, "- 1  # one\n      - 2\n", "a:\n        - 2\n"),
        ("/spec/tasks/0/dependsOn/-", "c", "[a, b]", "[a, b, c]"),
        ("/spec/tasks/0/dependsOn", ["b"], "[a, b]", "[b]"),
        ("/spec/tasks/0/timeout", "1s", "[a, b]   # waits\n", "[a, b]   # waits\n      timeout: 1s\n"),
        (
            "/spec/tasks/1/input",
            {"z": {"t": "m\nn\n"}, "x": True},
            "x: 1\n        # why\n        y: 2\n",
            "x: true\n        z:\n          t: |\n            m\n            n\n        # why\n",
        ),
        ("/spec/tasks/-", {"id": "new"}, "y: 2\n", "y: 2\n    - id: new\n"),
        ("/metadata/labels/c", "d e", "{a: b}", "{a: b, c: d e}"),
        ("/metadata/labels", {}, "{a: b}", "{}"),
        ("/spec/shared/x", 1, "", ""),
    ],
)
def test_only_what_differs_is_written(pointer: str, value: object, before: str, after: str) -> None:
    assert set_value(document(), pointer, value) == changed(before, after)


@pytest.mark.parametrize(
    ("pointer", "before", "after"),
    [
        ("/spec/deadline", "  deadline: 5s  # not longer\n", ""),
        ("/spec/note", "  note: |  # why\n    one\n      two\n", ""),
        ("/spec/nested/0/0", "- 1  # one\n      - 2", "- 2"),
        ("/spec/nested/0/1", "      - 2\n", ""),
        ("/spec/nested/0", "- - 1  # one\n      - 2\n", "[]\n"),
        ("/spec/tasks/0/id", "id: user   # who\n      depends", "depends"),
        ("/spec/tasks/1/id", "id: two\n      input", "input"),
        ("/spec/tasks/1/input/y", "        y: 2\n", ""),
        ("/spec/tasks/0/dependsOn/0", "[a, b]", "[b]"),
        ("/spec/tasks/0/dependsOn/1", "[a, b]", "[a]"),
        ("/metadata/labels/a", "{a: b}", "{}"),
        ("/metadata/name", "{name: two, labels", "{labels"),
    ],
)
def test_only_what_is_removed_goes(pointer: str, before: str, after: str) -> None:
    assert remove_value(document(), pointer) == changed(before, after)


def test_the_last_line_needs_no_end() -> None:
    assert remove_value(document("kind: Workflow\na: 1"), "/a") == "kind: Workflow"
    assert set_value(document("kind: Workflow"), "/a", [1]) == "kind: Workflow\na:\n  - 1"


def test_json_stays_json() -> None:
    text = '{"kind": "Workflow", "a": {}, "b": []}'

    assert set_value(document(text), "/a/x", "y") == text.replace("{}", '{"x":"y"}')
    assert set_value(document(text), "/b", [{"c": "yes"}]) == text.replace("[]", '[{"c":"yes"}]')


def test_a_value_in_brackets_keeps_them() -> None:
    text = "kind: Workflow\na: [b: 1, {c}]"

    assert set_value(document(text), "/a/1/c", 5) == text.replace("{c}", "{c: 5}")
    assert set_value(document(text), "/a/1/d", 5) == text.replace("{c}", "{c, d: 5}")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/spec/again/x", 2),
        ("/spec/again/y", 2),
        ("/a/b", 1),
        ("/kind/x", 1),
        ("/spec/tasks/2/id", 1),
        ("", 1),
    ],
)
def test_what_cannot_be_changed_in_place_is_refused(pointer: str, value: object) -> None:
    with pytest.raises(EditError, match="cannot be changed in place"):
        set_value(document(), pointer, value)


@pytest.mark.parametrize("pointer", ["", "/nothing", "/spec/tasks/-", "/spec/shared/x", "/spec/tasks/00"])
def test_what_cannot_be_removed_in_place_is_refused(pointer: str) -> None:
    with pytest.raises(EditError):
        remove_value(document(), pointer)


def test_a_mapping_that_shares_the_brackets_of_its_list_is_left_alone() -> None:
    with pytest.raises(EditError):
        set_value(document("kind: Workflow\na: [b: 1]"), "/a/0/c", 2)


def test_a_document_without_a_text_cannot_be_edited() -> None:
    with pytest.raises(EditError):
        set_value(load_document({"kind": "Workflow"}), "/kind", "WorkflowTask")


NAMES = st.text("ab :#-'\"{}[]&*!|>%@?~,é", max_size=6)
VALUES = st.recursive(
    NAMES | st.integers(-5, 5) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


def pointers(value: Json, pointer: str = "") -> list[str]:
    """Every value inside, and every place where one could be added."""
    if isinstance(value, dict):
        inner = [
            place for key, item in value.items() for place in pointers(item, pointer + pointer_token(key))
        ]
        return [pointer, *inner, f"{pointer}/new"]
    if isinstance(value, list):
        inner = [place for i, item in enumerate(value) for place in pointers(item, f"{pointer}/{i}")]
        return [pointer, *inner, f"{pointer}/{END}"]
    return [pointer]


def commented(raw: dict[str, Any]) -> str:
    """The document with a comment on every line."""
    lines = print_document(load_document(raw)).splitlines()
    return "\n".join(f"{line}  # comment {number}" for number, line in enumerate(lines)) + "\n"


def comments(text: str) -> set[str]:
    return {line.rpartition("  # ")[2] for line in text.splitlines() if "  # " in line}


@given(VALUES, VALUES, st.data())
def test_an_edit_changes_the_value_and_no_comment_outside_of_it(
    spec: Json, value: Json, data: st.DataObject
) -> None:
    text = commented({"kind": "Workflow", "spec": spec})
    edited = document(text)
    pointer = data.draw(st.sampled_from(pointers(spec, "/spec")))

    result = set_value(edited, pointer, value)

    after = document(result)
    owner, _, last = pointer.rpartition("/")
    if last == END and isinstance(entries := edited.value_at(owner), list):
        last = str(len(entries))
    assert canonical_json(after.value_at(f"{owner}/{last}")) == canonical_json(value)
    assert edited.span is not None
    span, found = find_span(edited.span, pointer)
    outside = text[: span.start] + text[text.index("\n", span.end) :] if found else text
    assert comments(outside) <= comments(result)


@given(VALUES)
def test_an_edit_that_changes_nothing_leaves_the_text_as_it_is(spec: Json) -> None:
    text = commented({"kind": "Workflow", "spec": spec})

    assert set_value(document(text), "", document(text).raw) == text
