"""JSON values: what flows through workflows, and the one bounded parser everything from outside goes through.

Bounds follow SPEC 16: NaN, Infinity, numbers that overflow, deep nesting, lone surrogates and U+0000 (which
PostgreSQL's jsonb refuses) are refused here, before anything is stored. Values are
shared, never changed in place.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

import orjson

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 300

_CONTAINERS: Final[frozenset[type]] = frozenset((list, dict))
_NUL: Final = b"\\u0000"
_TYPE_NAMES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}

# Every digit as "0", so that one memory search finds a long run of digits: 13 times faster than a pattern.
_DIGITS_AS_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_RUN: Final = b"0" * 19
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?P<number>-?[0-9][0-9.eE+-]*+)', re.DOTALL)
_INTEGER: Final = re.compile(rb"-?[0-9]+")
_INT64: Final = range(-(2**63), 2**63)


class JsonError(ValueError):
    """A text is not JSON within our bounds."""

    code = "json.refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_json(data: bytes) -> Json:
    """Parses one JSON text.

    Raises:
        JsonError: not JSON, nested deeper than 64, a number that a double or a 64-bit integer cannot hold,
            a lone surrogate, or U+0000 in a string.
    """
    try:
        value: Json = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth_exceeds(value):
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
    if _LONG_RUN in data.translate(_DIGITS_AS_ZERO):
        _check_numbers(data)
    if _NUL in data and _has_nul(value):
        raise JsonError("a string holds U+0000, which cannot be stored")
    return value


def dump_json(value: Json) -> bytes:
    """The value as compact JSON, keys in their order.

    Raises:
        JsonError: not a value `parse_json` gives: nested beyond 254 levels, an integer past 64 bits, a lone
            surrogate.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise JsonError(f"cannot be written as JSON: {error}") from None


def canonical_json(value: Json) -> bytes:
    """The value as JSON with sorted keys: equal values give equal bytes, and so equal content hashes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def type_name(value: Json) -> str:
    """The JSON Schema name of the value's type."""
    return _TYPE_NAMES[type(value)]


def pointer_token(key: str | int) -> str:
    """The key as one step of a JSON pointer (RFC 6901), its slash included."""
    return "/" + str(key).replace("~", "~0").replace("/", "~1")


def _depth_exceeds(value: Json) -> bool:
    # Level by level, and by exact type: this runs on every large answer, and isinstance doubles its time.
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) in _CONTAINERS
        ]
    return bool(level)


def _check_numbers(data: bytes) -> None:
    # orjson silently turns integers past 64 bits into doubles; a caller's id must not change its value.
    for match in _TOKEN.finditer(data):
        text = match["number"]
        if text is None:
            continue
        if len(text) > MAX_DIGITS:
            raise JsonError(f"a number has more than {MAX_DIGITS} digits")
        if _INTEGER.fullmatch(text) and int(text) not in _INT64:
            raise JsonError(f"the integer {text[:40].decode()} does not fit in 64 bits")


def _has_nul(value: Json) -> bool:
    stack: list[Json] = [value]
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
