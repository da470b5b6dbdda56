"""`python -m benchmarks` measures everything; `python -m benchmarks chain --seconds 3` one thing.

Prints the table beside DESIGN's targets and the stored baseline; exits with 1 when a ratio has regressed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from benchmarks.alternation import BenchmarkError, Settings
from benchmarks.baseline import describe_machine, load_baseline, store_baseline
from benchmarks.history import measure_history, measure_recovery
from benchmarks.in_process import (
    measure_compilation,
    measure_control_flow,
    measure_engine,
    measure_limits,
    measure_validation,
)
from benchmarks.on_redis import measure_limits_on_redis
from benchmarks.over_http import measure_chain, measure_fan_out, measure_latency
from benchmarks.rows import make_table
from benchmarks.targets import run_targets
from tenantry.cli.failures import FrontDoorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.rows import Row
    from benchmarks.targets import Targets

_IN_PROCESS: Final[dict[str, Callable[[], list[Row]]]] = {
    "engine": measure_engine,
    "control flow": measure_control_flow,
    "validation": measure_validation,
    "compilation": measure_compilation,
    "limits": measure_limits,
    "limits on redis": measure_limits_on_redis,
}
_OVER_HTTP: Final[dict[str, Callable[[Targets, Settings], list[Row]]]] = {
    "chain": measure_chain,
    "fan-out": measure_fan_out,
    "latency": measure_latency,
    "recovery": measure_recovery,
    "history": measure_history,
}


def main() -> int:
    """Runs what the command line names."""
    arguments = _parse_arguments()
    console = Console(stderr=True)
    try:
        rows = _measure(
            arguments.names, Settings(seconds=arguments.seconds, rounds=arguments.rounds), console
        )
    except (BenchmarkError, FrontDoorError) as error:
        console.print(f"benchmarks: {error}", style="red")
        return 1
    baseline = load_baseline()
    output = Console(width=None if sys.stdout.isatty() else 160)
    output.print(make_table(rows, baseline.ratios))
    output.print("machine: " + ", ".join(f"{name} {value}" for name, value in describe_machine().items()))
    if arguments.store:
        store_baseline(rows)
        return 0
    return int(
        any(row.name in baseline.ratios and row.has_regressed(baseline.ratios[row.name]) for row in rows)
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = [*_IN_PROCESS, *_OVER_HTTP]
    parser.add_argument("names", nargs="*", metavar="what", help=f"one of {', '.join(known)}; all without")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement over HTTP")
    parser.add_argument("--rounds", type=int, default=5, help="how many times each target is measured")
    parser.add_argument("--store", action="store_true", help="make these ratios the baseline")
    arguments = parser.parse_args()
    # Not argparse's `choices`: with them, naming nothing is an error.
    for name in arguments.names:
        if name not in known:
            parser.error(f"there is no {name!r}: choose from {', '.join(known)}")
    arguments.names = arguments.names or known
    return arguments


def _measure(names: Sequence[str], settings: Settings, console: Console) -> list[Row]:
    rows: list[Row] = []
    for name, measure in _IN_PROCESS.items():
        if name in names:
            console.print(f"measuring {name}")
            rows += measure()
    if not set(names) & _OVER_HTTP.keys():
        return rows
    console.print("starting the targets")
    with (
        tempfile.TemporaryDirectory(prefix="tenantry-bench-") as folder,
        run_targets(Path(folder)) as targets,
    ):
        for name, measure_target in _OVER_HTTP.items():
            if name in names:
                console.print(f"measuring {name}")
                rows += measure_target(targets, settings)
    return rows


if __name__ == "__main__":
    sys.exit(main())
