"""What looking for a value answers: one, that there is none, or that it is not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tenantry.language.values import Json


@dataclass(frozen=True, slots=True)
class Witness:
    """A value of which everything asked for holds."""

    value: Json


@dataclass(frozen=True, slots=True)
class Doubt:
    """Whether there is a value is not known, for a reason."""

    reason: str


Answer: TypeAlias = Witness | Doubt | None
"""`None` when there is no such value: proven."""
