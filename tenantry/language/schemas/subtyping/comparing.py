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


def compare(given: Any, taken: Any, *, max_steps: int = DEFAULT_STEPS) -> Verdict:
    """Whether every value of the one schema is a value of the other. `check` finds no problem in either.

    What is given as `UNTYPED` is never to blame: a value of which nothing is known fits everything.

    Args:
        given: schema of the values there are.
        taken: schema they are to satisfy; references of either lead into itself.
        max_steps: how much work it may be, in steps of some 20 microseconds.
    """
    if plainly_fits(given, taken):
        return _FITS
    pair = _Pair(given, taken)
    return _remembered(pair, max_steps) if len(pair.key) <= _MAX_REMEMBERED else _compare(pair, max_steps)


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
def _remembered(pair: _Pair, max_steps: int) -> Verdict:
    return _compare(pair, max_steps)


def _compare(pair: _Pair, max_steps: int) -> Verdict:
    nodes: dict[bytes, Node] = {}
    goal = frozenset(
        (
            Literal(Reader(pair.given, nodes).node(pair.given), True, Side.GIVEN),
            Literal(Reader(pair.taken, nodes).node(pair.taken), False, Side.TAKEN),
        )
    )
    try:
        is_gradual = MARK[1:].encode() in pair.key
        answer = Solver(Steps(max_steps), is_gradual=is_gradual).solve(goal)
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
