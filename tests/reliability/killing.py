"""`python -m tests.reliability killing`: real processes killed before and after every persistence point."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.postgres import Databases, run_postgres
from tests.support.reliability.killing import kill_at, kill_points

if TYPE_CHECKING:
    import argparse

    from tests.support.reliability.killing import KillPoint

COMMITS: Final = 6
"""More than an order takes that is undone."""

_SEEDS_PER_ROUND: Final = 1000
_DATABASES: Final = 32
"""So many are there at a time."""


def main(arguments: argparse.Namespace) -> int:
    """Plays every kill point, once for every thousand seeds; the number of violations."""
    points = kill_points(COMMITS, rounds=max(1, arguments.seeds // _SEEDS_PER_ROUND))
    reached: set[KillPoint] = set()
    unknown = violations = 0
    with run_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        databases, left = Databases(postgres), iter(points)
        while some := list(islice(left, _DATABASES)):
            verdict = asyncio.run(kill_at(some, databases.make_migrated, Path(folder)))
            databases.drop_all()
            for violation in verdict.violations:
                print(f"killing: {violation}", flush=True)
            reached.update(verdict.reached)
            unknown, violations = unknown + verdict.unknown, violations + len(verdict.violations)
    for who in ("runner", "rescuer"):
        _print_figures(who, [point for point in points if point.who == who], reached)
    print(f"killing: {unknown} unknown outcomes, {violations} violations")
    return violations


def _print_figures(who: str, points: list[KillPoint], reached: set[KillPoint]) -> None:
    there = Counter(point.name for point in points)
    died = Counter(point.name for point in points if point in reached)
    print(f"killing: {len(points)} kill points of a {who}, {died.total()} killed there: ", end="")
    print(", ".join(f"{name} {died[name]} of {number}" for name, number in there.items()))
    # How many commits an order takes depends on what goes into one; the rest is there, or should have been.
    missed = [point.case for point in points if point not in reached and point.name != "commit"]
    print("killing: not reached, besides commits:", ", ".join(missed) or "none")
