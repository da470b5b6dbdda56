"""What a wish to retry a letter comes to, from what is known of the letter and its execution. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from tenantry.dataplane.dead_letters.letters import DeadLetter, LetterAct, LetterStatus, allows
from tenantry.dataplane.dead_letters.port import Refusal
from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus

if TYPE_CHECKING:
    from tenantry.language.values import Json

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants of a retry.

    Attributes:
        actor: who it is.
        value: the task's input, when it is to be another.
        acknowledged: they know that a call whose outcome is unknown may do its work twice.
    """

    actor: str
    value: Json | msgspec.UnsetType = msgspec.UNSET
    acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known while nobody else can change it.

    Attributes:
        letter: the one to be retried.
        others: the execution's other letters that were not retried.
        held: somebody is retrying one of these at this moment.
        begun_as: what an earlier try began for it; whoever made that try has not said so yet, or never will.
        trace_deleted: the events are gone.
    """

    letter: DeadLetter
    others: tuple[DeadLetter, ...] = ()
    held: bool = False
    begun_as: str | None = None
    trace_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Go:
    """Retry the execution, or fork it. These letters, first the one that was named, are then retried."""

    covered: tuple[DeadLetter, ...]
    fork: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """Nothing needs to be done: it is retried. `begun_as` is what nobody has written down yet."""

    begun_as: str | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """It cannot be, and why."""

    code: Refusal
    message: str


def decide_retry(case: Case, wish: Wish) -> Go | Stay | Refuse:
    """Whether the letter's execution is to be retried or forked, or has been, or cannot be.

    A retry does everything again that failed in the execution, so it concerns all letters of it.
    """
    if case.letter.status is LetterStatus.RETRIED:
        return _done(wish)
    if case.begun_as is not None:
        return _done(wish, case.begun_as)
    if case.held:
        return Refuse(
            Refusal.BUSY, "it, or another letter of its execution, is being retried: look again soon"
        )
    if not allows(case.letter.status, LetterAct.RETRY):
        return Refuse(Refusal.NOT_OPEN, f"the letter is {case.letter.status}: that is final")
    return _unable(case) or _unwise(case, wish) or _go(case)


def _done(wish: Wish, begun_as: str | None = None) -> Stay | Refuse:
    if wish.value is msgspec.UNSET:
        return Stay(begun_as)
    message = "the letter has been retried, perhaps with another input: look at its execution"
    return Refuse(Refusal.NOT_OPEN, message)


def _unable(case: Case) -> Refuse | None:
    status = case.letter.execution_status
    if status is None:
        return Refuse(Refusal.EXECUTION_GONE, "its execution is not kept any more: discard the letter")
    if case.trace_deleted:
        return Refuse(Refusal.TRACE_GONE, "its execution's events are not kept any more: discard the letter")
    if status not in ENDED:
        return Refuse(
            Refusal.EXECUTION_NOT_ENDED, f"its execution is {status}: retry the letter when it ended"
        )
    return None


def _unwise(case: Case, wish: Wish) -> Refuse | None:
    if wish.value is not msgspec.UNSET and not case.letter.task_name:
        return Refuse(
            Refusal.TAKES_NO_INPUT, "no call failed here that could be given an input: retry it as it is"
        )
    unknown = [one for one in (case.letter, *case.others) if one.outcome_unknown]
    if unknown and not wish.acknowledged:
        return Refuse(Refusal.OUTCOME_UNKNOWN, _warning(unknown))
    return None


def _warning(unknown: list[DeadLetter]) -> str:
    tasks = ", ".join(one.task for one in unknown[:_SHOWN])
    return (
        f"nobody knows whether the call at {tasks} took effect, and a retry of the execution repeats it: "
        "look upstream first, then say acknowledgeUnknownOutcome"
    )


def _go(case: Case) -> Go:
    letter = case.letter
    others = (one for one in case.others if one.status is LetterStatus.OPEN)
    return Go((letter, *others), fork=letter.execution_status == ExecutionStatus.COMPLETED)
