"""What a person sees while things are set up: the step at work, then its name and how long it took."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console


class Progress:
    """Steps on a terminal, or as lines where there is none."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Shows the step while the block runs; a step that fails leaves no line of its own.

        Gives a function that shows how far the step has come.
        """
        started = time.monotonic()
        with self.console.status(name) as status:
            yield lambda detail: status.update(f"{name}: {escape(detail)}")
        self.console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - started:.1f} s[/]")
