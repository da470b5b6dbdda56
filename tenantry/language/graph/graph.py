"""The graph itself: its cycles, and the waves its steps may run in. Validation and the plan read it."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_CYCLES: Final = 20


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps by id in the order of the document, each with the ids of the steps it waits for."""

    dependencies: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, dependencies: Mapping[str, Iterable[str]]) -> Graph:
        """The graph of these steps; a dependency on what is not a step is left out, and each counts once."""
        return cls(
            {
                step: tuple(dict.fromkeys(other for other in waits_for if other in dependencies))
                for step, waits_for in dependencies.items()
            }
        )

    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Cycles that share no step, such as `("a", "b", "a")`: each step runs before the one after it.

        Every knot of steps that wait for each other shows at least one, up to twenty in all; without any the
        graph can run.
        """
        remaining = dict(self.dependencies)
        found: list[tuple[str, ...]] = []
        while len(found) < _MAX_CYCLES and (cycle := _find_cycle(remaining)):
            found.append(self._from_first(cycle))
            for step in cycle[1:]:
                del remaining[step]
        return tuple(found)

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Steps in waves: everything a step waits for is in earlier waves, and something in the one before.

        Raises:
            ValueError: the graph has a cycle.
        """
        sorter = TopologicalSorter(self.dependencies)
        try:
            sorter.prepare()
        except CycleError as error:
            raise ValueError(f"the graph has a cycle: {draw(error.args[1])}") from None
        place = {step: index for index, step in enumerate(self.dependencies)}
        waves: list[tuple[str, ...]] = []
        while sorter.is_active():
            ready = sorter.get_ready()
            waves.append(tuple(sorted(ready, key=place.__getitem__)))
            sorter.done(*ready)
        return tuple(waves)

    def order(self) -> tuple[str, ...]:
        """Steps so that each comes after all it waits for: group by group, each in the order of the document.

        Raises:
            ValueError: the graph has a cycle.
        """
        return tuple(step for wave in self.groups() for step in wave)

    def _from_first(self, cycle: tuple[str, ...]) -> tuple[str, ...]:
        """The cycle, beginning with the step that stands first in the document."""
        place = {step: index for index, step in enumerate(self.dependencies)}
        start = min(range(len(cycle) - 1), key=lambda index: place[cycle[index]])
        return (*cycle[start:-1], *cycle[: start + 1])


def draw(cycle: Iterable[str]) -> str:
    """A cycle as people draw it: `a -> b -> a`."""
    return " -> ".join(cycle)


def _find_cycle(dependencies: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    sorter = TopologicalSorter(
        {
            step: [other for other in waits_for if other in dependencies]
            for step, waits_for in dependencies.items()
        }
    )
    try:
        sorter.prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()
