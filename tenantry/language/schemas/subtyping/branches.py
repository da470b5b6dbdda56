"""One branch of the search: what is to hold of a value of one sort, taken apart up to the next choice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tenantry.language.schemas.subtyping.choices import NEGATIONS, TAKEN_APART, Choice, Option, of_exactly_one
from tenantry.language.schemas.subtyping.formulas import (
    Atom,
    Either,
    Every,
    ExactlyOne,
    Literal,
    Negation,
    Node,
    Side,
    Sorts,
    Untyped,
    Values,
)
from tenantry.language.schemas.subtyping.holding import hold, sort_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.values import Json


@dataclass(slots=True)
class Branch:
    """What is to hold of a value of one sort.

    Attributes:
        sort: of the value.
        alive: whether nothing contradicts it plainly.
        literals: everything that was put in.
        subschemas: those taken apart so far, and whether they are to hold.
        facts: what is left of that once connectives are gone; judged together, keyword by keyword.
        choices: what is not taken apart yet.
        values: the only values there can be, where they are listed.
        excluded: values that are listed as excluded, of sorts that are not taken apart.
        is_untyped: whether the giving side says that nothing is known of the value.
        is_known: whether the giving side says anything else.
    """

    sort: str
    alive: bool = True
    literals: list[Literal] = field(default_factory=list)
    subschemas: set[tuple[Node, bool]] = field(default_factory=set)
    facts: list[Literal] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    values: list[Json] | None = None
    excluded: list[Json] = field(default_factory=list)
    is_untyped: bool = False
    is_known: bool = False

    def extended(self, literals: Iterable[Literal]) -> Branch:
        """The branch with further literals."""
        branch = replace(
            self,
            literals=[*self.literals],
            subschemas={*self.subschemas},
            facts=[*self.facts],
            choices=[*self.choices],
            excluded=[*self.excluded],
        )
        for literal in literals:
            branch.put(literal)
        return branch

    def put(self, literal: Literal) -> None:
        """Adds a literal."""
        self.literals.append(literal)
        self._add(literal)

    def _add(self, literal: Literal) -> None:
        formula, positive, side = literal
        if isinstance(formula, Node):
            if (formula, not positive) in self.subschemas:
                self.alive = False
                return
            self.subschemas.add((formula, positive))
        match formula:
            case Node(parts=parts) | Every(parts=parts) | Either(parts=parts):
                together = positive is not isinstance(formula, Either)
                self._connect([(Literal(part, positive, side),) for part in parts], together=together)
            case Negation(part=part):
                self._add(Literal(part, not positive, side))
            case ExactlyOne(parts=parts):
                self._choose(of_exactly_one(parts, side, positive=positive))
            case Untyped():
                self.is_untyped = True
                self.alive = self.alive and positive
            case _:
                self.is_known = self.is_known or side is Side.GIVEN
                self._state(literal)

    def _state(self, literal: Literal) -> None:
        formula, positive, side = literal
        match formula:
            case Sorts(sorts=sorts):
                self.alive = self.alive and (self.sort in sorts) is positive
            case Values():
                self._list([value for value in formula.values if sort_of(value) == self.sort], literal)
            case Atom(sorts=sorts) if self.sort not in sorts:
                self.alive = self.alive and positive
            case _ if positive or type(formula) not in NEGATIONS:
                self.facts.append(literal)
            case _:
                self._choose(NEGATIONS[type(formula)](formula, side))

    def _connect(self, options: list[Option], *, together: bool) -> None:
        if together:
            for (literal,) in options:
                self._add(literal)
        else:
            self._choose(tuple(options))

    def _choose(self, choice: Choice) -> None:
        """Adds a choice, without the options that are plainly false; none where one is plainly true."""
        options = []
        for option in choice:
            truths = [self._truth(literal) for literal in option]
            if False in truths:
                continue
            if all(truths):
                return
            options.append(option)
        if len(options) == 1:
            for literal in options[0]:
                self._add(literal)
        elif options:
            self.choices.append(tuple(options))
            is_given = options[0][0].side is Side.GIVEN
            self.is_known = self.is_known or (is_given and all(map(says_something, options)))
        else:
            self.alive = False

    def _truth(self, literal: Literal) -> bool | None:
        """Whether a literal is true or false of every value of the sort; `None` when that depends."""
        formula, positive, _ = literal
        if isinstance(formula, Negation):
            return self._truth(Literal(formula.part, not positive, literal.side))
        if isinstance(formula, Sorts):
            return (self.sort in formula.sorts) is positive
        if isinstance(formula, Atom) and self.sort not in formula.sorts:
            return positive
        if isinstance(formula, Every | Either) and not formula.parts:
            return isinstance(formula, Every) is positive
        return None

    def _list(self, values: list[Json], literal: Literal) -> None:
        if literal.positive:
            before = self.values
            self.values = values if before is None else [one for one in before if hold([literal], one)]
            self.alive = self.alive and bool(self.values)
        elif self.sort in TAKEN_APART:
            for value in values:
                self._choose(tuple(TAKEN_APART[self.sort](value, literal.side)))
        else:
            self.excluded += values


def says_something(option: Option) -> bool:
    """Whether what holds of a value is known where this holds."""
    return not any(literal.positive and literal.formula.is_gradual for literal in option)
