from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.findings import Position
from tenantry.language.values import Json, pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.documents.document import Document

TEXT = """\
kind: Workflow
metadata: {name: w, labels: {a/b: c, d~e: f}}
spec:
  plain: to {{input.a}} go
  single: 'it''s {{input.a}}'
  double: "tab\\t \\"q\\" \\u00e9\\x41 {{input.a}}"
  literal: |2-
      first {{x}}

    second {{input.a}}
  folded: >  # why
    one
    two {{input.a}}
  wrapped: one
    two {{input.a}}
  quoted: "one \\
    two

    three {{input.a}}"
  list:
    - a: 1
      b: 2
    - &anchor text {{input.a}}
    - *anchor
"""


def document() -> Document:
    return parse_documents(TEXT).documents[0]


def place(line: int, column: int) -> Position:
    return Position(line=line, column=column)


@pytest.mark.parametrize(
    ("pointer", "value", "key"),
    [
        ("", (1, 1), (1, 1)),
        ("/kind", (1, 7), (1, 1)),
        ("/metadata/name", (2, 18), (2, 12)),
        ("/metadata/labels/a~1b", (2, 35), (2, 30)),
        ("/metadata/labels/d~0e", (2, 43), (2, 38)),
        ("/spec", (4, 3), (3, 1)),
        ("/spec/list/0", (21, 7), (21, 7)),
        ("/spec/list/0/b", (22, 10), (22, 7)),
        ("/spec/list/2", (24, 7), (24, 7)),
        ("/spec/list/0/missing/deeper", (21, 7), (21, 7)),
        ("/nowhere", (1, 1), (1, 1)),
    ],
)
def test_a_pointer_leads_to_the_value_and_its_key(
    pointer: str, value: tuple[int, int], key: tuple[int, int]
) -> None:
    assert document().locate(pointer) == place(*value)
    assert document().locate_key(pointer) == place(*key)


@pytest.mark.parametrize(
    ("pointer", "line", "column"),
    [
        ("/spec/plain", 4, 15),
        ("/spec/single", 5, 20),
        ("/spec/double", 6, 37),
        ("/spec/literal", 10, 14),
        ("/spec/folded", 13, 11),
        ("/spec/wrapped", 15, 11),
        ("/spec/quoted", 19, 13),
        ("/spec/list/1", 23, 22),
        ("/spec/list/2", 24, 7),
    ],
)
def test_an_offset_leads_to_the_character_however_the_string_is_written(
    pointer: str, line: int, column: int
) -> None:
    value = document().raw["spec"]
    for token in pointer.split("/")[2:]:
        value = value[int(token)] if isinstance(value, list) else value[token]

    assert document().locate(pointer, value.index("input.a")) == place(line, column)


def test_an_offset_past_the_end_is_just_behind_the_string() -> None:
    text = 'kind: Workflow\na: "x\\n"\nb: "\\t"\nc: |\n  y\n\n'
    (located,) = parse_documents(text).documents

    assert located.locate("/kind", 100) == place(1, 15)
    assert located.locate("/a", 2) == place(2, 6)
    assert located.locate("/b", 0) == place(3, 5)
    assert located.locate("/c", 9) == place(5, 4)


def test_neither_a_comment_behind_an_anchor_nor_a_pair_of_escapes_misleads() -> None:
    (located,) = parse_documents("kind: Workflow\na: &x # why\n  b {{y}}\n").documents
    assert located.locate("/a", 4) == place(3, 7)
    (located,) = parse_documents('{"kind": "Workflow", "a": "\\ud83d\\ude00 {{y}}"}').documents
    assert located.locate("/a", 4) == place(1, 43)


def test_an_offset_into_no_string_gives_the_value() -> None:
    assert document().locate("/spec/list", 3) == place(21, 5)


STRINGS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)
VALUES = st.recursive(
    STRINGS | st.integers(-100, 100) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4),
    max_leaves=12,
)


def written(value: str, style: str) -> str:
    """The string as YAML in single or double quotes."""
    if style == '"':
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "'" + value.replace("'", "''") + "'"


@given(STRINGS, st.sampled_from(["'", '"']), STRINGS)
def test_a_mark_is_found_in_any_quoted_string(before: str, style: str, after: str) -> None:
    value = f"{before}{{{{mark}}}}{after}"
    (document,) = parse_documents(f"kind: Workflow\na: {written(value, style)}").documents
    assert document.raw["a"] == value

    found = document.locate("/a", len(before))

    assert found == place(2, len("a: ") + len(written(before, style)))


def leaves(value: object, pointer: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, pointer + pointer_token(key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from leaves(child, pointer + pointer_token(index))
    else:
        yield pointer, value


@given(VALUES, st.sampled_from([None, 0, 2, "\t"]))
def test_json_reads_as_itself_and_every_value_stands_where_its_place_says(
    value: Json, indent: int | str | None
) -> None:
    raw = {"kind": "Workflow", "spec": value}
    text = json.dumps(raw, indent=indent, ensure_ascii=False)

    (document,) = parse_documents(text).documents

    assert document.raw == raw
    lines = text.split("\n")
    for pointer, leaf in leaves(raw):
        at = document.locate(pointer)
        assert at is not None
        assert lines[at.line - 1][at.column - 1 :].startswith(json.dumps(leaf, ensure_ascii=False))
