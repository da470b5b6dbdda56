"""Measures targets in turns, A B C A B C: what the machine does meanwhile falls on all of them alike."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

import httpx
import msgspec

from benchmarks.load import Load, Measurement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.targets import Target

_BODY: Final = '{"userId": 7}'
_WARM_UP_SECONDS: Final = 1.5


class BenchmarkError(Exception):
    """What was measured means nothing: a target fails, or answers something else than the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long and how often."""

    seconds: float = 2.0
    rounds: int = 5


class Series:
    """The measurements of one target, one per round."""

    def __init__(self) -> None:
        self.rounds: list[Measurement] = []

    def median(self, figure: Callable[[Measurement], float]) -> float:
        """The median of a figure over the rounds."""
        return median(figure(measurement) for measurement in self.rounds)

    def ratio(self, other: Series, figure: Callable[[Measurement], float]) -> float:
        """The median over the rounds of this target's figure divided by the other's in the same round."""
        return median(figure(a) / figure(b) for a, b in zip(self.rounds, other.rounds, strict=True))


def alternate(targets: Sequence[Target], workload: str, connections: int, settings: Settings) -> list[Series]:
    """Measures every target in every round.

    Raises:
        BenchmarkError: see there.
    """
    _check_answers(targets, workload)
    for target in targets:
        _measure(target, workload, connections, _WARM_UP_SECONDS)
    series = [Series() for _ in targets]
    for _ in range(settings.rounds):
        for target, measured in zip(targets, series, strict=True):
            measured.rounds.append(_measure(target, workload, connections, settings.seconds))
    return series


def _check_answers(targets: Sequence[Target], workload: str) -> None:
    answers = {}
    for target in targets:
        headers = {"Content-Type": "application/json", **target.headers}
        response = httpx.post(target.urls[workload], headers=headers, content=_BODY, timeout=10)
        if not response.is_success:
            raise BenchmarkError(f"{target.name} answered {response.status_code}: {response.text[:500]}")
        answers[target.name] = response.json()
    if any(answer != answers[targets[0].name] for answer in answers.values()):
        raise BenchmarkError(f"the targets do not answer alike: {answers}")


def _measure(target: Target, workload: str, connections: int, seconds: float) -> Measurement:
    load = Load(
        url=target.urls[workload],
        body=_BODY,
        headers=target.headers,
        connections=connections,
        seconds=seconds,
    )
    command = (sys.executable, "-m", "benchmarks.load", msgspec.json.encode(load).decode())
    result = subprocess.run(command, check=False, capture_output=True)  # noqa: S603  (our own command)
    if result.returncode:
        raise BenchmarkError(f"the load on {target.name} broke: {result.stderr.decode()[-500:]}")
    measurement = msgspec.json.decode(result.stdout, type=Measurement)
    if measurement.failures:
        raise BenchmarkError(
            f"{target.name} failed {measurement.failures} of {measurement.requests} requests"
        )
    return measurement
