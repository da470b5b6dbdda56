"""A trace as a waterfall: one bar per task on the execution's time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH: Final = 24
_STYLES: Final = {"completed": "green", "failed": "red", "skipped": "dim", "cancelled": "yellow"}


def draw_waterfall(trace: Mapping[str, Any]) -> Table:
    """The table for a trace as the data plane answers it; its longest bar is `WIDTH` characters."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("task", "status"):
        table.add_column(column)
    table.add_column(_axis(trace["durationSeconds"]), width=WIDTH)
    table.add_column("took", justify="right")
    table.add_column("waited for")
    for task in trace["tasks"]:
        style = _STYLES.get(task["status"], "")
        table.add_row(
            _name(task),
            Text(_status(task), style),
            Text(_bar(task, trace["durationSeconds"]), style),
            _milliseconds(task.get("durationSeconds", 0.0)),
            ", ".join((*task.get("waitedFor", ()), *_room(task))),
        )
    return table


def _name(task: Mapping[str, Any]) -> str:
    run = task.get("run", 1)
    return f"{task['id']} (run {run})" if run > 1 else str(task["id"])


def _room(task: Mapping[str, Any]) -> list[str]:
    """For how long it waited for room; that of an item in its loop goes without saying."""
    blocks = [block for block in task.get("blocked", ()) if block["limit"] != "loop"]
    seconds = sum(block.get("endSeconds", block["startSeconds"]) - block["startSeconds"] for block in blocks)
    return [f"room ({_milliseconds(seconds)})"] if blocks else []


def _axis(total_seconds: float) -> str:
    end = _milliseconds(total_seconds)
    return f"0 {'─' * (WIDTH - 3 - len(end))} {end}"


def _status(task: Mapping[str, Any]) -> str:
    attempts = len(task.get("attempts", ()))
    return f"{task['status']} ({attempts} attempts)" if attempts > 1 else str(task["status"])


def _bar(task: Mapping[str, Any], total_seconds: float) -> str:
    """The time from the first attempt to the last, with the pauses between attempts in a lighter shade."""
    if task["status"] == "skipped":
        return ""
    start, end = _cells(task, total_seconds)
    cells = [" "] * start + ["█"] * (end - start)
    attempts = task.get("attempts", ())
    if any("retryDelaySeconds" in attempt for attempt in attempts):
        cells[start:] = ["░"] * (end - start)
        for attempt in attempts:
            first, last = _cells(attempt, total_seconds)
            cells[first:last] = ["█"] * (last - first)
    return "".join(cells)


def _cells(what: Mapping[str, Any], total_seconds: float) -> tuple[int, int]:
    """The first cell of something that took time, and the one after its last."""
    scale = WIDTH / max(total_seconds, 1e-9)
    start = min(int(float(what.get("startSeconds", 0.0)) * scale), WIDTH - 1)
    end = round(float(what.get("endSeconds", total_seconds)) * scale)
    return start, max(start + 1, min(end, WIDTH))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
