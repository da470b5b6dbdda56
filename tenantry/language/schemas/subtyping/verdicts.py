"""The three answers to whether what one schema gives is what another takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tenantry.language.values import Json


@dataclass(frozen=True, slots=True)
class Fits:
    """Every value of the one schema is a value of the other: proven."""


@dataclass(frozen=True, slots=True)
class Refuted:
    """Some value of the one schema is none of the other.

    Attributes:
        counterexample: such a value; both validators have judged it.
        pointer: JSON pointer (RFC 6901) into it, to what is not taken.
        message: what is wrong there, in the words of `Violation`.
    """

    counterexample: Json
    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither was found.

    Attributes:
        reason: what made it too hard, as a sentence without a full stop.
    """

    reason: str


Verdict: TypeAlias = Fits | Refuted | Unknown
