"""`python -m tests.reliability store_faults`: the gateway's suite on a store that fails around commits."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.support.reliability.store_faults import MOMENTS

if TYPE_CHECKING:
    import argparse

SUITE: Final = "tests/dataplane/gateway"
"""All of it, but for what is marked `asks_once`: there asking again means something else."""


def main(arguments: argparse.Namespace) -> int:
    """Runs it under faults of both kinds; how many of the two runs failed."""
    failed = 0
    for moment in MOMENTS:
        command = [sys.executable, "-m", "pytest", "-rs", SUITE, f"--store-faults={moment}"]
        environment = os.environ | {"SEED": str(arguments.first)}
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603  (our own)
        failed += code != 0
        print(f"store_faults: {moment} commits, seed {arguments.first}: exit code {code}", flush=True)
    return failed
