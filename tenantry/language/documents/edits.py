"""The edits that findings carry: only what is certain, so that an editor may offer it as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tenantry.language.documents.spans import edit_between, find_span, index_at, index_within

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document
    from tenantry.language.documents.spans import Span
    from tenantry.language.findings import Edit

_BYTE_ORDER_MARK: Final = "\ufeff"
_QUOTES: Final = ("", '"', "'")
_REFERENCE: Final = re.compile(r"[\w.$\[\]'\"@/-]+")  # a template's path, as it is written
_SAFE_NAME: Final = re.compile(r"(?!(?:true|false|null)\b)[A-Za-z_][\w./@-]*", re.ASCII | re.IGNORECASE)


def apply_edit(text: str, edit: Edit) -> str:
    """The text with the edit of one of its findings carried out."""
    body = text.removeprefix(_BYTE_ORDER_MARK)  # which no position counts
    start, end = index_at(body, edit.start), index_at(body, edit.end)
    return text[: len(text) - len(body)] + body[:start] + edit.replacement + body[end:]


def rename_key(document: Document, pointer: str, name: str, meant: str) -> Edit | None:
    """Another name for the key that holds the value at the pointer, unless there is one of that name."""
    span = _span(document, pointer)
    owner = _span(document, pointer.rpartition("/")[0])
    if span is None or owner is None or meant in owner.children:
        return None
    quote = next((quote for quote in _QUOTES[1:] if document.text.startswith(quote, span.key)), "")
    return _rename(document.text, span.key + len(quote), name, meant)


def rename_value(document: Document, pointer: str, name: str, meant: str) -> Edit | None:
    """Another name for the one that is the value at the pointer."""
    span = _span(document, pointer)
    if span is None or written(document.text, span) != name:
        return None
    return _rename(document.text, span.start + len(span.style), name, meant)


def rename_within(document: Document, pointer: str, offset: int, name: str, meant: str) -> Edit | None:
    """Another name for the one in a template's path, which begins at `offset` of the string there."""
    span = _span(document, pointer)
    value = document.value_at(pointer) if span else None
    if span is None or not isinstance(value, str):
        return None
    path = _REFERENCE.match(value, offset)
    places = list(re.finditer(rf"(?<![\w-]){re.escape(name)}(?![\w-])", path[0])) if path else []
    if len(places) != 1:
        return None
    index = index_within(document.text, span, value, offset + places[0].start())
    return _rename(document.text, index, name, meant)


def rewrite_value(document: Document, pointer: str, replacement: str) -> Edit | None:
    """Another way to write the scalar at the pointer."""
    span = _span(document, pointer)
    if span is None or written(document.text, span) is None:
        return None
    return edit_between(document.text, span.start, span.end, replacement)


def written(text: str, span: Span) -> str | None:
    """A scalar as it is written between its quotes; nothing when more than that stands there."""
    shown = text[span.start : span.end]
    if span.style not in _QUOTES or span.children or shown[:1] in {"&", "!", "*"}:
        return None
    return shown.removeprefix(span.style).removesuffix(span.style)


def _span(document: Document, pointer: str) -> Span | None:
    if document.span is None:
        return None
    span, found = find_span(document.span, pointer)
    return span if found else None


def _rename(text: str, start: int, name: str, meant: str) -> Edit | None:
    end = start + len(name)
    if text[start:end] != name or not _SAFE_NAME.fullmatch(meant):
        return None
    return edit_between(text, start, end, meant)
