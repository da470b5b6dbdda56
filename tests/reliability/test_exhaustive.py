"""Every interleaving of small executions: the engine's core, two executors, a journal, what comes between.

The long form is `python -m tests.reliability exhaustive --disturbances 3`.
"""

from __future__ import annotations

import pytest

from tests.support.reliability.exhaustive.model import Model
from tests.support.reliability.exhaustive.mutants import MUTANTS
from tests.support.reliability.exhaustive.search import search
from tests.support.reliability.exhaustive.shapes import SHAPES

DEEP = 5


@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_two_disturbances_come_between_every_claim_holds_in_every_state(shape: str) -> None:
    findings = search(Model(SHAPES[shape]), disturbances=2)
    assert findings.violations == []
    assert findings.complete
    assert findings.states > 5000


@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_three_disturbances_come_early_every_claim_holds(shape: str) -> None:
    findings = search(Model(SHAPES[shape]), disturbances=3, depth=DEEP)
    assert findings.violations == []
    assert findings.depth == DEEP


@pytest.mark.parametrize("name", MUTANTS)
def test_an_engine_that_is_wrong_in_one_way_is_found_out(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.wrong():
        findings = search(Model(SHAPES[mutant.shape], mutant.rules), disturbances=2)
    ((violation, _way),) = findings.violations
    assert mutant.violation in violation


def test_the_way_to_a_violation_is_the_shortest_and_can_be_read() -> None:
    mutant = MUTANTS["a commit is not fenced by its epoch"]
    findings = search(Model(SHAPES[mutant.shape], mutant.rules), disturbances=2)
    ((_violation, way),) = findings.violations
    assert way == ["0 commits", "1 takes it from a living one", "1 commits"]
