"""What a cleanup did, or would do: counted by what was kept, and by what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date


class Kept(StrEnum):
    """What is kept. Dead letters go with their executions, those that are open excepted."""

    EXECUTION_HISTORY = "executionHistory"
    TASK_TRACES = "taskTraces"
    API_LOGS = "apiLogs"
    DEAD_LETTERS = "deadLetters"


class Effect(StrEnum):
    """What became of it: hidden for its grace, shown again because it has not expired after all, gone."""

    SOFT_DELETED = "softDeleted"
    RESTORED = "restored"
    REMOVED = "removed"


@dataclass
class Counts:
    """The counts of one cleanup of one tenant.

    Attributes:
        by: how many, by what they are and what became of them.
        days: days that went whole. Executions in them are counted, their traces are not.
    """

    by: Counter[tuple[Kept, Effect]] = field(default_factory=Counter)
    days: dict[Kept, list[date]] = field(default_factory=dict)

    def drop(self, kept: Kept, day: date, executions: int) -> None:
        """Counts a day that went whole, with so many of the tenant's executions."""
        self.days.setdefault(kept, []).append(day)
        if kept is Kept.EXECUTION_HISTORY:
            self.by[kept, Effect.REMOVED] += executions

    def view(self) -> dict[str, Any]:
        """As they are stored and shown."""
        shown: dict[str, Any] = {kept: {effect: self.by[kept, effect] for effect in Effect} for kept in Kept}
        return {**shown, "droppedDays": {kept: [*map(str, days)] for kept, days in self.days.items()}}
