"""The stored baseline: ratios by row and the machine they were measured on. Absolute numbers are not kept."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rows import Row

PATH: Final = Path(__file__).with_name("baseline.json")


class Baseline(msgspec.Struct, kw_only=True):
    """What `baseline.json` holds."""

    machine: dict[str, str] = {}
    ratios: dict[str, float] = {}


def load_baseline() -> Baseline:
    """The stored baseline; an empty one when there is none."""
    return msgspec.json.decode(PATH.read_bytes(), type=Baseline) if PATH.exists() else Baseline()


def store_baseline(rows: Sequence[Row]) -> None:
    """Replaces the ratios of these rows and keeps the others; a difference lost in noise is no baseline."""
    measured = {row.name: float(f"{row.ratio:.4g}") for row in rows if row.ratio > 0}
    ratios = load_baseline().ratios | measured
    baseline = Baseline(machine=describe_machine(), ratios=dict(sorted(ratios.items())))
    PATH.write_bytes(msgspec.json.format(msgspec.json.encode(baseline), indent=2) + b"\n")


def describe_machine() -> dict[str, str]:
    """What a reader needs to judge the numbers."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
