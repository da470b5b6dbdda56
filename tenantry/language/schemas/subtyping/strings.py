"""Looks for a string with given lengths that matches some patterns and not others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.schemas.subtyping.answers import Answer, Doubt, Witness
from tenantry.language.schemas.subtyping.bounds import Lengths, lengths
from tenantry.language.schemas.subtyping.expressions import Expression, Expressions, alphabet
from tenantry.language.schemas.subtyping.formulas import Literal, Pattern
from tenantry.language.schemas.subtyping.holding import matches
from tenantry.language.schemas.subtyping.patterns import UnreadableError, read_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

    from tenantry.language.schemas.subtyping.steps import Steps

MAX_LENGTH: Final = 5_000
"""A string longer than that is no example."""

_SAMPLES: Final = (
    "",
    "a",
    "A",
    "0",
    "1",
    "-",
    " ",
    "x",
    "aa",
    "ab",
    "abc",
    "Ab1",
    "a-b",
    "a b",
    "2020-01-01",
)
_MAX_WALK: Final = 20_000


def find_string(facts: Sequence[Literal], excluded: Collection[Hashable], steps: Steps) -> Answer:
    """Looks for a string of which the facts hold, and which is none of the excluded."""
    allowed = lengths(facts)
    if allowed is None:
        return None
    patterns = {(fact.formula.pattern, fact.positive) for fact in facts if isinstance(fact.formula, Pattern)}
    if any((pattern, not positive) in patterns for pattern, positive in patterns):
        return None
    if allowed.least > MAX_LENGTH:
        return Doubt(f"a string of at least {allowed.least} characters is too long to try")
    for text in _candidates(allowed, len(excluded), plain=not patterns):
        steps.take()
        if allowed.allow(len(text)) and text not in excluded and _satisfies(text, patterns):
            return Witness(text)
    return _Walk(allowed, patterns, excluded, steps).find() if patterns else None


def _satisfies(text: str, patterns: Iterable[tuple[str, bool]]) -> bool:
    return all(matches(pattern, text) is positive for pattern, positive in patterns)


def _candidates(allowed: Lengths, excluded: int, *, plain: bool) -> Iterator[str]:
    """Texts people would think of; without patterns so many that the excluded cannot be all of them."""
    yield from _SAMPLES
    if plain:
        yield "a" * allowed.least
        longest = allowed.least + 1 if allowed.most is None else allowed.most
        size = min(max(allowed.least, 1), longest)
        yield from (chr(ord("b") + number) * size for number in range(excluded + 1))


class _Walk:
    """Walks over all patterns at once, shortest texts first, until a text satisfies all of them."""

    def __init__(
        self,
        allowed: Lengths,
        patterns: Iterable[tuple[str, bool]],
        excluded: Iterable[Hashable],
        steps: Steps,
    ) -> None:
        self._allowed = allowed
        self._patterns = sorted(patterns)
        self._excluded = excluded
        self._steps = steps
        self._make = Expressions()

    def find(self) -> Answer:
        """The shortest such text."""
        try:
            start = [read_pattern(pattern, self._make) for pattern, _ in self._patterns]
        except UnreadableError:
            shown = " and ".join(f"'{pattern}'" for pattern, _ in self._patterns)
            return Doubt(f"whether a string matches the pattern {shown} is not taken apart")
        wanted = [positive for _, positive in self._patterns]
        texts = [text for text in self._excluded if isinstance(text, str) and self._allowed.allow(len(text))]
        start += [self._make.text(text) for text in texts]
        return self._search(tuple(start), wanted + [False] * len(texts))

    def _search(self, start: tuple[Expression, ...], wanted: list[bool]) -> Answer:
        characters = alphabet(start)
        level: dict[tuple[Expression, ...], str] = {start: ""}
        seen: set[tuple[tuple[Expression, ...], int]] = set()
        left = _MAX_WALK
        length = 0
        while level and (self._allowed.most is None or length <= self._allowed.most):
            if length >= self._allowed.least:
                for state, text in level.items():
                    if self._is_accepted(state, wanted, at_start=not length):
                        return Witness(text)
            left -= len(level) * len(characters)
            self._steps.take(len(level) * len(characters) * len(start) // 5)
            if left < 0 or length > MAX_LENGTH:
                return Doubt("the patterns are too large to take apart")
            level = self._next(level, characters, wanted, at_start=not length)
            length += 1
            counted = min(length, self._allowed.least)
            level = {state: text for state, text in level.items() if (state, counted) not in seen}
            seen.update((state, counted) for state in level)
        return None

    def _next(
        self,
        level: dict[tuple[Expression, ...], str],
        characters: Iterable[int],
        wanted: list[bool],
        *,
        at_start: bool,
    ) -> dict[tuple[Expression, ...], str]:
        found: dict[tuple[Expression, ...], str] = {}
        for state, text in level.items():
            for character in characters:
                after = tuple(self._make.after(part, character, at_start=at_start) for part in state)
                if after not in found and not self._is_lost(after, wanted):
                    found[after] = text + chr(character)
        return found

    def _is_accepted(self, state: tuple[Expression, ...], wanted: list[bool], *, at_start: bool) -> bool:
        return all(
            self._make.accepts(part, at_start=at_start) is positive
            for part, positive in zip(state, wanted, strict=True)
        )

    def _is_lost(self, state: tuple[Expression, ...], wanted: list[bool]) -> bool:
        """Whether no text that goes on from here can be right: for some pattern none is, or all are wrong."""
        return any(
            part is (self._make.nothing if positive else self._make.anything)
            for part, positive in zip(state, wanted, strict=True)
        )
