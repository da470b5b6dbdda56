"""What a scanner sees, step by step, into trees of values and spans, within bounds: depth, size, unique keys.

`yaml_text` and `json_text` call a `Builder` for each scalar, alias, begin and end of a text, `parsing` takes
the documents. An alias shares the value of its anchor, so memory stays that of the text; what is bounded is
the size it has when written out, which is what everybody after us pays for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from tenantry.language.codes import Code
from tenantry.language.documents.mistakes import unquoted_template
from tenantry.language.documents.refusals import Exhausted, Refused
from tenantry.language.documents.scalars import checked_text, plain_value
from tenantry.language.documents.spans import NO_CHILDREN, Children, Span, position_at
from tenantry.language.values import MAX_DEPTH, dump_json

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WEIGHT: Final = 2 * 1024 * 1024
MAX_STEPS: Final = 150_000
"""Keys, values and ends of a whole text. A tidy text of 1 MiB has two thirds as many."""

_SPLIT: Final = "split it, or move data out of the definition"
_VALUE_WEIGHT: Final = 16  # what any value costs beside its text
_TAG: Final = re.compile(r"!\S*[ \t]*")
_CORE: Final = "tag:yaml.org,2002:"
_NOTHING: Final[tuple[Any, Span]] = (None, Span(0, 0, 0, "", NO_CHILDREN))
_STRING, _OBJECT, _ARRAY = (_CORE + name for name in ("str", "map", "seq"))


class _Anchored(NamedTuple):
    """A value that aliases may name: how large it is when written out, and how many levels deep."""

    value: Any
    children: Children
    weight: int
    height: int


class _Open:
    """A collection whose end has not come yet.

    Attributes:
        key: the key that waits for its value; `key_start` is its place.
        nameless: the next value stands under a key we could not take, and is dropped.
        template: the collection is really a template whose author forgot the quotes.
        weight: of the document before the collection began.
        height: levels below it so far.
        end: index behind the last of its values.
    """

    __slots__ = (
        *("anchor", "children", "end", "fields", "height", "items", "key", "key_start", "nameless", "start"),
        *("template", "weight"),
    )

    def __init__(self, *, mapping: bool, start: int, anchor: str | None, weight: int) -> None:
        self.fields: dict[str, Any] | None = {} if mapping else None
        self.items: list[Any] = []
        self.children: Any = {} if mapping else []
        self.start = self.key_start = self.end = start
        self.anchor = anchor
        self.weight = weight
        self.height = 1
        self.key: str | None = None
        self.nameless = self.template = False


class Builder:
    """Builds the documents of one text.

    Args:
        text: what the indices that the builder is called with point into.
        take: gets the value of each document with its span, as soon as the document is complete.
        report: gets what is wrong but does not stop the reading.
    """

    def __init__(
        self, text: str, take: Callable[[Any, Span], None], report: Callable[[Refused], None]
    ) -> None:
        self._text = text
        self._take = take
        self._report = report
        self._steps = 0
        self.begin_document()

    def begin_document(self) -> None:
        """Forgets what came before, such as a document that could not be read to its end."""
        self._stack: list[_Open] = []
        self._owner: _Open | None = None
        self._anchors: dict[str, _Anchored] = {}
        self._root = _NOTHING
        self._weight = 0
        self._has_aliases = False

    def end_document(self) -> None:
        """Hands the document over."""
        self._take(*self._root)
        self.begin_document()

    def scalar(
        self,
        start: int,
        end: int,
        text: str,
        style: str,
        *,
        anchor: str | None = None,
        tag: str | None = None,
    ) -> None:
        """A value, or a key, that is no collection.

        Args:
            start: index of its first character.
            end: index behind its last.
            text: without quotes and escapes.
            style: as in `Span`.
            anchor: the name an `&anchor` before it gives.
            tag: as the library spells it, such as `tag:yaml.org,2002:str`.

        Raises:
            Refused: a bound is reached.
        """
        owner = self._owner
        is_key = owner is not None and owner.key is None and owner.fields is not None and not owner.nameless
        value = self._value(start, text, style, tag)
        weight = len(text) if is_key else len(text) + _VALUE_WEIGHT
        self._grow(weight, start)
        if is_key:
            self._take_key(cast("_Open", owner), value, start, end)
        else:
            self._place(value, start, end, style=style)
        if anchor is not None:
            self._anchors[anchor] = _Anchored(value, NO_CHILDREN, weight, 0)

    def alias(self, start: int, end: int, name: str) -> None:
        """A value, or a key, that an anchor before it has named.

        Raises:
            Refused: it names nothing, or itself, or a bound is reached.
        """
        if any(opened.anchor == name for opened in self._stack):
            message = f"*{name} stands inside &{name}: the value never ends"
            raise Refused(Code.ALIAS_CYCLE, message, start)
        if (target := self._anchors.get(name)) is None:
            message, hint = f"there is no anchor &{name} before *{name}", "quote a value that begins with *"
            raise Refused(Code.SYNTAX, message, start, hint)
        if len(self._stack) + target.height > MAX_DEPTH:
            raise _too_deep(start)
        self._has_aliases = True
        self._grow(target.weight, start)
        self._place(target.value, start, end, style="*", children=target.children, height=target.height)

    def begin(self, start: int, *, mapping: bool, anchor: str | None = None, tag: str | None = None) -> None:
        """A mapping or a list begins.

        Raises:
            Refused: a bound is reached.
        """
        if len(self._stack) >= MAX_DEPTH:
            raise _too_deep(start)
        if tag is not None:
            self._check_tag(tag, _OBJECT if mapping else _ARRAY, start)
        opened = _Open(mapping=mapping, start=start, anchor=anchor, weight=self._weight)
        self._grow(_VALUE_WEIGHT, start)
        self._stack.append(opened)
        self._owner = opened

    def end(self, start: int, end: int) -> None:
        """The innermost mapping or list ends; by indentation where `start` is `end`."""
        opened = self._stack.pop()
        self._owner = self._stack[-1] if self._stack else None
        style = "{" if end > start else ""
        value: Any = opened.items if opened.fields is None else opened.fields
        if opened.template:
            value = self._text[opened.start : end]
            self._report(unquoted_template(self._text, opened.start, end))
        last = end if style else opened.end
        self._place(value, opened.start, last, style=style, children=opened.children, height=opened.height)
        if opened.anchor is not None:
            weight = self._weight - opened.weight
            self._anchors[opened.anchor] = _Anchored(value, opened.children, weight, opened.height)

    def _value(self, start: int, text: str, style: str, tag: str | None) -> Any:
        try:
            if tag is None and not style:
                return plain_value(text, start)
            if tag is not None:
                self._check_tag(tag, _STRING, start)
            return checked_text(text, start)
        except Refused as refused:
            self._report(refused)
            return "" if style or tag else 0

    def _check_tag(self, tag: str, expected: str, start: int) -> None:
        if tag not in {"!", expected}:
            shown = tag.replace(_CORE, "!!")[:80]
            message = f"the tag {shown} is not supported"
            written = _TAG.match(self._text, start)
            replacement = (written.end(), "") if written else None
            self._report(Refused(Code.UNSUPPORTED_TAG, message, start, "remove it", replacement))

    def _grow(self, weight: int, start: int) -> None:
        self._weight += weight
        self._steps += 1
        if self._weight > MAX_WEIGHT:
            raise self._too_heavy(start)
        if self._steps > MAX_STEPS:
            message = f"the text holds more than {MAX_STEPS:,} keys and values"
            raise Exhausted(Code.TOO_LARGE, message, start, _SPLIT)

    def _too_heavy(self, start: int) -> Refused:
        much = f"more than {MAX_WEIGHT >> 20} MiB"
        if self._has_aliases:
            message = f"the document holds {much} when its aliases are written out"
            return Refused(Code.ALIAS_EXPANSION, message, start)
        message = (
            f"the document holds too many values: {much}, each counted as {_VALUE_WEIGHT} bytes and its text"
        )
        return Refused(Code.TOO_LARGE, message, start, _SPLIT)

    def _place(
        self,
        value: Any,
        start: int,
        end: int,
        *,
        style: str,
        children: Children = NO_CHILDREN,
        height: int = 0,
    ) -> None:
        owner = self._owner
        if owner is None:
            self._root = (value, Span(start, end, start, style, children))
            return
        if owner.fields is None:
            owner.items.append(value)
            owner.children.append(Span(start, end, start, style, children))
        elif owner.key is not None:
            owner.fields[owner.key] = value
            owner.children[owner.key] = Span(start, end, owner.key_start, style, children)
            owner.key = None
        elif owner.nameless:
            owner.nameless = False  # dropped, but read: a text of nothing else must end as well
        else:
            self._take_key(owner, value, start, end)
        owner.end = end
        if height >= owner.height:
            owner.height = height + 1

    def _take_key(self, owner: _Open, key: Any, start: int, end: int) -> None:
        if not isinstance(key, str):
            owner.nameless = True
            self._refuse_key(owner, key, start, end)
        elif key in owner.children:
            owner.nameless = True
            line = position_at(self._text, owner.children[key].key).line
            message = f'the key "{key}" is already given on line {line}'
            self._report(Refused(Code.DUPLICATE_KEY, message, start, "keep one of them"))
        else:
            owner.key, owner.key_start = key, start
            if start and self._text[start - 1] == "?":  # the library reads YAML 1.1 here
                message, hint = "YAML reads this ? as the mark of a key", "quote a value that begins with ?"
                self._report(Refused(Code.SYNTAX, message, start - 1, hint))

    def _refuse_key(self, owner: _Open, key: Any, start: int, end: int) -> None:
        written = self._text[start:end]
        if isinstance(key, dict) and self._text[owner.start : start + 1] == "{{":
            owner.template = True  # reported when its end is known
        elif isinstance(key, dict | list):
            self._report(Refused(Code.KEY_NOT_TEXT, "a key must be text, not a collection", start))
        elif not written:
            message, hint = "a value stands here without a key", "write the key before the colon"
            self._report(Refused(Code.KEY_NOT_TEXT, message, start, hint))
        else:
            shown = dump_json(key).decode()
            message, hint = f"the key {shown} is not text", f'quote it: "{shown}"'
            self._report(Refused(Code.KEY_NOT_TEXT, message, start, hint, (end, f'"{written}"')))


def _too_deep(start: int) -> Refused:
    return Refused(Code.TOO_DEEP, f"values are nested deeper than {MAX_DEPTH} levels", start)
