"""JSON values as canonical YAML: one way to write each, read back as the same by YAML 1.2 and 1.1 alike.

`editing` writes with it what an author did not, front doors show stored definitions with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.values import dump_json

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document

INDENT: Final = 2

_PLAIN: Final = re.compile(r"[A-Za-z_/][\w./@+%$()=-]*(?: [\w./@+%$()=-]+)*", re.ASCII)
_MEASURE: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d|xx)")
_NO_TEXT: Final = re.compile(r"null|true|false|yes|no|on|off|y|n", re.IGNORECASE)  # some only in YAML 1.1
_BLOCK: Final = re.compile(r"\S.*(?:\n+.+)+\n?")
_UNREADABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_UNFIT: Final = re.compile(f"{_UNREADABLE.pattern}|[\x00-\x09\x0b-\x1f]|[ ](?:\n|\\Z)")
_LONGEST_KEY: Final = 1000  # from 1024 characters on YAML wants a question mark before it


def print_document(document: Document) -> str:
    """The document as canonical YAML, its fields in their order; comments are not part of it."""
    return "\n".join(block_lines(document.raw)) + "\n"


def block_lines(value: Any) -> list[str]:
    """The value over as many lines as it takes, the first of which begins where the value does."""
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in entry_lines(key, item)]
    if isinstance(value, list) and value:
        return [line for item in value for line in item_lines(item)]
    if isinstance(value, str) and _BLOCK.fullmatch(value) and not _UNFIT.search(value):
        lines = value.removesuffix("\n").split("\n")
        return ["|" if value.endswith("\n") else "|-", *_indented(lines)]
    return [inline(value)]


def entry_lines(key: str, value: Any) -> list[str]:
    """A key with its value."""
    written = _text(key)
    heads = [f"{written}:"] if len(written) <= _LONGEST_KEY else [f"? {written}", ":"]
    lines = block_lines(value)
    if isinstance(value, dict | list) and value:
        return [*heads, *_indented(lines)]
    return [*heads[:-1], f"{heads[-1]} {lines[0]}", *lines[1:]]


def item_lines(value: Any) -> list[str]:
    """An entry of a list."""
    first, *rest = block_lines(value)
    return [f"- {first}", *(rest if isinstance(value, str) else _indented(rest))]


def inline(value: Any) -> str:
    """The value on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key)}: {inline(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    return _text(value) if isinstance(value, str) else json_line(value)


def json_line(value: Any) -> str:
    """The value as JSON on one line, with nothing in it that YAML does not take."""
    return _UNREADABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", dump_json(value).decode())


def _text(value: str) -> str:
    if _MEASURE.fullmatch(value) or (_PLAIN.fullmatch(value) and not _NO_TEXT.fullmatch(value)):
        return value
    return json_line(value)


def _indented(lines: list[str]) -> list[str]:
    return [" " * INDENT + line if line else "" for line in lines]
