"""What becomes of a callback after a try: delivered, tried again and when, or given up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

SCHEDULE_SECONDS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The waits between tries, as Standard Webhooks recommends them: ten tries in about three days."""

JITTER: Final = 0.2
"""A wait is up to this part longer: what failed together does not come back together."""

MAX_RETRY_AFTER_SECONDS: Final = 86_400.0
"""So much of a receiver's `Retry-After` is heeded: the longest wait there is anyway."""

_HEEDED: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a try ended.

    Attributes:
        status: what the receiver answered; `None` when there was no answer.
        error: why there was none.
        hopeless: no other try can end differently.
        retry_after_seconds: what the receiver asked for.
    """

    status: int | None = None
    error: str = ""
    hopeless: bool = False
    retry_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is due again after so many seconds; `error` says what was wrong with this try."""

    seconds: float
    error: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It is not tried again by itself; `error` says why."""

    error: str


Outcome: TypeAlias = Delivered | Again | GivenUp


def decide(attempts: int, answer: Answer, luck: float) -> Outcome:
    """What follows from a try.

    Args:
        attempts: tries so far, this one included.
        answer: how it ended.
        luck: from 0 to 1, for the jitter.
    """
    if answer.status is not None and answer.status // 100 == 2:  # noqa: PLR2004  (2xx: RFC 9110 section 15.3)
        return Delivered()
    error = answer.error or f"the receiver answered {answer.status}"
    if answer.status == HTTPStatus.GONE:
        return GivenUp(f"{error}: it wants no more of these")
    if answer.hopeless:
        return GivenUp(error)
    if attempts > len(SCHEDULE_SECONDS):
        return GivenUp(f"{error}, at the last of {attempts} tries")
    seconds = SCHEDULE_SECONDS[attempts - 1] * (1 + JITTER * luck)
    if answer.status in _HEEDED:
        seconds = max(seconds, min(answer.retry_after_seconds, MAX_RETRY_AFTER_SECONDS))
    return Again(seconds, error)
