"""Unquoted text into values by the YAML 1.2 core schema: `yes` and dates are text, `.nan` is refused."""

from __future__ import annotations

import math
import re
from typing import Final

from tenantry.language.codes import Code
from tenantry.language.documents.refusals import Refused

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_START: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BASES: Final = {"0o": 8, "0x": 16}
_LONGEST_NUMBER: Final = 300
_SHOWN: Final = 40
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def plain_value(text: str, start: int) -> bool | int | float | str | None:
    """The value of unquoted text.

    Raises:
        Refused: a number that is not finite, or does not fit in 64 bits.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text, start)
    if _FLOAT.fullmatch(text):
        return _float(text, start)
    if _NOT_FINITE.fullmatch(text):
        raise _refused(text, start, "is not a finite number")
    return text


def checked_text(text: str, start: int) -> str:
    """The text, if it can be stored.

    Raises:
        Refused: it holds U+0000 or a lone surrogate.
    """
    match = _UNSTORABLE.search(text)
    if match is None:
        return text
    what = "U+0000" if match[0] == "\0" else f"the lone surrogate U+{ord(match[0]):04X}"
    raise Refused(Code.UNSTORABLE_TEXT, f"this text holds {what}, which cannot be stored", start, "remove it")


def _integer(text: str, start: int) -> int:
    base = _BASES.get(text[:2], 10)
    value = int(text, base) if len(text) <= _LONGEST_NUMBER else 2**63
    if not -(2**63) <= value < 2**63:
        raise _refused(text, start, "does not fit in 64 bits")
    return value


def _float(text: str, start: int) -> float:
    value = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if math.isinf(value):
        raise _refused(text, start, "overflows a double")
    return value


def _refused(text: str, start: int, reason: str) -> Refused:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return Refused(
        Code.NUMBER_OUT_OF_RANGE, f"the number {shown} {reason}", start, "quote it to keep it as text"
    )
