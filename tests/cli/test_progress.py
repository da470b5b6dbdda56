from __future__ import annotations

import io

import pytest
from rich.console import Console

from tenantry.cli.progress import Progress


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_step_shows_how_far_it_is_and_then_its_name(terminal: Console) -> None:
    with Progress(terminal).step("Applied") as tell:
        tell("[acme]")
        shown = terminal._live_stack[-1].get_renderable()
        terminal.print(shown)
        assert "Applied: [acme]" in said(terminal)
    assert "✓" in said(terminal)


def test_a_step_that_fails_leaves_no_line(terminal: Console) -> None:
    with pytest.raises(ZeroDivisionError), Progress(terminal).step("Applied"):
        raise ZeroDivisionError
    assert "✓" not in said(terminal)
