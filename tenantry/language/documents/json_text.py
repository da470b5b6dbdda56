"""JSON text as events. A fast parser checks the grammar first; here only the tokens are told apart."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import orjson

from tenantry.language.documents.events import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(r'[{}\[\]]|"[^"\\]*(?:\\.[^"\\]*)*"|[-+.0-9a-zA-Z]+')
_BRACKETS: Final = {"{": Kind.OBJECT, "[": Kind.ARRAY, "}": Kind.END, "]": Kind.END}


def is_json(text: str) -> bool:
    """Whether the text is one JSON object or array. Other texts, broken JSON among them, are read as YAML."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def json_events(text: str) -> Iterator[Event]:
    """The events of a text that `is_json`."""
    for match in _TOKEN.finditer(text):
        token, start = match[0], match.start()
        if (kind := _BRACKETS.get(token)) is not None:
            yield Event(kind, start)
        elif token[0] == '"':
            yield Event(Kind.SCALAR, start, json.loads(token), '"')
        else:
            yield Event(Kind.SCALAR, start, token)
    yield Event(Kind.DOCUMENT_END, len(text))
