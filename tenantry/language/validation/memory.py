"""What judging workflows against one library has found out already, and how much work may still go into it.

A library carries one, so that texts of many workflows are judged in bounded time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tenantry.language.schemas.subtyping import Comparisons

MAX_STEPS: Final = 60_000
"""Steps of comparing schemas for all workflows together: one to two seconds."""

MAX_STEPS_OF_ONE: Final = 12_000
"""Those for one workflow. Everyday ones take none, as what they give plainly fits."""


class Result(NamedTuple):
    """What became of following a workflow of the library.

    Attributes:
        schema: of what it gives.
        can_run: nothing is wrong with it that keeps it from running, nor with those it runs.
    """

    schema: Any
    can_run: bool


@dataclass(slots=True)
class Memory:
    """What is known about the workflows of a library, by their names in it.

    Attributes:
        results: what they give.
        references: the workflows that they run.
        cycles: a cycle that running them leads into, if there is one.
    """

    results: dict[str, Result] = field(default_factory=dict)
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cycles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _comparisons: Comparisons = field(default_factory=lambda: Comparisons(MAX_STEPS))

    def comparisons(self) -> Comparisons:
        """The comparisons of one workflow, still to be made."""
        return Comparisons(MAX_STEPS_OF_ONE, self._comparisons)
