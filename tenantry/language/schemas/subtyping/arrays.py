"""Looks for an array: item by item, as an automaton whose states are what is still to be found.

Past the longest list of first items all positions are alike, and so are counts beyond their bound: there are
finitely many states, and the shortest way through them is the shortest array.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, combinations, product
from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.language.schemas.subtyping.answers import Answer, Doubt, Witness
from tenantry.language.schemas.subtyping.bounds import Lengths, lengths
from tenantry.language.schemas.subtyping.formulas import (
    Contains,
    Goal,
    Items,
    Literal,
    Side,
    SomeItem,
    Unique,
    Values,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tenantry.language.schemas.subtyping.steps import Steps
    from tenantry.language.values import Json

_MAX_ITEMS: Final = 300
_MAX_FREE: Final = 6  # statements about items whose place is free: each doubles the ways to go on
_TOO_LONG: Final = Doubt(f"an array of more than {_MAX_ITEMS} items is too long to try")
_TOO_FREE: Final = Doubt("contains and not leave too many ways to fill an array")
_NOT_UNIQUE: Final = Doubt("uniqueItems beside what differs from item to item is not taken apart")


class _State(NamedTuple):
    """Where an array is: how many of which items it has so far, as far as that matters."""

    place: int
    counts: tuple[int, ...]
    open: frozenset[SomeItem]


class _Move(NamedTuple):
    """One more item: what is to hold of it, and what it is there for."""

    goal: Goal
    is_for: frozenset[SomeItem]


@dataclass(slots=True)
class Arrays:
    """Looks for an array of which facts hold.

    Attributes:
        facts: positive ones of arrays, and `Unique` either way.
        solve: looks for an item.
        steps: the budget.
    """

    facts: Sequence[Literal]
    solve: Callable[[Goal], Answer]
    steps: Steps
    _fixed: dict[int, Literal] = field(default_factory=dict)
    _items: list[tuple[Items, Side]] = field(default_factory=list)
    _contains: list[tuple[Contains, Side]] = field(default_factory=list)
    _some: list[SomeItem] = field(default_factory=list)
    _doubt: Answer = None

    def find(self) -> Answer:
        """The shortest such array."""
        allowed = lengths(self.facts)
        uniqueness = {fact.positive for fact in self.facts if isinstance(fact.formula, Unique)}
        if allowed is None or uniqueness == {True, False}:
            return None
        for formula, _, side in self.facts:
            match formula:
                case Items():
                    self._items.append((formula, side))
                case Contains():
                    self._contains.append((formula, side))
                case SomeItem():
                    self._some.append(formula)
        if len(self._contains) + len(self._some) > _MAX_FREE:
            return _TOO_FREE
        if False in uniqueness:
            return self._with_twins(allowed)
        path = self._path(allowed)
        if not isinstance(path, list):
            return path
        return self._distinct(path) if uniqueness else self._filled(path)

    def _goal(self, index: int) -> Goal:
        """What holds of the item at an index in any case."""
        goal = {Literal(items.at(index), True, side) for items, side in self._items}
        if index in self._fixed:
            goal.add(self._fixed[index])
        return frozenset(goal)

    def _alike(self) -> int:
        """The index from which on all items are alike."""
        ends = [len(items.prefix) for items, _ in self._items]
        ends += [some.index + (not some.is_open) for some in self._some]
        return max([0, *ends, *(index + 1 for index in self._fixed)])

    def _path(self, allowed: Lengths) -> list[_Move] | Answer:
        """The moves of the shortest array within the lengths."""
        alike = max(allowed.least, self._alike())
        if alike > _MAX_ITEMS:
            return _TOO_LONG
        start = _State(0, (0,) * len(self._contains), frozenset(self._some))
        level: dict[_State, list[_Move]] = {start: []}
        seen = {start}
        for index in range(_MAX_ITEMS + 1):
            for state, path in level.items():
                if index >= allowed.least and self._is_done(state):
                    return path
            if index == allowed.most:
                return self._doubt
            level = self._next(level, index, alike)
            level = {state: path for state, path in level.items() if state not in seen}
            seen.update(level)
            if not level:
                return self._doubt
        return _TOO_LONG

    def _is_done(self, state: _State) -> bool:
        enough = zip(state.counts, self._contains, strict=True)
        return not state.open and all(count >= contains.least for count, (contains, _) in enough)

    def _next(self, level: dict[_State, list[_Move]], index: int, alike: int) -> dict[_State, list[_Move]]:
        found: dict[_State, list[_Move]] = {}
        for state, path in level.items():
            for flags, move in self._moves(state, index):
                counts = self._counted(state.counts, flags)
                after = _State(min(index + 1, alike), counts or (), state.open - move.is_for)
                if counts is None or after in found:
                    continue
                self.steps.take()
                answer = self.solve(move.goal)
                if isinstance(answer, Witness):
                    found[after] = [*path, move]
                self._doubt = self._doubt or (answer if isinstance(answer, Doubt) else None)
        return found

    def _moves(self, state: _State, index: int) -> Iterator[tuple[tuple[bool, ...], _Move]]:
        reachable = [some for some in self._some if some in state.open and some.reaches(index)]
        return self._choices(self._goal(index), reachable)

    def _choices(self, base: Goal, reachable: list[SomeItem]) -> Iterator[tuple[tuple[bool, ...], _Move]]:
        """Everything an item may be there for, and which counts it adds to."""
        subsets = chain.from_iterable(combinations(reachable, count) for count in range(len(reachable) + 1))
        for chosen, flags in product(subsets, product((True, False), repeat=len(self._contains))):
            counted = zip(self._contains, flags, strict=True)
            goal = base.union(
                *(some.goal for some in chosen),
                (Literal(contains.item, flag, side) for (contains, side), flag in counted),
            )
            yield flags, _Move(goal, frozenset(chosen))

    def _counted(self, counts: tuple[int, ...], flags: tuple[bool, ...]) -> tuple[int, ...] | None:
        """The counts with one more item; `None` when they are past their bound."""
        after = []
        for count, flag, (contains, _) in zip(counts, flags, self._contains, strict=True):
            number = count + flag
            if contains.most is not None and number > contains.most:
                return None
            after.append(number if contains.most is not None else min(number, contains.least))
        return tuple(after)

    def _item(self, index: int, move: _Move, *others: Literal) -> Answer:
        """An item; where it has a choice, one that is wished for."""
        wishes = frozenset(
            Literal(some.wish.at(index), True, Side.WISH)
            for some in self._some
            if some.wish is not None and some not in move.is_for
        )
        wished = self.solve(move.goal.union(wishes, others))
        return wished if isinstance(wished, Witness) else self.solve(move.goal.union(others))

    def _filled(self, path: list[_Move], *, forwards: bool = True, distinct: bool = False) -> Answer:
        """The array of a path, its items found in order or from the last one on."""
        chosen: dict[int, Json] = {}
        for index in sorted(range(len(path)), reverse=not forwards):
            others = Literal(Values(chosen.values()), False, Side.WISH)
            answer = self._item(index, path[index], *([others] if distinct and chosen else []))
            if not isinstance(answer, Witness):
                return answer
            chosen[index] = answer.value
        return Witness([chosen[index] for index in range(len(path))])

    def _distinct(self, path: list[_Move]) -> Answer:
        """The array with items that all differ, each chosen beside those before it."""
        answer = self._filled(path, distinct=True)
        are_alike = len({move.goal for move in path}) < 2  # noqa: PLR2004 -- all the same
        if answer is not None or (are_alike and not self._contains and not self._some):
            return answer
        return self._filled(path, forwards=False, distinct=True) or _NOT_UNIQUE

    def _with_twins(self, allowed: Lengths) -> Answer:
        """The shortest array in which two items are equal."""
        for one, other in combinations(range(self._alike() + 2), 2):
            longer = allowed._replace(least=max(allowed.least, other + 1))
            reachable = [some for some in self._some if some.reaches(one) or some.reaches(other)]
            base = self._goal(one) | self._goal(other)
            for goal in {move.goal: None for _, move in self._choices(base, reachable)}:
                answer = self._with_pair(longer, goal, (one, other))
                if isinstance(answer, Witness):
                    return answer
                self._doubt = self._doubt or answer
        return self._doubt

    def _with_pair(self, allowed: Lengths, goal: Goal, places: tuple[int, int]) -> Answer:
        """The shortest array in which two items are equal, and satisfy a goal.

        Which value they have matters only by what is counted and looked for, and the goal says that.
        """
        twin = self.solve(goal)
        if not isinstance(twin, Witness):
            return twin
        self._fixed = dict.fromkeys(places, Literal(Values((twin.value,)), True, Side.WISH))
        path = self._path(allowed)
        answer = self._filled(path) if isinstance(path, list) else path
        self._fixed = {}
        return answer
