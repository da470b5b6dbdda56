"""What a person sees while things are set up: the step at work, then its name and how long it took."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


class Progress:
    """Steps on a terminal, or as lines where there is none."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Shows the step while the block runs; a step that fails leaves no line of its own."""
        started = time.monotonic()
        with self.console.status(name):
            yield
        self.console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - started:.1f} s[/]")
