"""Looks for a value of which given literals hold: the counterexample of a comparison, when they contradict.

For each sort of values the literals are taken apart (`branches`) until a value can be made (`strings`,
`numbers`, `arrays`, `objects`). A choice is gone into only where the value found so far does not meet it.
Where a goal leads back to itself inside the value, that way is left: the smallest value of a goal has none of
the same goal inside. The method follows Attouche et al., "Witness generation for JSON Schema" (2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.schemas.subtyping.answers import Answer, Doubt, Witness
from tenantry.language.schemas.subtyping.arrays import Arrays
from tenantry.language.schemas.subtyping.branches import Branch, says_something
from tenantry.language.schemas.subtyping.equality import identity
from tenantry.language.schemas.subtyping.formulas import (
    BOOLEAN,
    NULL,
    SORTS,
    Goal,
    Literal,
    Side,
)
from tenantry.language.schemas.subtyping.holding import hold
from tenantry.language.schemas.subtyping.numbers import find_fraction, find_integer
from tenantry.language.schemas.subtyping.objects import Objects
from tenantry.language.schemas.subtyping.strings import find_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenantry.language.schemas.subtyping.choices import Choice
    from tenantry.language.schemas.subtyping.steps import Steps
    from tenantry.language.values import Json

_PLAIN: Final[dict[str, tuple[Json, ...]]] = {NULL: (None,), BOOLEAN: (False, True)}
_MAX_DEPTH: Final = 100
_DEEPER: Final = 4  # what looking into a value costs of the depth, beside what a choice does
TOO_DEEP: Final = "the schemas are nested too deeply to compare"


class Solver:
    """Solves the goals of one comparison; answers are kept, as goals come up again and again."""

    def __init__(self, steps: Steps, *, is_gradual: bool = False) -> None:
        """Makes a solver.

        Args:
            steps: the budget.
            is_gradual: something of the giving side is not known, so that it has to be told of each choice
                whether that is all that decides it.
        """
        self._steps = steps
        self._is_gradual = is_gradual
        self._known: dict[Goal, Answer] = {}
        self._trail: dict[Goal, int] = {}
        self._cut = _MAX_DEPTH  # the outermost goal of the trail that the last answers left a way to
        self._depth = 0

    def solve(self, goal: Goal) -> Answer:
        """Looks for a value of which all literals of the goal hold."""
        if goal in self._known:
            return self._known[goal]
        if goal in self._trail:
            self._cut = min(self._cut, self._trail[goal])
            return None
        if self._depth > _MAX_DEPTH:
            return Doubt(TOO_DEEP)
        if any(
            Literal(literal.formula, False, side) in goal
            for literal in goal
            for side in Side
            if literal.positive
        ):
            return None
        level, before = len(self._trail), self._cut
        self._trail[goal], self._cut = level, _MAX_DEPTH
        self._depth += _DEEPER
        answer = self._solve(goal)
        self._depth -= _DEEPER
        del self._trail[goal]
        if isinstance(answer, Witness) or self._cut >= level:
            self._known[goal] = answer
            self._cut = before
        else:
            self._cut = min(before, self._cut)
        return answer

    def _solve(self, goal: Goal) -> Answer:
        doubt: Answer = None
        for sort in SORTS:
            answer = self._search(Branch(sort).extended(goal), is_asked=_is_asked(goal))
            if isinstance(answer, Witness):
                return answer
            doubt = doubt or answer
        return doubt

    def _search(self, branch: Branch, *, is_asked: bool) -> Answer:
        """Makes a value of a branch, and goes into the first choice that it does not satisfy."""
        if not branch.alive or (is_asked and branch.is_untyped and not branch.is_known):
            return None
        if branch.values is not None:
            self._steps.take(1 + len(branch.values) // 8)
            return next((Witness(one) for one in branch.values if hold(branch.literals, one)), None)
        self._steps.take(1 + sum(map(len, branch.choices)) // 4)
        answer = self._make(branch)
        if answer is None or not branch.choices:
            return answer
        choice = self._open(branch.choices, answer)
        if choice is None:
            return answer
        if self._depth > _MAX_DEPTH:
            return Doubt(TOO_DEEP)
        branch.choices.remove(choice)
        self._depth += 1
        answer = self._choose(branch, choice, is_asked=is_asked)
        self._depth -= 1
        return answer

    def _choose(self, branch: Branch, choice: Choice, *, is_asked: bool) -> Answer:
        doubt: Answer = None
        for option in choice:
            answer = self._search(branch.extended(option), is_asked=is_asked)
            if isinstance(answer, Witness):
                return answer
            doubt = doubt or answer
        return doubt

    def _open(self, choices: list[Choice], answer: Answer) -> Choice | None:
        """The first choice that the value found does not satisfy by something that is known."""
        if isinstance(answer, Doubt) or answer is None:
            return choices[0]
        return next((choice for choice in choices if not self._is_met(choice, answer.value)), None)

    def _is_met(self, choice: Choice, value: Json) -> bool:
        if self._is_gradual and choice[0][0].side is Side.TAKEN:
            return False
        return any(says_something(option) and hold(option, value) for option in choice)

    def _make(self, branch: Branch) -> Answer:
        """A value of which the facts of a branch hold."""
        facts, excluded = branch.facts, frozenset(map(identity, branch.excluded))
        match branch.sort:
            case "array":
                return Arrays(facts, self.solve, self._steps).find()
            case "object":
                return Objects(facts, self.solve, self._steps).find()
            case "string":
                return find_string(facts, excluded, self._steps)
            case "integer":
                return find_integer(facts, excluded, self._steps)
            case "fraction":
                return find_fraction(facts, excluded, self._steps)
        values = _PLAIN[branch.sort]
        return next((Witness(one) for one in values if identity(one) not in excluded), None)


def _is_asked(goal: Iterable[Literal]) -> bool:
    """Whether the taking side says anything: what is not known then counts as right."""
    return any(literal.side is Side.TAKEN for literal in goal)
