"""Mutations of every example through the whole judgement: findings, never anything else.

The long form: `pytest tests/language/documents/test_fuzz.py --hypothesis-profile=torture`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.codes import Code
from tenantry.language.documents.parsing import load_document, parse_documents
from tenantry.language.documents.printing import print_document
from tenantry.language.validation.catalogue import CATALOGUE
from tests.support.examples import document_files, tenant_names
from tests.support.language import judge

_LONGEST: Final = 20_000
_EXAMPLES: Final = [path.read_text() for name in tenant_names() for path in document_files(name)]
_SEEDS: Final = [
    *("---\n".join(_EXAMPLES[start : start + 4]) for start in range(len(_EXAMPLES))),
    *(entry.text for entry in CATALOGUE.values() if len(entry.text) <= _LONGEST),
]
_DOCUMENTS: Final = [document for seed in _SEEDS for document in parse_documents(seed).documents]
_WORDS: Final = """
{{ }} [ ] { } : - ? &a *a !!int | > --- ' " \\ # , null .nan 1e999 99999999999999999999 0s -1 <<: @
tasks. {{input. forEach.$parent. secrets.A [' '] [0] ?? && || in( ! ) == .* (a+)+$ [\\p{L} $ref '#' #/$defs/a
allOf: not: forEach: switch: cases: compensate: fallback: workflowRef: tasks: else: output: cache: type:
"""
_BLANKS: Final = (": ", "- ", "|\n", "---\n", "\t", "\n", "\r", "\0", "\ud800", "\u2028", " ")
_PIECES: Final = st.sampled_from([*_WORDS.split(), *_BLANKS])
_TEXTS: Final = st.text(max_size=8) | _PIECES.filter(lambda piece: piece != "\ud800")
_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


def check(text: str) -> None:
    lines = text.count("\n") + 1
    for finding in judge(text):
        assert finding.code in set(Code)
        assert finding.message
        assert finding.code == Code.TOO_MANY_FINDINGS or finding.position is not None
        assert finding.position is None or 1 <= finding.position.line <= lines
        assert str(finding)


@st.composite
def mutated_texts(draw: st.DrawFn) -> str:
    """A seed with parts cut out, repeated, moved, or put in from another seed."""
    text = draw(st.sampled_from(_SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        other = draw(st.sampled_from(_SEEDS))
        begin = draw(st.integers(0, len(other)))
        put_in = draw(
            st.just("")
            | _PIECES
            | st.characters()
            | st.just(text[start:end] * 2)
            | st.just(other[begin : begin + 60])
            | st.integers(0, 12).map(lambda width: "\n" + " " * width)
        )
        text = text[:start] + put_in + text[end:]
    return text[:_LONGEST]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every collection inside with each of its keys or indices."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [place for key in keys for place in [(value, key), *places(value[key])]]


@st.composite
def mutated_documents(draw: st.DrawFn) -> str:
    """A document with values replaced, also by parts of another, removed, renamed and repeated."""
    raw = deepcopy(draw(st.sampled_from(_DOCUMENTS)).raw)
    for _ in range(draw(st.integers(1, 4))):
        owner, key = draw(st.sampled_from(places({"all": raw})))
        other, part = draw(st.sampled_from(places(draw(st.sampled_from(_DOCUMENTS)).raw)))
        change = draw(st.sampled_from(["replace", "transplant", "remove", "rename", "repeat"]))
        if change == "remove":
            del owner[key]
        elif change == "rename" and isinstance(owner, dict):
            owner[str(part)] = owner.pop(key)
        else:
            repeated = [deepcopy(owner[key])] * draw(st.integers(0, 3))
            owner[key] = {"replace": draw(_JSON), "transplant": deepcopy(other[part])}.get(change, repeated)
    return print_document(load_document(raw))[:_LONGEST]


@given(mutated_documents())
def test_a_mutated_document_gives_only_findings(text: str) -> None:
    check(text)


@given(mutated_texts())
def test_a_mutated_text_gives_only_findings(text: str) -> None:
    check(text)
