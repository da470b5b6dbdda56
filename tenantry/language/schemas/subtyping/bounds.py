"""The bounds of a length that several statements give together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenantry.language.schemas.subtyping.formulas import Bound, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.schemas.subtyping.formulas import Literal


class Lengths(NamedTuple):
    """At least and at most how long.

    Attributes:
        least: zero when nothing is said.
        most: `None` when nothing is said.
        side: who says the least.
    """

    least: int = 0
    most: int | None = None
    side: Side = Side.GIVEN

    def allow(self, length: int) -> bool:
        """Whether a length is within them."""
        return self.least <= length and (self.most is None or length <= self.most)


def lengths(facts: Iterable[Literal]) -> Lengths | None:
    """What the bounds among the facts say; `None` when they exclude each other."""
    found = Lengths()
    for formula, _, side in facts:
        if not isinstance(formula, Bound):
            continue
        limit = int(formula.limit)
        if formula.is_lower and limit + formula.exclusive > found.least:
            found = found._replace(least=limit + formula.exclusive, side=side)
        elif not formula.is_lower:
            most = limit - formula.exclusive
            found = found._replace(most=most if found.most is None else min(most, found.most))
    return None if found.most is not None and found.most < found.least else found
