"""JSON values: what flows through workflows, and the one bounded parser everything from outside goes through.

Bounds follow SPEC 16: NaN, Infinity, numbers that overflow, deep nesting, lone surrogates and U+0000 (which
PostgreSQL's jsonb refuses) are refused here, before anything is stored.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import orjson

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"

MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 300

_NUL: Final = b"\\u0000"
_LONG_NUMBER: Final = re.compile(rb"[0-9]{19}|[eE][+-]?[0-9]{3}")
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER: Final = re.compile(rb"-?[0-9][0-9.eE+-]*")
_MAX_SAFE: Final = 2**63


class JsonError(ValueError):
    """A text is not JSON within our bounds."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_json(data: bytes) -> Json:
    """Parses one JSON text.

    Raises:
        JsonError: not JSON, nested deeper than 64, a number that a double or a 64-bit integer cannot hold,
            a lone surrogate, or U+0000 in a string.
    """
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth_exceeds(data):
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
    if _LONG_NUMBER.search(data):
        _check_numbers(data)
    try:
        value: Json = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    if _NUL in data and _has_nul(value):
        raise JsonError("a string holds U+0000, which cannot be stored")
    return value


def dump_json(value: Json) -> bytes:
    """The value as compact JSON, keys in their order."""
    return orjson.dumps(value)


def canonical_json(value: Json) -> bytes:
    """The value as JSON with sorted keys: equal values give equal bytes. Content hashes are taken over this."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def type_name(value: Json) -> str:
    """The JSON Schema name of the value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def _depth_exceeds(data: bytes) -> bool:
    depth = 0
    for byte in re.findall(rb"[\[\]{}]", _STRING.sub(b"", data)):
        depth += 1 if byte in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _check_numbers(data: bytes) -> None:
    # orjson silently turns integers past 64 bits into doubles; a caller's id must not change its value.
    for match in _NUMBER.finditer(_STRING.sub(b'""', data)):
        text = match.group()
        if len(text) > MAX_DIGITS:
            raise JsonError(f"a number has more than {MAX_DIGITS} digits")
        if re.fullmatch(rb"-?[0-9]+", text):
            if not -_MAX_SAFE <= int(text) < _MAX_SAFE:
                raise JsonError(f"the integer {text[:40].decode()} does not fit in 64 bits")
        else:
            _check_finite(text)


def _check_finite(text: bytes) -> None:
    try:
        overflows = float(text) in (float("inf"), float("-inf"))
    except ValueError:
        return  # not a number at all: the parser says so with a position
    if overflows:
        raise JsonError(f"the number {text[:40].decode()} overflows a double")


def _has_nul(value: Json) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item)
            stack.extend(item.values())
    return False
