"""Reads patterns into expressions: the everyday part of the syntax, as the engine reads it."""

from __future__ import annotations

from typing import Final

from tenantry.language.schemas.subtyping.expressions import (
    EVERY,
    Characters,
    Expression,
    Expressions,
    complement,
    union,
)

_DIGITS: Final[Characters] = ((0x30, 0x39),)
_WORD: Final[Characters] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final[Characters] = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)
_CLASSES: Final[dict[str, Characters]] = {
    "d": _DIGITS,
    "D": complement(_DIGITS),
    "w": _WORD,
    "W": complement(_WORD),
    "s": _SPACE,
    "S": complement(_SPACE),
}
_ESCAPES: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_NOT_NEWLINE: Final = complement(((0x0A, 0x0A),))
_PUNCTUATION: Final = frozenset("^$\\.*+?()[]{}|/-_#&~,:;=!'\"%@ ")
_ANCHORS: Final = {"^": "start", "$": "end"}
_REPEATS: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_HEX_DIGITS: Final = {"x": 2, "u": 4}
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")
_MAX_NESTING: Final = 50
_MAX_ANCHORS: Final = {"^": "start", "$": "end"}
_MAX_TIMES: Final = 1_000


class UnreadableError(ValueError):
    """A pattern uses syntax beyond the everyday one."""


def read_pattern(pattern: str, expressions: Expressions) -> Expression:
    """The texts a part of which matches a pattern.

    Raises:
        UnreadableError: it uses syntax that is not read, such as word boundaries and Unicode classes.
    """
    found = _Parser(pattern, expressions).parse()
    return expressions.then(expressions.anything, expressions.then(found, expressions.anything))


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str, expressions: Expressions) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self._make = expressions

    def parse(self) -> Expression:
        """The whole pattern."""
        found = self._choices()
        if self._at < len(self._pattern):
            raise UnreadableError
        return found

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1 : self._at]

    def _takes(self, text: str) -> bool:
        if not self._pattern.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _choices(self) -> Expression:
        choices = [self._sequence()]
        while self._takes("|"):
            choices.append(self._sequence())
        return self._make.either(*choices)

    def _sequence(self) -> Expression:
        parts = []
        while self._peek() not in {"", "|", ")"}:
            parts.append(self._repeated())
        made = self._make.empty
        for part in reversed(parts):
            made = self._make.then(part, made)
        return made

    def _repeated(self) -> Expression:
        part = self._single()
        while (times := self._times()) is not None:
            if part.anchored:
                raise UnreadableError
            self._takes("?")  # lazy: the same texts
            part = self._make.repeat(part, *times)
        return part

    def _times(self) -> tuple[int, int | None] | None:
        if self._peek() in _REPEATS:
            return _REPEATS[self._next()]
        return self._counted() if self._takes("{") else None

    def _counted(self) -> tuple[int, int | None]:
        text = self._until("}")
        low, comma, high = text.partition(",")
        if not low.isdecimal() or not (high.isdecimal() or not high):
            raise UnreadableError
        least = int(low)
        most = (int(high) if high else None) if comma else least
        if max(least, most or 0) > _MAX_TIMES or (most is not None and most < least):
            raise UnreadableError
        return least, most

    def _until(self, end: str) -> str:
        text, found, _ = self._pattern[self._at :].partition(end)
        if not found or not text.isascii():
            raise UnreadableError
        self._at += len(text) + 1
        return text

    def _single(self) -> Expression:
        character = self._next()
        if character in _ANCHORS:
            return self._make.anchor(_ANCHORS[character])
        if character == "(":
            return self._group()
        match character:
            case ".":
                characters = _NOT_NEWLINE
            case "[":
                characters = self._class()
            case "\\":
                characters = self._escape()
            case _:
                characters = ((ord(character), ord(character)),)
        return self._make.one(characters)

    def _group(self) -> Expression:
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise UnreadableError
        if self._takes("?P<") or self._takes("?<"):
            self._until(">")
        elif self._peek() == "?" and not self._takes("?:"):
            raise UnreadableError
        found = self._choices()
        if not self._takes(")"):
            raise UnreadableError
        self._depth -= 1
        return found

    def _escape(self) -> Characters:
        character = self._next()
        if character in _CLASSES:
            return _CLASSES[character]
        code = self._code(character)
        return ((code, code),)

    def _code(self, character: str) -> int:
        if character in _ESCAPES:
            return _ESCAPES[character]
        if character in _PUNCTUATION and character:
            return ord(character)
        digits = self._pattern[self._at : self._at + _HEX_DIGITS.get(character, 0)]
        if len(digits) != _HEX_DIGITS.get(character) or not _HEXADECIMAL.issuperset(digits):
            raise UnreadableError
        self._at += len(digits)
        code = int(digits, 16)
        if not any(low <= code <= high for low, high in EVERY):
            raise UnreadableError
        return code

    def _class(self) -> Characters:
        negated = self._takes("^")
        found: list[Characters] = []
        while not self._takes("]"):
            found.append(self._range())
        if not found:
            raise UnreadableError
        characters = union(*found)
        return complement(characters) if negated else characters

    def _range(self) -> Characters:
        low = self._member()
        is_range = self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in {"]", ""}
        if not is_range:
            return low
        self._next()
        high = self._member()
        ends = (low[0][0], high[-1][1])
        if len(low) > 1 or len(high) > 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
            raise UnreadableError
        if ends[0] > ends[1]:
            raise UnreadableError
        return (ends,)

    def _member(self) -> Characters:
        character = self._next()
        if character == "\\":
            return self._escape()
        if character in {"", "["} or (character in "&~-" and self._peek() == character):
            raise UnreadableError
        return ((ord(character), ord(character)),)
