"""The budget of a comparison, and what ends one without an answer."""

from __future__ import annotations

from typing import Final

DEFAULT_STEPS: Final = 10_000
"""Steps of 10 to 30 microseconds: a comparison takes at most about a fifth of a second."""


class UndecidedError(Exception):
    """A comparison cannot be decided; `compare` answers with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Steps:
    """Counts the steps of one comparison."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    @property
    def taken(self) -> int:
        """How many have been taken."""
        return self._limit - self._left

    def take(self, count: int = 1) -> None:
        """Takes steps.

        Raises:
            UndecidedError: none is left.
        """
        self._left -= count
        if self._left < 0:
            raise UndecidedError(f"not decided within {self._limit} steps")
