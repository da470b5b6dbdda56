"""What drawings of a plan have in common: the lines between parts, and the words on parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenantry.language.plan.explain.wording import does, notes, title
from tenantry.language.plan.outline import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.plan.outline import Part


class Arrow(NamedTuple):
    """A line from one part to another. `solid` lines wait; the others lead to what is inside or stands in."""

    source: str
    target: str
    solid: bool = False


def arrows(parts: tuple[Part, ...]) -> Iterator[Arrow]:
    """The lines between parts, and between what is inside them."""
    for part in parts:
        yield from (Arrow(before, part.id, solid=True) for before in part.waits_for)
        for inner in part.parts:
            if inner.role is not Role.STEP or not inner.waits_for:
                yield Arrow(part.id, inner.id)
        yield from arrows(part.parts)


def words(part: Part) -> tuple[str, ...]:
    """The lines of text on a part."""
    return title(part), does(part), *notes(part)
