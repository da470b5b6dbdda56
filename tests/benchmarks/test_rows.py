"""A regression is a ratio worse than the baseline by more than the tolerance, whichever way is worse."""

from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks.rows import Better, Row, make_table


def row(ratio: float, better: Better = Better.HIGHER, *, met: bool | None = None) -> Row:
    return Row(name="chain", ours="1/s", beside="2/s", ratio=ratio, better=better, met=met)


@pytest.mark.parametrize(
    ("ratio", "better", "regressed"),
    [
        (0.74, Better.HIGHER, True),
        (0.76, Better.HIGHER, False),
        (9.00, Better.HIGHER, False),
        (1.26, Better.LOWER, True),
        (1.24, Better.LOWER, False),
        (0.10, Better.LOWER, False),
    ],
)
def test_only_a_ratio_beyond_the_tolerance_regresses(ratio: float, better: Better, regressed: bool) -> None:  # noqa: FBT001
    assert row(ratio, better).has_regressed(1.0) is regressed


@pytest.mark.parametrize(
    ("measured", "baseline", "words"),
    [
        (row(0.5, met=True), {}, "met"),
        (row(0.5, met=False), {"chain": 0.5}, "not met"),
        (row(0.5), {"chain": 1.0}, "regressed"),
    ],
)
def test_the_table_gives_each_row_its_verdict(measured: Row, baseline: dict[str, float], words: str) -> None:
    console = Console(width=120)
    with console.capture() as printed:
        console.print(make_table([measured], baseline))
    line = next(line for line in printed.get().splitlines() if "chain" in line)
    assert line.rstrip(" │").endswith(words)
