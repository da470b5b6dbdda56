"""Goes through every world that can be reached, breadth first: the shortest way to a violation is found."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.support.reliability.exhaustive.claims import check
from tests.support.reliability.exhaustive.histories import ViolationError

if TYPE_CHECKING:
    from tests.support.reliability.exhaustive.model import Model, World

_ENOUGH: Final = 200
"""Steps in which every world comes to rest when nothing disturbs it."""


@dataclass(slots=True)
class Findings:
    """What a search came to.

    Attributes:
        states: worlds that were reached; `transitions` the ways from one to another.
        depth: how many things happened one after the other at most.
        complete: every world was gone on from; otherwise there are deeper ones.
        folds: how often the core folded a history from scratch.
        violations: each with the way to it.
    """

    states: int = 0
    transitions: int = 0
    depth: int = 0
    complete: bool = False
    folds: int = 0
    violations: list[tuple[str, list[str]]] = field(default_factory=list)


def search(model: Model, disturbances: int, depth: int | None = None) -> Findings:
    """Goes as deep as it is told to, or to the end; it ends with the first violation.

    Args:
        model: whose worlds.
        disturbances: crashes, failures, wishes and whatever else may come between, in all.
        depth: so many things may happen.
    """
    return _Search(model).run(disturbances, depth)


class _Search:
    """A search under way. `_here` is the world that is looked at."""

    def __init__(self, model: Model) -> None:
        self._model, self._findings = model, Findings()
        self._ways: dict[World, tuple[World, str] | None] = {}
        self._rests: set[World] = set()
        self._here: World | None = None

    def run(self, disturbances: int, depth: int | None) -> Findings:
        findings = self._findings
        try:
            level = [self._model.first(disturbances)]
            self._reach(level[0], None)
            while level and (depth is None or findings.depth < depth):
                level = self._next_level(level)
                findings.depth += 1
            findings.complete = not level
        except ViolationError as violation:
            findings.violations.append((str(violation), self._way()))
        findings.states, findings.folds = len(self._ways), self._model.core.folds
        return findings

    def _next_level(self, level: list[World]) -> list[World]:
        following: list[World] = []
        for world in level:
            self._here = world
            for label, after in self._model.successors(world):
                self._findings.transitions += 1
                if after not in self._ways:
                    self._reach(after, (world, sys.intern(label)))
                    following.append(after)
                    self._here = world
        return following

    def _reach(self, world: World, way: tuple[World, str] | None) -> None:
        self._ways[world] = way
        self._here = world
        check(self._model, world)
        self._check_rest(world)

    def _check_rest(self, world: World) -> None:
        """There is a way to an end: when nothing disturbs any more, what there is comes to one."""
        passed: list[World] = []
        one: World | None = world
        while one is not None and one not in self._rests:
            passed.append(one)
            if len(passed) > _ENOUGH:
                raise ViolationError("it goes on for ever")
            following = self._model.progress(one)
            if following is None:
                self._check_end(one)
            else:
                check(self._model, following)
            one = following
        self._rests.update(passed)

    def _check_end(self, world: World) -> None:
        row = world.row
        if row is not None and (row.owner is not None or not self._model.core.view(row.journal).ended):
            raise ViolationError("it is stuck")

    def _way(self) -> list[str]:
        """What happened up to here."""
        labels: list[str] = []
        before = None if self._here is None else self._ways[self._here]
        while before is not None:
            labels.append(before[1])
            before = self._ways[before[0]]
        return labels[::-1]
