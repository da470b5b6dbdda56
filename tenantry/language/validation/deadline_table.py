"""The critical path as a table, for the finding about a deadline."""

from __future__ import annotations

from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.language.documents.words import write_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.graph.critical_path import CriticalPath, Leg

MAX_ROWS: Final = 40
"""Rows below the head; of a longer path the first ones are shown."""

_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_AT_LEAST: Final = "\N{GREATER-THAN OR EQUAL TO} "
_INDENT: Final = "  "
_GAP: Final = "  "


class _Row(NamedTuple):
    step: str = "step"
    does: str = "does"
    effort: str = f"attempts {_TIMES} timeout"
    waits: str = "waits"
    total: str = "total"
    sum: str = "sum"


def draw_table(path: CriticalPath) -> str:
    """One row for each step on the path, and indented for what is on the path inside of it.

    Attempts, waits and the rows inside are those of one round of a loop; totals and sums are of all rounds.
    """
    sums = accumulate(leg.seconds for leg in path.legs)
    rows = (
        row
        for leg, so_far in zip(path.legs, sums, strict=True)
        for row in _rows(leg, "", write_duration(so_far))
    )
    shown = [_Row(), *islice(rows, MAX_ROWS)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = [_line(row, widths) for row in shown]
    return "\n".join(lines if next(rows, None) is None else [*lines, "…"])


def _rows(leg: Leg, indent: str, so_far: str) -> Iterator[_Row]:
    yield _Row(
        step=indent + leg.name,
        does=leg.does,
        effort=_effort(leg),
        waits=write_duration(leg.waits_seconds) if leg.waits_seconds else "",
        total=_AT_LEAST * leg.at_least + write_duration(leg.seconds),
        sum=so_far,
    )
    for inner in leg.inner:
        yield from _rows(inner, indent + _INDENT, "")
    if leg.fallback is not None:
        yield from _rows(leg.fallback, indent + _INDENT, "")


def _effort(leg: Leg) -> str:
    once = ""
    if leg.attempts:
        once = f"{leg.attempts} {_TIMES} {write_duration(leg.timeout_seconds)}"
    elif leg.bound_seconds is not None:
        once = f"at most {write_duration(leg.bound_seconds)}"
    if leg.rounds == 1:
        return once
    return f"{leg.rounds} {_TIMES} ({once})" if once else f"{leg.rounds} rounds"


def _line(row: _Row, widths: list[int]) -> str:
    left = [text.ljust(width) for text, width in zip(row[:3], widths[:3], strict=True)]
    right = [text.rjust(width) for text, width in zip(row[3:], widths[3:], strict=True)]
    return _GAP.join((*left, *right)).rstrip()
