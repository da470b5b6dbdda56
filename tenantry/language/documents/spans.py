"""Where the values of a document stand in its text: from a JSON pointer to a line and column, and back.

A tree of spans mirrors the tree of values; positions are worked out only for what a finding points at.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from tenantry.language.findings import Edit, Position

_LINE_BREAK: Final = re.compile("\n")
_ESCAPE_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s+(?:#.*\s+)*)+")  # an anchor or a tag before the value
_BLANK_ESCAPES: Final = frozenset("\n\r \tntrvfNLP_")
_FIRST_OF_TWO: Final = re.compile(r"d[89ab]..\Z", re.IGNORECASE)
_INDEX_DIGITS: Final = 9


class Span(msgspec.Struct, frozen=True):
    """Where one value stands.

    Attributes:
        start: index of its first character, an anchor or a tag included.
        end: index behind its last character.
        key: index of the key it stands under; its own start inside a list.
        style: how it is written: a scalar `"`, `'`, `|`, `>`, a collection in brackets `{`, an alias `*`, or
            nothing for plain text and collections by indentation.
        children: the spans of a mapping's values by key, or of a list's entries.
    """

    start: int
    end: int
    key: int
    style: str
    children: Children


Children: TypeAlias = dict[str, Span] | list[Span]
NO_CHILDREN: Final[Children] = []
"""Of a scalar; shared, never changed."""


def pointer_tokens(pointer: str) -> list[str]:
    """The unescaped tokens of a JSON pointer (RFC 6901)."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def find_span(root: Span, pointer: str) -> tuple[Span, bool]:
    """The span of what the pointer names, or of its nearest ancestor; and whether it is the former."""
    span = root
    for token in pointer_tokens(pointer):
        child = _child(span.children, token)
        if child is None:
            return span, False
        span = child
    return span, True


def _child(children: Children, token: str) -> Span | None:
    if isinstance(children, dict):
        return children.get(token)
    index = int(token) if token.isdecimal() and token.isascii() and len(token) < _INDEX_DIGITS else -1
    return children[index] if 0 <= index < len(children) else None


def position_at(text: str, index: int) -> Position:
    """Line and column of a character of the text, both from 1."""
    breaks = _line_breaks(text)
    line = bisect_left(breaks, index)
    return Position(line=line + 1, column=index - (breaks[line - 1] if line else -1))


def index_at(text: str, position: Position) -> int:
    """The inverse of `position_at`; the end of the line, or of the text, for what lies behind it."""
    breaks = _line_breaks(text)
    line = min(position.line, len(breaks) + 1)
    begin = breaks[line - 2] + 1 if line > 1 else 0
    end = breaks[line - 1] if line <= len(breaks) else len(text)
    return min(begin + position.column - 1, end)


def edit_between(text: str, start: int, end: int, replacement: str) -> Edit:
    """The edit that replaces what stands between two indices of the text."""
    return Edit(position_at(text, start), position_at(text, end), replacement)


@lru_cache(maxsize=4)
def _line_breaks(text: str) -> list[int]:
    # Counting from the start for each finding would take a minute for a text of nothing but mistakes.
    return [match.start() for match in _LINE_BREAK.finditer(text)]


def index_within(text: str, span: Span, value: str, offset: int) -> int:
    """Index in the text of the character at `offset` of a string value.

    Folding, indentation and escapes make a string differ from how it is written, but only in blanks and in
    the spelling of single characters: so the same number of non-blank characters is counted off in both.
    """
    content = value.rstrip()
    index = _content_start(text, span)
    if not content or span.style == "*":
        return index
    if offset >= len(content):
        return index_within(text, span, value, len(content) - 1) + 1
    wanted = sum(not character.isspace() for character in value[:offset])
    length = 0
    while wanted >= 0 and index + length < span.end:
        index += length
        length, blank = _unit(text, index, span.style)
        wanted -= not blank
    return index


def _content_start(text: str, span: Span) -> int:
    properties = _PROPERTIES.match(text, span.start)
    start = properties.end() if properties else span.start
    if span.style in {"|", ">"}:  # the header, such as `|2-`, and a comment end with their line
        return text.find("\n", start) + 1
    return start + (span.style in {'"', "'"})


def _unit(text: str, index: int, style: str) -> tuple[int, bool]:
    """Length of one written character, and whether it stands for a blank."""
    character = text[index]
    if style == "'" and text.startswith("''", index):
        return 2, False
    if style != '"' or character != "\\":
        return 1, character.isspace()
    escaped = text[index + 1 : index + 2]
    digits = text[index + 2 : index + 2 + _ESCAPE_DIGITS.get(escaped, 0)]
    if not digits:
        return 2, escaped in _BLANK_ESCAPES
    if _FIRST_OF_TWO.match(digits):  # JSON writes one character as two escapes
        return 12, False
    return 2 + len(digits), chr(int(digits, 16)).isspace()
