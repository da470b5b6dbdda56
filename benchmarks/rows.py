"""A row: one thing measured, as a ratio to something measured beside it, and the table of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOLERANCE: Final = 0.25
"""How much worse than the baseline a ratio may be before it counts as a regression."""


class Better(StrEnum):
    """Which way a ratio improves."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement.

    Attributes:
        name: stable, it is the key in the baseline.
        ours: what Tenantry did, with its unit.
        beside: what it was measured beside, with its unit.
        ratio: ours divided by the other; the only number that is kept.
        target: DESIGN's target in words; empty when there is none.
        met: whether the target is reached; `None` without one.
    """

    name: str
    ours: str
    beside: str
    ratio: float
    better: Better = Better.HIGHER
    target: str = ""
    met: bool | None = None

    def has_regressed(self, baseline: float) -> bool:
        """Whether the ratio is worse than the baseline's by more than the tolerance."""
        if self.better is Better.HIGHER:
            return self.ratio < baseline * (1 - TOLERANCE)
        return self.ratio > baseline * (1 + TOLERANCE)


def make_table(rows: Sequence[Row], baseline: Mapping[str, float]) -> Table:
    """The rows beside their targets and the baseline."""
    table = Table("what", "Tenantry", "beside", "ratio", "target", "baseline", "", title="Benchmarks")
    for row in rows:
        before = baseline.get(row.name)
        table.add_row(
            row.name,
            row.ours,
            row.beside,
            f"{row.ratio:.3g}",
            row.target,
            "" if before is None else f"{before:.3g}",
            _verdict(row, before),
        )
    return table


def _verdict(row: Row, before: float | None) -> str:
    words = {True: "[green]met[/]", False: "[yellow]not met[/]", None: ""}[row.met]
    if before is not None and row.has_regressed(before):
        words = f"{words} [red]regressed[/]".strip()
    return words
