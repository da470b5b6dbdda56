"""Looks for a number within bounds that is a multiple of some numbers and not of others.

Numbers count as they are written in decimals, as for the engine that judges values.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from math import ceil, floor, gcd, lcm
from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.language.schemas.subtyping.answers import Answer, Doubt, Witness
from tenantry.language.schemas.subtyping.formulas import Bound, Literal, Multiple
from tenantry.language.schemas.subtyping.holding import hold

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Sequence

    from tenantry.language.schemas.subtyping.steps import Steps

_MAX_TRIED: Final = 1_000
_OFFSETS: Final = sorted(range(-25, 26), key=lambda offset: (abs(offset), -offset))
_WIDE: Final = 1_000
_MAX_INTEGER: Final = 2**63


class _Interval(NamedTuple):
    """The numbers between two bounds, which may belong to it or not."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False

    def narrowed(self, bound: Bound) -> _Interval:
        """The part within a further bound."""
        limit = _exact(bound.limit)
        if bound.is_lower:
            if self.low is None or (limit, bound.exclusive) > (self.low, self.low_open):
                return self._replace(low=limit, low_open=bound.exclusive)
        elif self.high is None or (-limit, bound.exclusive) > (-self.high, self.high_open):
            return self._replace(high=limit, high_open=bound.exclusive)
        return self

    def is_empty(self) -> bool:
        """Whether there is no number in it."""
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def multiples(self, step: Fraction) -> tuple[int | None, int | None]:
        """The first and the last factor whose multiple of `step` is in it; `None` where there is no end."""
        first = last = None
        if self.low is not None:
            first = ceil(self.low / step)
            first += self.low_open and first * step == self.low
        if self.high is not None:
            last = floor(self.high / step)
            last -= self.high_open and last * step == self.high
        return first, last


def find_integer(facts: Sequence[Literal], excluded: Collection[Hashable], steps: Steps) -> Answer:
    """Looks for an integer of which the facts hold, and which is none of the excluded."""
    return _find(facts, excluded, steps, Fraction(1), is_whole=True)


def find_fraction(facts: Sequence[Literal], excluded: Collection[Hashable], steps: Steps) -> Answer:
    """Looks for a number that is no integer, of which the facts hold, and which is none of the excluded."""
    return _find(facts, excluded, steps, None, is_whole=False)


def _find(
    facts: Sequence[Literal],
    excluded: Collection[Hashable],
    steps: Steps,
    step: Fraction | None,
    *,
    is_whole: bool,
) -> Answer:
    interval = _interval(facts)
    if interval.is_empty():
        return None
    for of in _multiples(facts, positive=True):
        step = of if step is None else _common(step, of)
    if not is_whole and step is not None and step.denominator == 1:
        return None
    avoided = _multiples(facts, positive=False)
    if step is None:
        return _between(interval, facts, excluded, avoided, steps)
    if any((step / of).denominator == 1 for of in avoided):
        return None
    return _among(interval, step, facts, excluded, steps, is_whole=is_whole)


def _multiples(facts: Sequence[Literal], *, positive: bool) -> list[Fraction]:
    """Of what the number is to be a multiple, or is not to be one."""
    return [
        _exact(fact.formula.of)
        for fact in facts
        if isinstance(fact.formula, Multiple) and fact.positive is positive
    ]


def _interval(facts: Sequence[Literal]) -> _Interval:
    found = _Interval()
    for fact in facts:
        if isinstance(fact.formula, Bound):
            found = found.narrowed(fact.formula)
    return found


def _among(
    interval: _Interval,
    step: Fraction,
    facts: Sequence[Literal],
    excluded: Collection[Hashable],
    steps: Steps,
    *,
    is_whole: bool,
) -> Answer:
    """Tries multiples of a step, those next to zero or to the bounds first."""
    first, last = interval.multiples(step)
    if first is not None and last is not None and first > last:
        return None
    tried = _MAX_TRIED + len(excluded)
    are_all = first is not None and last is not None and last - first < tried
    for factor in islice(_factors(first, last), tried):
        steps.take()
        number = step * factor
        if (number.denominator == 1) is is_whole:
            value = _written(number)
            if value is not None and _is_right(value, facts, excluded):
                return Witness(value)
            are_all = are_all and value is not None
    if are_all:
        return None
    return Doubt("multipleOf leaves too many numbers to try")


def _factors(first: int | None, last: int | None) -> Iterator[int]:
    """All from the first to the last, from the one next to zero."""
    start = max(first or 0, 0) if last is None else min(max(first or 0, 0), last)
    distance = 0
    while True:
        up, down = start + distance, start - distance
        above = last is not None and up > last
        below = first is not None and down < first
        if above and below:
            return
        if not above:
            yield up
        if distance and not below:
            yield down
        distance += 1


def _between(
    interval: _Interval,
    facts: Sequence[Literal],
    excluded: Collection[Hashable],
    avoided: list[Fraction],
    steps: Steps,
) -> Answer:
    """Looks for any fraction: an interval that is more than a point holds infinitely many."""
    if interval.low is not None and interval.low == interval.high:
        return _point(interval.low, facts, excluded)
    for number in islice(_inside(interval), _MAX_TRIED):
        steps.take()
        value = _written(number)
        if isinstance(value, float) and not value.is_integer() and _is_right(value, facts, excluded):
            return Witness(value)
    reason = "multipleOf" if avoided else "a range of numbers"
    return Doubt(f"{reason} leaves only numbers that are too fine to write")


def _point(number: Fraction, facts: Sequence[Literal], excluded: Collection[Hashable]) -> Answer:
    value = _written(number)
    if value is None:
        return Doubt("a bound is a number that no value holds")
    if number.denominator != 1 and _is_right(value, facts, excluded):
        return Witness(value)
    return None


def _inside(interval: _Interval) -> Iterator[Fraction]:
    """Numbers in an interval, the simple ones first."""
    low = interval.low if interval.low is not None else (interval.high or Fraction(0)) - _WIDE
    high = interval.high if interval.high is not None else low + 2 * _WIDE
    for denominator in (2, 4, 10, 100, 1_000, 3_000, 10_000):
        first = max(floor(low * denominator), min(0, floor(high * denominator)))
        yield from (Fraction(first + offset, denominator) for offset in _OFFSETS)
    for parts in (2, 3, 7, 64, 1_009):
        yield from (low + (high - low) * Fraction(part, parts) for part in range(1, min(parts, 100)))


def _is_right(value: float, facts: Sequence[Literal], excluded: Collection[Hashable]) -> bool:
    return value not in excluded and hold(facts, value)


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


def _written(number: Fraction) -> int | float | None:
    """The number as a value; `None` when it is too large for one. A double may be only next to it."""
    if number.denominator == 1 and abs(number.numerator) < _MAX_INTEGER:
        return number.numerator
    try:
        value = float(number)
    except OverflowError:
        return None
    return value if _exact(value) == number or number.denominator != 1 else None


def _common(one: Fraction, other: Fraction) -> Fraction:
    """The least common multiple of two fractions."""
    return Fraction(lcm(one.numerator, other.numerator), gcd(one.denominator, other.denominator))
