"""Looks for an object: the fields it must have, a place for what some field must be, and more if need be.

Names are of finitely many kinds: each one that is mentioned, and of all others those that match the same
patterns, which are alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count, islice, product
from typing import TYPE_CHECKING, Final, TypeAlias

from tenantry.language.schemas.subtyping.answers import Answer, Doubt, Witness
from tenantry.language.schemas.subtyping.bounds import Lengths, lengths
from tenantry.language.schemas.subtyping.formulas import (
    STRINGS,
    TRUE,
    Fields,
    Goal,
    Has,
    Literal,
    Names,
    Pattern,
    Side,
    SomeField,
    Sorts,
    Values,
)
from tenantry.language.schemas.subtyping.holding import hold, of_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tenantry.language.schemas.subtyping.steps import Steps
    from tenantry.language.values import Json

_Chosen: TypeAlias = dict[str, Goal]
"""The fields an object has so far, and what is to hold of their values beside what its schema says."""

_MAX_FIELDS: Final = 300
_MAX_PATTERNS: Final = 6  # each doubles the kinds of names
_MAX_FLOATING: Final = 8
_TOO_MANY_FIELDS: Final = Doubt(f"an object of more than {_MAX_FIELDS} fields is too large to try")
_TOO_MANY_PATTERNS: Final = Doubt(f"more than {_MAX_PATTERNS} patterns of names are not taken apart")
_TOO_FREE: Final = Doubt("too many fields whose names are free")
_EXTRA: Final = "extra"
_TRIED: Final = 3


@dataclass(slots=True)
class Objects:
    """Looks for an object of which facts hold.

    Attributes:
        facts: positive ones of objects, and `Has` either way.
        solve: looks for a name or a value.
        steps: the budget.
    """

    facts: Sequence[Literal]
    solve: Callable[[Goal], Answer]
    steps: Steps
    _fields: list[tuple[Fields, Side]] = field(default_factory=list)
    _names: set[Literal] = field(default_factory=set)
    _absent: set[str] = field(default_factory=set)
    _wishes: list[Fields] = field(default_factory=list)
    _allowed: Lengths = field(default_factory=Lengths)
    _doubt: Answer = None

    def find(self) -> Answer:
        """Such an object, with as few fields as it may have."""
        allowed = lengths(self.facts)
        if allowed is None:
            return None
        self._allowed = allowed
        chosen: _Chosen = {}
        floating: list[SomeField] = []
        for formula, positive, side in self.facts:
            match formula:
                case Fields():
                    self._fields.append((formula, side))
                case Names(name=name):
                    self._names.add(Literal(name, True, side))
                case Has(name=name) if positive:
                    chosen.setdefault(name, frozenset())
                case Has(name=name):
                    self._absent.add(name)
                case SomeField(name=None):
                    floating.append(formula)
                case SomeField(name=str(name)):
                    chosen[name] = chosen.get(name, frozenset()) | formula.value
            if isinstance(formula, SomeField) and formula.wish is not None:
                self._wishes.append(formula.wish)
        return self._solve(chosen, floating)

    def _solve(self, chosen: _Chosen, floating: list[SomeField]) -> Answer:
        if len(self._patterns()) > _MAX_PATTERNS:
            return _TOO_MANY_PATTERNS
        if len(floating) > _MAX_FLOATING:
            return _TOO_FREE
        if not all(self._may_have(name, goal) for name, goal in chosen.items()):
            return self._doubt
        return self._place(chosen, floating) or self._doubt

    def _place(self, chosen: _Chosen, floating: list[SomeField]) -> Answer:
        """Finds a field for each of what some field must be, and completes the object."""
        if self._allowed.most is not None and len(chosen) > self._allowed.most:
            return None
        if not floating:
            return self._complete(chosen)
        first, *others = floating
        for name in self._candidates(first.names, chosen):
            goal = chosen.get(name, frozenset()) | first.value
            if self._may_have(name, goal):
                answer = self._place({**chosen, name: goal}, others)
                if isinstance(answer, Witness):
                    return answer
        return None

    def _complete(self, chosen: _Chosen) -> Answer:
        """Adds fields until there are enough."""
        if self._allowed.least > _MAX_FIELDS:
            self._doubt = _TOO_MANY_FIELDS
            return None
        added = frozenset((Literal(TRUE, True, self._allowed.side),))
        complete = dict(chosen)
        while len(complete) < self._allowed.least:
            candidates = (name for name in self._candidates(frozenset(), complete) if name not in complete)
            found = next((name for name in candidates if self._may_have(name, added)), None)
            if found is None:
                return None
            complete[found] = added
        return self._written(complete)

    def _written(self, chosen: _Chosen) -> Witness:
        values: dict[str, Json] = {}
        for name, goal in chosen.items():
            whole = self._goal(name, goal)
            wishes = frozenset(
                Literal(formula, True, Side.WISH) for wish in self._wishes for formula in of_field(wish, name)
            )
            # There is a value without the wishes: the field would not have been chosen.
            answers = (self.solve(whole | wishes), self.solve(whole))
            values[name] = next(answer.value for answer in answers if isinstance(answer, Witness))
        return Witness(values)

    def _may_have(self, name: str, goal: Goal) -> bool:
        """Whether there may be a field of this name and goal."""
        self.steps.take()
        if name in self._absent or not hold(self._names, name):
            return False
        answer = self.solve(self._goal(name, goal))
        if isinstance(answer, Doubt):
            self._doubt = self._doubt or answer
        return isinstance(answer, Witness)

    def _goal(self, name: str, goal: Goal) -> Goal:
        return goal.union(
            Literal(formula, True, side)
            for fields, side in self._fields
            for formula in of_field(fields, name)
        )

    def _candidates(self, names: Goal, chosen: _Chosen) -> Iterator[str]:
        """One name of each kind of which the literals hold, those of the object first."""
        mentioned = dict.fromkeys(chosen)
        for fields, _ in self._fields:
            mentioned.update(dict.fromkeys(fields.named))
        for name in mentioned:
            if hold(names, name):
                yield name
        taken = (*mentioned, *self._absent)
        for flags in product((False, True), repeat=len(self._patterns())):
            fresh = self._fresh(names, dict(zip(self._patterns(), flags, strict=True)), taken)
            if fresh is not None:
                yield fresh

    def _fresh(self, names: Goal, patterns: dict[str, bool], taken: tuple[str, ...]) -> str | None:
        """A name that is not mentioned, and matches just these patterns."""
        wanted = names.union(
            self._names,
            (Literal(Pattern(STRINGS, pattern), flag, Side.WISH) for pattern, flag in patterns.items()),
        )
        plain = (f"{_EXTRA}{number or ''}" for number in islice(count(), len(taken) + _TRIED))
        for name in plain:
            if name not in taken and hold(wanted, name):
                return name
        others = (Literal(Values(taken), False, Side.WISH), Literal(Sorts(STRINGS), True, Side.WISH))
        answer = self.solve(wanted.union(others))
        if isinstance(answer, Doubt):
            self._doubt = self._doubt or answer
        return str(answer.value) if isinstance(answer, Witness) else None

    def _patterns(self) -> tuple[str, ...]:
        found = {pattern.pattern: None for fields, _ in self._fields for pattern, _ in fields.patterns}
        return tuple(found)
