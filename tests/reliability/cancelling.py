"""`python -m tests.reliability cancelling`: requests given up at each step, in a simulated process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tests.support.reliability.cancelling import cancel_everywhere

if TYPE_CHECKING:
    import argparse


def main(arguments: argparse.Namespace) -> int:
    """Every step, with other neighbours for every hundredth seed; the number of violations."""
    logging.disable(logging.CRITICAL)
    rounds = max(1, arguments.seeds // 100)
    steps = violations = 0
    for seed in range(arguments.first, arguments.first + rounds):
        verdict = cancel_everywhere(seed)
        steps += verdict.steps
        violations += len(verdict.violations)
        for violation in verdict.violations:
            print(f"cancelling: seed {seed}: {violation}")
    figures = f"{steps} cancellations, {violations} violations"
    print(f"cancelling: {rounds} rounds from seed {arguments.first}, {figures}")
    return violations
