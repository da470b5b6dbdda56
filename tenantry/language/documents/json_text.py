"""JSON text for a builder. A fast parser checks the grammar first; here only the tokens are told apart."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from tenantry.language.documents.building import Builder

_TOKEN: Final = re.compile(r'[{}\[\]]|"[^"\\]*(?:\\.[^"\\]*)*"|[-+.0-9a-zA-Z]+')
_OPENING: Final = frozenset("{[")
_CLOSING: Final = frozenset("}]")


def is_json(text: str) -> bool:
    """Whether the text is one JSON object or array. Other texts, broken JSON among them, are read as YAML."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def build_json(text: str, builder: Builder) -> None:
    """Builds the document of a text that `is_json`.

    Raises:
        Refused: a bound is reached.
    """
    for match in _TOKEN.finditer(text):
        part, start = match[0], match.start()
        if part[0] == '"':
            plain = json.loads(part) if "\\" in part else part[1:-1]
            builder.scalar(start, match.end(), plain, '"')
        elif part in _OPENING:
            builder.begin(start, mapping=part == "{")
        elif part in _CLOSING:
            builder.end(start, match.end())
        else:
            builder.scalar(start, match.end(), part, "")
    builder.end_document()
