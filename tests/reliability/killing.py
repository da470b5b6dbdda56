"""`python -m tests.reliability killing`: real processes killed before and after every commit of theirs."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.postgres import Databases, run_postgres
from tests.support.reliability.killing import kill_at, kill_points

if TYPE_CHECKING:
    import argparse

COMMITS: Final = 8
"""More than an order takes that is undone."""

_SEEDS_PER_ROUND: Final = 1000


def main(arguments: argparse.Namespace) -> int:
    """Plays every kill point, once for every thousand seeds; the number of violations."""
    points = kill_points(COMMITS, rounds=max(1, arguments.seeds // _SEEDS_PER_ROUND))
    with run_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        verdict = asyncio.run(kill_at(points, Databases(postgres).make(), Path(folder)))
    for violation in verdict.violations:
        print(f"killing: {violation}")
    print(
        f"killing: {len(points)} kill points, {verdict.kills} processes killed under a request,"
        f" {verdict.unknown} unknown outcomes, {len(verdict.violations)} violations"
    )
    return len(verdict.violations)
