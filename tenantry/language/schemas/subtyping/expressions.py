"""Regular expressions as sets of texts, read character by character.

What is left of an expression after a character is an expression again, its derivative (Brzozowski 1964).
There are only finitely many of them, so languages are compared by walking over them. The anchors `^`
and `$` hold by position: the walk says whether it is at the start of the text or at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Characters: TypeAlias = tuple[tuple[int, int], ...]
"""Ranges of code points, both ends included, in order and apart."""

_LAST: Final = 0x10FFFF
_SURROGATES: Final = (0xD800, 0xDFFF)

EVERY: Final[Characters] = ((0, _SURROGATES[0] - 1), (_SURROGATES[1] + 1, _LAST))
"""All characters; surrogates are none."""


def union(*sets: Iterable[tuple[int, int]]) -> Characters:
    """The characters of any of the sets."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(characters: Characters) -> Characters:
    """All other characters."""
    gaps = []
    start = 0
    for low, high in union(characters, (_SURROGATES,)):
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        gaps.append((start, _LAST))
    return tuple(gaps)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A regular expression; made by `Expressions`, where equal ones are one, and compared by identity.

    Attributes:
        kind: `nothing`, `empty`, `start`, `end`, `one` (character), `then`, `either` or `repeat`.
        characters: of `one`.
        parts: of `then` (two), `either` (any number) and `repeat` (one).
        least: of `repeat`.
        most: of `repeat`; `None` when there is no bound.
        anchored: whether there is an anchor in it.
    """

    kind: str
    characters: Characters = ()
    parts: tuple[Expression, ...] = ()
    least: int = 0
    most: int | None = None
    anchored: bool = False


@dataclass(slots=True)
class Expressions:
    """Makes expressions, simplified so that equal languages mostly are the same object."""

    _made: dict[tuple[object, ...], Expression] = field(default_factory=dict)
    _derivatives: dict[tuple[Expression, int, bool], Expression] = field(default_factory=dict)

    def _make(
        self,
        kind: str,
        characters: Characters = (),
        parts: tuple[Expression, ...] = (),
        least: int = 0,
        most: int | None = None,
    ) -> Expression:
        key = (kind, characters, parts, least, most)
        if key not in self._made:
            anchored = kind in {"start", "end"} or any(part.anchored for part in parts)
            self._made[key] = Expression(kind, characters, parts, least, most, anchored)
        return self._made[key]

    @property
    def nothing(self) -> Expression:
        """No text."""
        return self._make("nothing")

    @property
    def empty(self) -> Expression:
        """The empty text."""
        return self._make("empty")

    @property
    def anything(self) -> Expression:
        """Every text."""
        return self.repeat(self.one(EVERY), 0, None)

    def anchor(self, kind: str) -> Expression:
        """The empty text at the start, or at the end."""
        return self._make(kind)

    def one(self, characters: Characters) -> Expression:
        """Any one of the characters."""
        return self._make("one", characters) if characters else self.nothing

    def text(self, text: str) -> Expression:
        """Exactly this text."""
        made = self.empty
        for character in reversed(text):
            made = self.then(self.one(((ord(character), ord(character)),)), made)
        return made

    def then(self, first: Expression, second: Expression) -> Expression:
        """One after the other."""
        if first is self.nothing or second is self.nothing:
            return self.nothing
        if first is self.empty:
            return second
        if second is self.empty or (first is second is self.anything):
            return first
        if first.kind == "then":
            return self.then(first.parts[0], self.then(first.parts[1], second))
        return self._make("then", parts=(first, second))

    def either(self, *choices: Expression) -> Expression:
        """Any of them."""
        flat: dict[Expression, None] = {}
        for choice in choices:
            flat.update(dict.fromkeys(choice.parts if choice.kind == "either" else (choice,)))
        flat.pop(self.nothing, None)
        if self.anything in flat:
            return self.anything
        if len(flat) < 2:  # noqa: PLR2004 -- one choice is none
            return next(iter(flat), self.nothing)
        return self._make("either", parts=tuple(sorted(flat, key=id)))

    def repeat(self, part: Expression, least: int, most: int | None) -> Expression:
        """From `least` to `most` times; `part` has no anchors."""
        if most == 0 or part is self.empty:
            return self.empty
        if part is self.nothing:
            return self.nothing if least else self.empty
        if least == most == 1:
            return part
        if self.accepts(part, at_start=False):
            least = 0
        return self._make("repeat", parts=(part,), least=least, most=most)

    def accepts(self, expression: Expression, *, at_start: bool, at_end: bool = True) -> bool:
        """Whether the empty text at this position is one of its texts."""
        kind = expression.kind
        if kind in {"then", "either"}:
            accepted = (self.accepts(part, at_start=at_start, at_end=at_end) for part in expression.parts)
            return all(accepted) if kind == "then" else any(accepted)
        if kind == "repeat":
            return expression.least == 0
        return kind == "empty" or (kind == "start" and at_start) or (kind == "end" and at_end)

    def after(self, expression: Expression, character: int, *, at_start: bool) -> Expression:
        """The texts that are left after a character."""
        key = (expression, character, at_start)
        if key not in self._derivatives:
            self._derivatives[key] = self._after(expression, character, at_start=at_start)
        return self._derivatives[key]

    def _after(self, expression: Expression, character: int, *, at_start: bool) -> Expression:
        parts = expression.parts
        match expression.kind:
            case "one":
                found = any(low <= character <= high for low, high in expression.characters)
                return self.empty if found else self.nothing
            case "then":
                left = self.then(self.after(parts[0], character, at_start=at_start), parts[1])
                if not self.accepts(parts[0], at_start=at_start, at_end=False):
                    return left
                return self.either(left, self.after(parts[1], character, at_start=at_start))
            case "either":
                return self.either(*(self.after(part, character, at_start=at_start) for part in parts))
            case "repeat":
                most = None if expression.most is None else expression.most - 1
                again = self.repeat(parts[0], max(expression.least - 1, 0), most)
                return self.then(self.after(parts[0], character, at_start=at_start), again)
        return self.nothing


def alphabet(expressions: Iterable[Expression]) -> tuple[int, ...]:
    """One character for each kind that the expressions tell apart, letters and digits first."""
    sets: dict[Characters, None] = {}
    stack = list(expressions)
    seen = set(stack)
    while stack:
        expression = stack.pop()
        if expression.kind == "one":
            sets[expression.characters] = None
        fresh = [part for part in expression.parts if part not in seen]
        seen.update(fresh)
        stack += fresh
    edges = {0, _SURROGATES[1] + 1, *_FRIENDLY}
    edges.update(edge for characters in sets for low, high in characters for edge in (low, high + 1))
    found: dict[tuple[bool, ...], int] = {}
    for edge in sorted(edges, key=_unfriendliness):
        if edge <= _LAST and not _SURROGATES[0] <= edge <= _SURROGATES[1]:
            signature = tuple(any(low <= edge <= high for low, high in characters) for characters in sets)
            found.setdefault(signature, edge)
    return tuple(found.values())


_FRIENDLY: Final = tuple(map(ord, "a0A -_"))


def _unfriendliness(character: int) -> tuple[int, int]:
    if character in _FRIENDLY:
        return (0, _FRIENDLY.index(character))
    return (1 if ord(" ") < character < ord("\x7f") else 2, character)
