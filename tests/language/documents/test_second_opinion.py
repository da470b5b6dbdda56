"""What libyaml makes of a text, against ruamel.yaml, which reads YAML 1.2."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml import events as second
from ruamel.yaml.error import YAMLError

from tenantry.language.codes import Code
from tenantry.language.documents.building import Builder
from tenantry.language.documents.refusals import Refused
from tenantry.language.documents.yaml_text import build_yaml

WORDS = """
a b 1 [ ] { } , : - ? 'x' "y" "a": #c &a *a !!str | > --- ... ~ @ % ?x :x a:b a? http://x é = << ' "
"""
BLANKS = (
    "a: ",
    "- ",
    "? ",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "|\n  ",
    ">-\n  ",
    "---\n",
    "\t",
    " ",
    "\r\n",
)
PIECES = st.sampled_from([*WORDS.split(), *BLANKS])


def second_opinion(text: str) -> list[Any]:
    """The scalars and aliases of a text with their places, of those that are written; a list per document."""
    documents: list[Any] = []
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, second.DocumentStartEvent):
            documents.append([])
        elif isinstance(event, second.ScalarEvent):
            start = event.start_mark.index if event.end_mark.index > event.start_mark.index else None
            documents[-1].append((start, event.value, event.style or ""))
        elif isinstance(event, second.AliasEvent):
            documents[-1].append((event.start_mark.index, event.anchor, "*"))
    return documents


class Recorder(Builder):
    """A builder that keeps what it is told."""

    def __init__(self, text: str) -> None:
        self.documents: list[Any] = []
        self.scalars: list[Any] = []
        self.mistakes: list[Refused] = []
        super().__init__(text, lambda *_: None, self.mistakes.append)

    def scalar(self, start: int, end: int, text: str, style: str, **properties: str | None) -> None:
        self.scalars.append((start if end > start else None, text, style))
        super().scalar(start, end, text, style, **properties)

    def alias(self, start: int, end: int, name: str) -> None:
        self.scalars.append((start, name, "*"))
        super().alias(start, end, name)

    def end_document(self) -> None:
        self.documents.append(self.scalars)
        self.scalars = []
        super().end_document()


@given(st.lists(PIECES, max_size=8).map("".join))
def test_what_both_take_they_take_for_the_same(text: str) -> None:
    recorder = Recorder(text)
    try:
        build_yaml(text, 0, recorder)
        expected = second_opinion(text)
    except (Refused, YAMLError):
        return
    assume(not any(mistake.code is Code.SYNTAX for mistake in recorder.mistakes))  # what 1.1 takes otherwise
    assume(not re.search(r"[&*]a\S*[:?@%]", text))  # where the name of an anchor ends

    assert recorder.documents == expected
