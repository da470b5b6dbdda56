"""`python -m tests.reliability exhaustive`: every interleaving of small executions, breadth first."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from tests.support.reliability.exhaustive.model import Model
from tests.support.reliability.exhaustive.search import search
from tests.support.reliability.exhaustive.shapes import SHAPES

if TYPE_CHECKING:
    import argparse

    from tests.support.reliability.exhaustive.search import Findings


def main(arguments: argparse.Namespace) -> int:
    """Goes through every shape; the number of violations."""
    states = transitions = violations = 0
    explore = partial(_explore, disturbances=arguments.disturbances, depth=arguments.depth)
    with ProcessPoolExecutor(arguments.processes) as pool:
        for shape, (findings, seconds) in zip(SHAPES, pool.map(explore, SHAPES), strict=True):
            _tell(shape, findings, seconds)
            states += findings.states
            transitions += findings.transitions
            violations += len(findings.violations)
    print(
        f"exhaustive: {arguments.disturbances} disturbances: {states} states, {transitions} transitions,"
        f" {violations} violations"
    )
    return violations


def _explore(shape: str, disturbances: int, depth: int | None) -> tuple[Findings, float]:
    began = time.process_time()
    findings = search(Model(SHAPES[shape]), disturbances, depth)
    return findings, time.process_time() - began


def _tell(shape: str, findings: Findings, seconds: float) -> None:
    reach = "complete" if findings.complete else "there are deeper ones"
    print(
        f"exhaustive: {shape}: {findings.states} states, {findings.transitions} transitions,"
        f" depth {findings.depth} ({reach}), {seconds:.1f} s of processor time",
        flush=True,
    )
    for violation, way in findings.violations:
        print(f"exhaustive: {shape}: {violation}, after: {'; '.join(way)}", flush=True)
