"""The data plane's clock: epoch seconds that never run backwards, whatever the wall clock does."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Gives the present instant in seconds since 1970-01-01T00:00:00Z; never decreases."""

    def __call__(self) -> float:
        """Now."""
        ...


class SteadyClock:
    """Wall time at start plus monotonic time since: comparable across processes, immune to clock jumps."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Now."""
        return self._offset + time.monotonic()
