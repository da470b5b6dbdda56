"""Changing a value where it stands, so that comments and layout stay: behind quick fixes and forms.

What was written is read again and compared with what was meant. A text that cannot be changed in place, such
as under an alias, is refused, never spoiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.spans import pointer_tokens
from tenantry.language.documents.splices import GONE, splices
from tenantry.language.values import dump_json, pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.documents.document import Document, Parsed

END: Final = "-"
"""The token behind the last entry of a list (RFC 6902)."""

_Tokens: TypeAlias = list[str]


class EditError(Exception):
    """The text cannot be changed in place."""

    code = "documents.not_editable"

    def __init__(self, pointer: str) -> None:
        super().__init__(f"the value at {pointer or 'the root'} cannot be changed in place")
        self.pointer = pointer


def set_value(document: Document, pointer: str, value: Any) -> str:
    """The text the document is in, with another value at the pointer.

    Only what differs is written: where mappings and lists are alike, their comments and order stay.

    Args:
        document: from a text.
        pointer: JSON pointer; its last token may name a field that is not there yet, or be `END` of a list.
        value: any JSON value.

    Raises:
        EditError: that is not possible in place.
    """
    tokens = pointer_tokens(pointer)
    for place, new in _changes(tokens, _value_at(document.raw, tokens), value):
        document = _changed(document, place, new)
    return document.text


def remove_value(document: Document, pointer: str) -> str:
    """The text the document is in, without the field or the entry of a list at the pointer.

    Raises:
        EditError: that is not possible in place.
    """
    return _changed(document, pointer_tokens(pointer), GONE).text


def _changes(tokens: _Tokens, old: Any, new: Any) -> Iterator[tuple[_Tokens, Any]]:
    """The values to set or remove, one after the other, so that the old value becomes the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() - new.keys():
            yield [*tokens, key], GONE
        for key, value in new.items():
            yield from _changes([*tokens, key], old.get(key, GONE), value)
    elif isinstance(old, list) and isinstance(new, list):
        for index in reversed(range(len(new), len(old))):
            yield [*tokens, str(index)], GONE
        for index, value in enumerate(new):
            if index < len(old):
                yield from _changes([*tokens, str(index)], old[index], value)
            else:
                yield [*tokens, END], value
    elif old is GONE or dump_json(old) != dump_json(new):
        yield tokens, new


def _changed(document: Document, tokens: _Tokens, value: Any) -> Document:
    """The document of the text in which one value is set or removed."""
    pointer = "".join(map(pointer_token, tokens))
    try:
        expected = _with(document.raw, tokens, value)
    except LookupError:
        raise EditError(pointer) from None
    if document.span is None or not tokens:
        raise EditError(pointer)
    before = parse_documents(document.text, document.source)
    place = [other.span for other in before.documents].index(document.span)
    wanted = _contents(before)
    wanted[place] = expected
    for start, end, written in splices(document.text, document.span, tokens, value):
        text = document.text[:start] + written + document.text[end:]
        after = parse_documents(text, document.source)
        if dump_json(_contents(after)) == dump_json(wanted) and len(after.findings) <= len(before.findings):
            return after.documents[place]
    raise EditError(pointer)


def _contents(parsed: Parsed) -> list[Any]:
    return [document.raw for document in parsed.documents]


def _value_at(raw: Any, tokens: _Tokens) -> Any:
    try:
        for token in tokens:
            raw = raw[_index(raw, token)]
    except LookupError:
        return GONE
    return raw


def _with(raw: Any, tokens: _Tokens, value: Any) -> Any:
    """The value with one in it set, or removed when it is `GONE`.

    Raises:
        LookupError: the tokens lead nowhere.
    """
    if not tokens:
        return value
    token, *rest = tokens
    if isinstance(raw, list) and tokens == [END] and value is not GONE:
        return [*raw, value]
    if isinstance(raw, dict) and token not in raw and not rest and value is not GONE:
        return raw | {token: value}
    index = _index(raw, token)
    changed = raw.copy()
    changed[index] = _with(raw[index], rest, value)
    if changed[index] is GONE:
        del changed[index]
    return changed


def _index(raw: Any, token: str) -> Any:
    """What the token looks up in a collection.

    Raises:
        LookupError: it looks up nothing.
    """
    if isinstance(raw, dict) and token in raw:
        return token
    if isinstance(raw, list) and token.isdecimal() and str(int(token)) == token and int(token) < len(raw):
        return int(token)
    raise LookupError(token)
