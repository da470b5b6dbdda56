"""`python -m tests.reliability simulation`: schedules of the simulated world, one per seed."""

from __future__ import annotations

import logging
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Final

from tests.support.reliability.simulation import simulate

if TYPE_CHECKING:
    import argparse

    from tests.support.reliability.report import Report

_SUMMED: Final = ("executions", "forks", "crashes", "cuts", "faults", "orders", "hung_up")


def main(arguments: argparse.Namespace) -> int:
    """Plays `seeds` schedules from seed `first` on; the number of violations."""
    logging.disable(logging.CRITICAL)
    sums = dict.fromkeys((*_SUMMED, "answers", "violations"), 0)
    with ProcessPoolExecutor(arguments.processes) as pool:
        seeds = range(arguments.first, arguments.first + arguments.seeds)
        for report in pool.map(simulate, seeds, chunksize=10):
            _tell(report)
            for name in _SUMMED:
                sums[name] += getattr(report, name)
            sums["answers"] += len(report.answers)
            sums["violations"] += len(report.violations)
    figures = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sums.items())
    print(f"simulation: {len(seeds)} schedules from seed {arguments.first}: {figures}")
    return sums["violations"]


def _tell(report: Report) -> None:
    for violation in report.violations:
        print(f"simulation: seed {report.seed}: {violation}", flush=True)
