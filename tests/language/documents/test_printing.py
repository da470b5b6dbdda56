from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.documents.printing import print_document

TEXTS = (
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
    | st.text("ab :#-\n'\"{}[]&*!|>%@`?~,\t", max_size=12)
    | st.sampled_from(["yes", "null", "1", "1e5", "0x1", "2024-01-01", "", "-", "<<", "~", "---", " a"])
    | st.lists(st.text("ab ", min_size=1, max_size=4), min_size=2, max_size=4).map("\n".join)
)
VALUES = st.recursive(
    TEXTS
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def printed(value: Any) -> str:
    return print_document(load_document({"kind": "Workflow", "spec": value})).removeprefix("kind: Workflow\n")


@given(VALUES)
def test_what_is_printed_reads_as_the_same(value: Any) -> None:
    raw = {"kind": "Workflow", "spec": value}

    parsed = parse_documents(print_document(load_document(raw)))

    assert parsed.findings == ()
    assert parsed.documents[0].raw == raw


@given(VALUES)
def test_printing_what_was_printed_changes_nothing(value: Any) -> None:
    text = print_document(load_document({"kind": "Workflow", "spec": value}))

    assert print_document(parse_documents(text).documents[0]) == text


CANONICAL = """\
kind: Workflow
plain: What it is worth
"no": "yes"
when: "2024-01-01"
template: "{{input.a}}"
"": "x: y"
empty: [{}, []]
list:
  - 1
  - - 2.5
    - c: null
  - d: true
    e: f
  - |
    a
     b

    c
  - d: |-
      e
      f
  - "g \\nh"
  - " i\\nj"
  - "k\\n\\n"
  - "\\u0085 \\u2028 \\u007f \\ufeff"
"""


def test_there_is_one_way_to_print_a_value() -> None:
    text = CANONICAL.replace("empty: [{}, []]", "empty:\n  - {}\n  - []")
    (document,) = parse_documents(CANONICAL).documents

    assert print_document(document) == text
    assert printed(["\x85 \u2028 \x7f \ufeff"]) == 'spec:\n  - "\\u0085 \\u2028 \\u007f \\ufeff"\n'


def test_a_key_too_long_for_its_line_is_marked() -> None:
    raw = {"kind": "Workflow", "k" * 2000: 1, "l" * 2000: [1]}

    assert parse_documents(print_document(load_document(raw))).documents[0].raw == raw
