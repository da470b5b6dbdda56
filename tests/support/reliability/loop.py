"""An event loop of virtual time that runs what is ready in an order of its seed's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.virtual_time import VirtualTimeLoop

if TYPE_CHECKING:
    from random import Random


class ShuffledLoop(VirtualTimeLoop):
    """Whatever may run at the same instant runs in any order: each turn begins with a shuffle."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def _run_once(self) -> None:
        if len(self._ready) > 1:
            ready = list(self._ready)
            self._random.shuffle(ready)
            self._ready.clear()
            self._ready.extend(ready)
        super()._run_once()
