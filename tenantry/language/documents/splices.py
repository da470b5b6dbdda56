"""How a change of one value may be written into its text, the finest way first; `editing` tries them."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tenantry.language.documents.json_text import is_json
from tenantry.language.documents.printing import (
    INDENT,
    block_lines,
    entry_lines,
    inline,
    item_lines,
    json_line,
)
from tenantry.language.documents.spans import Span, find_span
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterator

Splice: TypeAlias = tuple[int, int, str]
"""What is replaced in the text, from and to an index, and by what."""


class Absence(Enum):
    """What a value that is removed is changed to."""

    GONE = auto()


GONE: Final = Absence.GONE


def splices(text: str, root: Span, tokens: list[str], value: Any) -> Iterator[Splice]:
    """The ways to write a change.

    Args:
        text: the whole text.
        root: the span of the document in it.
        tokens: of the JSON pointer to a value that is there, or could be added to a collection that is.
        value: what it becomes; `GONE` to remove it.
    """
    pointer = "".join(map(pointer_token, tokens))
    owner, _ = find_span(root, pointer.rpartition("/")[0])
    target, found = find_span(root, pointer)
    writer = _Writer(text)
    if value is GONE:
        yield from writer.remove(owner, tokens[-1])
    elif found:
        yield from writer.rewrite(target, value)
    else:
        yield from writer.insert(owner, tokens[-1], value)


class _Writer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._inline = json_line if is_json(text) else inline

    def rewrite(self, span: Span, value: Any) -> Iterator[Splice]:
        """Another value in the place of one."""
        start, end = span.start, self._end(span)
        if span.style in {"|", ">"} and isinstance(value, str):
            yield start, end, self._block(start, *block_lines(value))
        elif span.children and not span.style and isinstance(value, dict | list) and value:
            pad = "\n" + " " * self._column(start)
            yield start, end, pad.join(block_lines(value))
        for before in ("", " ", ": "):  # of nothing, as in `a:` and `{a}`, more than the value is missing
            yield start, end, before + self._inline(value)

    def insert(self, owner: Span, token: str, value: Any) -> Iterator[Splice]:
        """A new field of a mapping, or a new entry at the end of a list."""
        fields = isinstance(owner.children, dict)
        children = self._children(owner)
        written = self._inline({token: value})[1:-1] if fields else self._inline(value)
        if owner.style or not children:
            at = self._end(children[-1]) if children else owner.end - 1
            yield at, at, (", " if children else "") + written
            return
        first = children[0]
        pad = self._column(first.key if fields else self._dash(owner, first))
        at = self._end_of_line(self._end(children[-1]))
        for lines in (entry_lines(token, value) if fields else item_lines(value), [written]):
            yield at, at, "".join("\n" + (" " * pad + line if line else "") for line in lines)

    def remove(self, owner: Span, token: str) -> Iterator[Splice]:
        """A field of a mapping, or an entry of a list, taken out."""
        children = self._children(owner)
        fields = isinstance(owner.children, dict)
        place = list(owner.children).index(token) if isinstance(owner.children, dict) else int(token)
        target = children[place]
        begins = [self._begin(owner, child, fields=fields) for child in children]
        if len(children) == 1:
            yield owner.start, self._end(owner), "{}" if fields else "[]"
        elif owner.style and place == len(children) - 1:
            yield self._end(children[place - 1]), self._end(target), ""
        elif owner.style:
            yield begins[place], begins[place + 1], ""
        else:
            yield from self._remove_lines(begins, place, self._end(target))

    def _remove_lines(self, begins: list[int], place: int, end: int) -> Iterator[Splice]:
        line = self._text.rfind("\n", 0, begins[place]) + 1
        if not self._text[line : begins[place]].strip():
            after = self._end_of_line(end)
            yield (line, after + 1, "") if after < len(self._text) else (line - 1, after, "")
        else:
            yield begins[place], begins[place + 1], ""

    def _block(self, start: int, header: str, *lines: str) -> str:
        """A block of text indented as the one that begins there, and with the comment behind its header."""
        content = self._end_of_line(start) + 1
        comment = self._text[start : content - 1].partition(" ")[2]
        indent = len(self._text[content:]) - len(self._text[content:].lstrip())
        pad = " " * (indent - INDENT)
        return "\n".join([f"{header} {comment}".rstrip(), *(line and pad + line for line in lines)])

    @staticmethod
    def _children(owner: Span) -> list[Span]:
        return list(owner.children.values()) if isinstance(owner.children, dict) else owner.children

    def _begin(self, owner: Span, child: Span, *, fields: bool) -> int:
        if fields:
            return child.key
        return child.start if owner.style else self._dash(owner, child)

    def _dash(self, owner: Span, child: Span) -> int:
        return self._text.rfind("-", owner.start, child.start)

    def _end(self, span: Span) -> int:
        """Where a value ends, without the blank lines that a block of text takes in."""
        return span.start + len(self._text[span.start : span.end].rstrip())

    def _end_of_line(self, index: int) -> int:
        end = self._text.find("\n", index)
        return end if end >= 0 else len(self._text)

    def _column(self, index: int) -> int:
        return index - self._text.rfind("\n", 0, index) - 1
