"""Events into trees of values and spans, within bounds: depth, size with aliases written out, unique keys.

An alias shares the value of its anchor, so memory stays that of the text; what is bounded is the size it has
when written out, which is what everybody after us pays for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.documents.events import Event, Kind, Refused
from tenantry.language.documents.scalars import checked_text, plain_value
from tenantry.language.documents.spans import Span, position_at
from tenantry.language.documents.yaml_text import QUOTE_TEMPLATE
from tenantry.language.values import MAX_DEPTH, dump_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_WEIGHT: Final = 2 * 1024 * 1024

_VALUE_WEIGHT: Final = 16  # what any value costs beside its text
_CORE: Final = "tag:yaml.org,2002:"
_TAGS: Final = {Kind.SCALAR: _CORE + "str", Kind.OBJECT: _CORE + "map", Kind.ARRAY: _CORE + "seq"}


@dataclass(slots=True)
class Node:
    """A value with its span, and how large it is: `weight` when written out, `height` in levels."""

    value: Any
    span: Span
    weight: int = _VALUE_WEIGHT
    height: int = 0


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet.

    Attributes:
        key: the key that waits for its value, with its place.
        nameless: the next value stands under a key we could not take, and is dropped.
        template: the collection is really a template whose author forgot the quotes.
    """

    node: Node
    anchor: str | None
    key: tuple[str, int] | None = None
    nameless: bool = False
    template: bool = False


class Builder:
    """Builds the documents of one text; `report` takes what is wrong but does not stop the reading."""

    def __init__(self, text: str, report: Callable[[Refused], None]) -> None:
        self._text = text
        self._report = report
        self._reset()

    def _reset(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._roots: list[Node] = []
        self._has_aliases = False

    def documents(self, events: Iterable[Event]) -> Iterator[Node]:
        """The root of each document.

        Raises:
            Refused: nothing after this can be read: too deep, too large, a cycle, no YAML.
        """
        self._reset()
        for event in events:
            if event.kind is not Kind.DOCUMENT_END:
                self._take(event)
            else:
                yield from self._roots
                self._reset()

    def _take(self, event: Event) -> None:
        match event.kind:
            case Kind.SCALAR:
                self._check_tag(event)
                self._place(self._scalar(event), event.anchor)
            case Kind.ALIAS:
                self._place(self._aliased(event), None)
            case Kind.END:
                self._close(event)
            case _:
                self._check_tag(event)
                self._begin(event)

    def _check_tag(self, event: Event) -> None:
        if event.tag is not None and event.tag not in {"!", _TAGS[event.kind]}:
            shown = event.tag.replace(_CORE, "!!")[:80]
            self._report(
                Refused(Code.UNSUPPORTED_TAG, f"the tag {shown} is not supported", event.start, "remove it")
            )

    def _scalar(self, event: Event) -> Node:
        span = Span(event.start, event.start, event.style)
        plain = not event.style and event.tag is None
        try:
            value = (plain_value if plain else checked_text)(event.text, event.start)
        except Refused as refused:
            self._report(refused)
            value = 0 if plain else ""
        return Node(value, span, _VALUE_WEIGHT + len(event.text))

    def _aliased(self, event: Event) -> Node:
        name = event.anchor or ""
        if any(opened.anchor == name for opened in self._open):
            raise Refused(
                Code.ALIAS_CYCLE, f"*{name} stands inside &{name}: the value never ends", event.start
            )
        if (target := self._anchors.get(name)) is None:
            message, hint = f"there is no anchor &{name} before *{name}", "quote a value that begins with *"
            raise Refused(Code.SYNTAX, message, event.start, hint)
        if len(self._open) + target.height > MAX_DEPTH:
            raise _too_deep(event.start)
        self._has_aliases = True
        span = Span(event.start, event.start, "*", target.span.children)
        return Node(target.value, span, target.weight, target.height)

    def _begin(self, event: Event) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise _too_deep(event.start)
        value: Any = {} if event.kind is Kind.OBJECT else []
        self._open.append(_Open(Node(value, Span(event.start, event.start), height=1), event.anchor))

    def _close(self, event: Event) -> None:
        closed = self._open.pop()
        if closed.template:
            closed.node.value = self._text[closed.node.span.start : event.start + 1]
        self._place(closed.node, closed.anchor)

    def _place(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self._roots.append(node)
            return
        parent = self._open[-1]
        if isinstance(parent.node.value, list):
            self._attach(parent, str(len(parent.node.value)), node)
            parent.node.value.append(node.value)
        elif parent.nameless:
            parent.nameless = False
            self._weigh(parent, node)  # dropped, but read: a text of nothing else must end as well
        elif parent.key is None:
            self._take_key(parent, node)
        else:
            (key, node.span.key), parent.key = parent.key, None
            self._attach(parent, key, node)
            parent.node.value[key] = node.value

    def _attach(self, parent: _Open, token: str, child: Node) -> None:
        parent.node.span.children[token] = child.span
        parent.node.height = max(parent.node.height, child.height + 1)
        self._weigh(parent, child, len(token))

    def _weigh(self, parent: _Open, child: Node, key_length: int = 0) -> None:
        parent.node.weight += child.weight + key_length
        if parent.node.weight > MAX_WEIGHT:
            raise self._too_heavy(child.span.start)

    def _too_heavy(self, start: int) -> Refused:
        much = f"more than {MAX_WEIGHT >> 20} MiB"
        if self._has_aliases:
            message = f"the document holds {much} when its aliases are written out"
            return Refused(Code.ALIAS_EXPANSION, message, start)
        message = (
            f"the document holds too many values: {much}, each counted as {_VALUE_WEIGHT} bytes and its text"
        )
        return Refused(Code.TOO_LARGE, message, start, "split it, or move data out of the definition")

    def _take_key(self, parent: _Open, node: Node) -> None:
        key, start = node.value, node.span.start
        if not isinstance(key, str):
            parent.nameless = True
            self._refuse_key(parent, node)
        elif key in parent.node.value:
            parent.nameless = True
            line = position_at(self._text, parent.node.span.children[key].key).line
            message = f'the key "{key}" is already given on line {line}'
            self._report(Refused(Code.DUPLICATE_KEY, message, start, "keep one of them"))
        else:
            parent.key = (key, start)

    def _refuse_key(self, parent: _Open, node: Node) -> None:
        start = node.span.start
        if self._text.startswith("{{", start - 1) and parent.node.span.start == start - 1:
            parent.template = True
            message = "YAML reads an unquoted {{ as a mapping"
            self._report(Refused(Code.UNQUOTED_TEMPLATE, message, start - 1, QUOTE_TEMPLATE))
        elif isinstance(node.value, dict | list):
            self._report(Refused(Code.KEY_NOT_TEXT, "a key must be text, not a collection", start))
        else:
            shown = dump_json(node.value).decode()
            message, hint = f"the key {shown} is not text", f'quote it: "{shown}"'
            self._report(Refused(Code.KEY_NOT_TEXT, message, start, hint))


def _too_deep(start: int) -> Refused:
    return Refused(Code.TOO_DEEP, f"values are nested deeper than {MAX_DEPTH} levels", start)
