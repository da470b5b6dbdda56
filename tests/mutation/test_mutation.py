"""The tool behind `make mutation`: what it changes, that changes take effect, what it says of the tests."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mutation.__main__ import interval
from mutation.mutants import sample_mutants
from mutation.planting import find_caches, plant
from tests.support.platform import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
from functools import lru_cache

class Box:
    def __init__(self, size):
        self.size = size

    @property
    def is_large(self):
        return self.size > 10

@lru_cache(maxsize=4)
def twice(number, factor=2):
    return number * factor
"""


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "boxes_to_mutate.py"
    path.write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "boxes_to_mutate", raising=False)
    return path


def test_properties_cached_functions_and_defaults_are_mutated(boxes: Path) -> None:
    _, mutants = sample_mutants([boxes], size=1000, seed=1)
    assert {
        (mutant.function, mutant.line, mutant.change.splitlines()[-1].strip("+ ")) for mutant in mutants
    } == {
        ("Box.__init__", 6, "self.size = None"),
        ("Box.is_large", 10, "return self.size >= 10"),
        ("Box.is_large", 10, "return self.size > 11"),
        ("twice", 13, "def twice(number, factor=3):"),
        ("twice", 14, "return number / factor"),
    }


def test_a_seed_draws_the_same_sample_again_and_another_seed_another(boxes: Path) -> None:
    total, first = sample_mutants([boxes], size=2, seed=1)
    assert (total, len(first)) == (5, 2)
    assert sample_mutants([boxes], size=2, seed=1)[1] == first
    assert any(sample_mutants([boxes], size=2, seed=seed)[1] != first for seed in range(2, 9))


def test_a_planted_mutant_is_what_everybody_runs(boxes: Path) -> None:
    module = importlib.import_module("boxes_to_mutate")
    box, twice = module.Box(11), module.twice
    assert (box.is_large, twice(4)) == (True, 8)
    for mutant in sample_mutants([boxes], size=1000, seed=1)[1]:
        if "11" in mutant.change or "factor=3" in mutant.change:
            plant(mutant, "boxes_to_mutate")
    for clear in find_caches("boxes_to_mutate"):
        clear()
    assert (box.is_large, twice(4)) == (False, 12)


@pytest.mark.parametrize(
    ("killed", "judged", "expected"),
    [(0, 10, (0.0, 0.278)), (5, 10, (0.237, 0.763)), (10, 10, (0.722, 1.0)), (80, 100, (0.711, 0.867))],
)
def test_the_interval_is_wilsons(killed: int, judged: int, expected: tuple[float, float]) -> None:
    assert interval(killed, judged) == pytest.approx(expected, abs=0.001)


def test_survivors_and_the_score_of_every_package_are_printed() -> None:
    mutated = ["tenantry/language/documents/nearest.py", "tenantry/language/templates/headers.py"]
    command = [sys.executable, "-m", "mutation", *mutated, "--sample=8"]
    tests = "--tests=tests/language/templates/test_headers.py"
    result = subprocess.run(  # noqa: S603  (our own command)
        [*command, tests], cwd=REPOSITORY, check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    survivors, scores = result.stdout.rsplit("\n\n", 1)
    assert "nearest.py" in survivors
    assert "uncovered\n-" in survivors
    assert [line.split()[:2] for line in scores.splitlines() if line.startswith("documents")] == [
        ["documents", "0.0%"]
    ]
    assert any(line.startswith("templates") and " 0 killed" not in line for line in scores.splitlines())
