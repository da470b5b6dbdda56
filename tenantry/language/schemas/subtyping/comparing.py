"""Whether what one schema gives is what another takes. Validation asks it of all that flows into an input."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from tenantry.language.schemas.subtyping.answers import Witness
from tenantry.language.schemas.subtyping.formulas import Literal, Node, Side
from tenantry.language.schemas.subtyping.reading import Reader
from tenantry.language.schemas.subtyping.shortcuts import plainly_fits
from tenantry.language.schemas.subtyping.solver import TOO_DEEP, Solver
from tenantry.language.schemas.subtyping.steps import DEFAULT_STEPS, Steps, UndecidedError
from tenantry.language.schemas.subtyping.verdicts import Fits, Refuted, Unknown, Verdict
from tenantry.language.schemas.untyped import MARK
from tenantry.language.schemas.validators import compile_checked

if TYPE_CHECKING:
    from tenantry.language.schemas.violations import Violation
    from tenantry.language.values import Json

_FITS: Final = Fits()
_MAX_REMEMBERED: Final = 8_192  # bytes of two schemas: all that is remembered is some 16 MiB
_BYTES: Final = 150  # of two schemas that are larger than that: reading them costs a step
_WORTH_KEEPING: Final = 100  # steps
_NONE_LEFT: Final = "the comparisons before it took all the work there may be"


def compare(given: Any, taken: Any, *, max_steps: int = DEFAULT_STEPS) -> Verdict:
    """Whether every value of the one schema is a value of the other. `check` finds no problem in either.

    What is given as `UNTYPED` is never to blame: a value of which nothing is known fits everything.

    Args:
        given: schema of the values there are.
        taken: schema they are to satisfy; references of either lead into itself.
        max_steps: how much work it may be, in steps of some 20 microseconds.
    """
    return Comparisons(max_steps).compare(given, taken)


class Comparisons:
    """Comparisons that share one budget, such as those of a workflow: many hard ones are no way to hang.

    Attributes:
        left: steps that may still be taken.
    """

    def __init__(self, max_steps: int, around: Comparisons | None = None) -> None:
        """Nothing is compared yet.

        Args:
            max_steps: how much work all of them may be together.
            around: those that these are a part of, whose budget they use as well.
        """
        self.left: int = max_steps if around is None else min(max_steps, around.left)
        self._around = around
        self._hard: dict[_Pair, Verdict] = {}

    def compare(self, given: Any, taken: Any) -> Verdict:
        """What `compare` says, or that it is not known when there is nothing left of the budget."""
        if self.left <= 0:
            return Unknown(_NONE_LEFT)
        pair = _Pair(given, taken)
        if pair in self._hard:
            return self._hard[pair]
        self.take(max(len(pair.key) - _MAX_REMEMBERED, 0) // _BYTES)
        return _FITS if plainly_fits(given, taken) else self._solve(pair)

    def _solve(self, pair: _Pair) -> Verdict:
        judge = _remembered if len(pair.key) <= _MAX_REMEMBERED else _compare
        verdict, steps = judge(pair, max(min(self.left, DEFAULT_STEPS), 0))
        self.take(steps)
        if steps > _WORTH_KEEPING:
            self._hard[pair] = verdict
        return verdict

    def take(self, steps: int) -> None:
        """Takes steps out of the budget."""
        self.left -= steps
        if self._around is not None:
            self._around.take(steps)


class _Pair:
    """Two schemas, equal to another pair when they are written alike."""

    __slots__ = ("given", "key", "taken")

    def __init__(self, given: Any, taken: Any) -> None:
        self.given = given
        self.taken = taken
        self.key = _written(given) + b"\n" + _written(taken)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pair) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _written(schema: Any) -> bytes:
    try:
        return orjson.dumps(schema)
    except orjson.JSONEncodeError:  # a number that no value can hold, in a bound or an enum
        return repr(schema).encode()


@lru_cache(maxsize=2_048)
def _remembered(pair: _Pair, max_steps: int) -> tuple[Verdict, int]:
    return _compare(pair, max_steps)


def _compare(pair: _Pair, max_steps: int) -> tuple[Verdict, int]:
    """The verdict, and how many steps it took."""
    steps = Steps(max_steps)
    return _judge(pair, steps), steps.taken


def _judge(pair: _Pair, steps: Steps) -> Verdict:
    nodes: dict[bytes, Node] = {}
    goal = frozenset(
        (
            Literal(Reader(pair.given, nodes).node(pair.given), True, Side.GIVEN),
            Literal(Reader(pair.taken, nodes).node(pair.taken), False, Side.TAKEN),
        )
    )
    try:
        is_gradual = MARK[1:].encode() in pair.key
        answer = Solver(steps, is_gradual=is_gradual).solve(goal)
    except UndecidedError as error:
        return Unknown(error.reason)
    except RecursionError:
        return Unknown(TOO_DEEP)
    if answer is None:
        return _FITS
    return _refuted(pair, answer.value) if isinstance(answer, Witness) else Unknown(answer.reason)


def _refuted(pair: _Pair, value: Json) -> Verdict:
    """The verdict by a counterexample, once the engine that judges all values agrees."""
    taken = compile_checked(pair.taken)
    if taken.is_valid(value) or not compile_checked(pair.given).is_valid(value):
        return Unknown("what was found is so close to a bound that it does not count")
    violation: Violation = taken.violations(value)[0]
    return Refuted(value, violation.pointer, violation.message)
