"""Wrong engines, each wrong in one way: a search that finds nothing in one of them is worth nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import msgspec

from tenantry.dataplane.engine.core import control, decide, evolve, failures
from tenantry.dataplane.engine.core.events import FailureCode, WorkflowRetried
from tests.support.reliability.exhaustive.model import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.activity import Activity
    from tenantry.dataplane.engine.core.events import AnyEvent, Failure
    from tenantry.dataplane.engine.core.state import ExecutionState


@dataclass(frozen=True)
class Mutant:
    """What is wrong, a workflow in which it shows, and what is then said to be violated.

    Attributes:
        wrong: makes it so, for as long as it is entered.
    """

    shape: str
    violation: str
    rules: Rules = field(default_factory=Rules)
    wrong: Callable[[], AbstractContextManager[Any]] = nullcontext


def _nothing(*_arguments: object) -> None:
    return None


def _always_repeatable(activity: Activity) -> Failure:
    known = _INTERRUPTED(activity)
    return msgspec.structs.replace(known, code=FailureCode.INTERRUPTED, outcome_unknown=False)


def _forgetful(state: ExecutionState, event: WorkflowRetried) -> None:
    state.done = {}
    _RETRIED(state, event)


def _secretive(state: ExecutionState, now: float) -> AnyEvent | None:
    state.iterations += 1
    return _DECIDE(state, now)


_INTERRUPTED: Final = control._interrupted
_RETRIED: Final = evolve._EVOLVE[WorkflowRetried]
_DECIDE: Final = decide.decide

MUTANTS: Final = {
    "a commit is not fenced by its epoch": Mutant("chain", "written twice", Rules(fenced=False)),
    "whoever takes it keeps its epoch": Mutant("chain", "same epoch", Rules(raises_epoch=False)),
    "an unsafe call waits for nothing": Mutant(
        "chain", "sent before that was journaled", Rules(durable_first=False)
    ),
    "what was paused is resumed without a look at what was in flight": Mutant(
        "chain", "is in flight, or is not", Rules(settles_first=False)
    ),
    "an interrupted call is repeated whatever it does": Mutant(
        "chain", "effect twice", wrong=lambda: patch.object(control, "_interrupted", _always_repeatable)
    ),
    "whoever takes it over believes that its calls are in flight": Mutant(
        "chain", "is in flight, or is not",
        wrong=lambda: patch.object(control, "calls_in_flight", lambda _state: ()),
    ),
    "an outcome counts as often as it is told": Mutant(
        "chain", "nobody is told", wrong=lambda: patch.object(evolve, "_is_over", lambda *_: False)
    ),
    "nobody is told of what a cancel cuts off": Mutant(
        "chain", "nobody is told", wrong=lambda: patch.object(control, "letter_of_cut_off", _nothing)
    ),
    "nobody is told of what a deadline cuts off": Mutant(
        "chain", "nobody is told", wrong=lambda: patch.object(decide, "letter_of_cut_off", _nothing)
    ),
    "nobody is told of an unknown outcome when something else fails": Mutant(
        "fan-in", "nobody is told", wrong=lambda: patch.object(failures, "letter_of_cut_off", _nothing)
    ),
    "a retry does everything again": Mutant(
        "chain", "is done again",
        wrong=lambda: patch.dict(evolve._EVOLVE, {WorkflowRetried: _forgetful}),
    ),
    "a decision changes what no event tells of": Mutant(
        "chain", "another state than its owner", wrong=lambda: patch.object(decide, "decide", _secretive)
    ),
    "a resume does not resume": Mutant(
        "chain", "for ever", wrong=lambda: patch.object(control, "resume", lambda *_: [])
    ),
}  # fmt: skip
